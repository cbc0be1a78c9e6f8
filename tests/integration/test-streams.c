/*
 * What a child writes comes to everybody who wants it, whoever carries the run.
 */
#include "course.h"
#include "files.h"
#include "lines.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static pk_capture_options keeping(size_t head, size_t tail, pk_overflow overflow)
{
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = head;
    options.tail = tail;
    options.overflow = overflow;
    return options;
}

/* ---- Capture ---------------------------------------------------------------------------------------------------- */

static void both_streams_are_captured(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "print out -- print-to 2 err -- exit 3");
    pk_command_capture(command, 1, NULL);
    pk_command_capture(command, 2, NULL);
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->exit_code, 3);
    assert_captured(&course, 1, "out\n");
    assert_captured(&course, 2, "err\n");
    const pk_capture *capture = pk_process_capture(course.process, 1);
    assert_int_equal(capture->total, 4);
    assert_int_equal(capture->length, 4);
    assert_int_equal(capture->head_length, 4);
    assert_int_equal(capture->omitted, 0);
    assert_false(capture->cut_off);
    assert_int_equal(pk_process_bytes(course.process, 2), 4);
    assert_null(pk_process_capture(course.process, 3));
    course_close(&course);
}

static void merged_streams_keep_their_order(void **state)
{
    enum { LINES = 3000 };
    struct course course;
    pk_auto(pk_command) command = course_command(state, "alternate 3000");
    pk_command_capture(command, 1, NULL);
    pk_command_same(command, 2, 1);
    course_start(&course, state, command);
    course_end(&course);
    const char *text = pk_process_capture(course.process, 1)->bytes;
    for (int i = 1; i <= LINES; i++) {
        char expected[64];
        size_t length = (size_t)snprintf(expected, sizeof(expected), "out %d\nerr %d\n", i, i);
        assert_memory_equal(text, expected, length);
        text += length;
    }
    assert_string_equal(text, "");
    course_close(&course);
}

static void any_descriptor_is_a_stream(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "print-to 7 seven");
    pk_command_capture(command, 7, NULL);
    course_start(&course, state, command);
    course_end(&course);
    assert_captured(&course, 7, "seven\n");
    course_close(&course);
}

/* ---- Everybody gets it ------------------------------------------------------------------------------------------ */

struct audience {
    struct report lines, chunks;
    uint64_t number;
};

static void hear_line(pk_process *process, const pk_line *line, void *data)
{
    struct audience *audience = data;
    (void)process;
    assert_int_equal(line->fd, 1);
    assert_int_equal(line->number, ++audience->number);
    assert_int_equal(line->text[line->length], '\0');
    assert_int_equal(line->end, PK_LINE_LF);
    report_append(&audience->lines, line->text, line->length);
    report_append(&audience->lines, "\n", 1);
}

static void hear_chunk(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    struct audience *audience = data;
    (void)process;
    assert_int_equal(fd, 1);
    assert_true(length > 0);
    report_append(&audience->chunks, bytes, length);
}

static struct report read_back(const char *path)
{
    struct report text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read_to_end(fd, &text, 10000));
    close(fd);
    return text;
}

static void assert_same_text(struct report text, const pk_capture *capture)
{
    assert_int_equal(text.length, capture->length);
    assert_memory_equal(text.bytes, capture->bytes, text.length);
    report_free(&text);
}

static int new_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void everybody_gets_everything(void **state)
{
    struct course course;
    struct audience audience = {0};
    char words[32];
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    int raw = new_file(scratch("raw")), text = new_file(scratch("text"));
    options.spill = scratch("spill");
    snprintf(words, sizeof(words), "lines %u", fewer(20000));
    pk_auto(pk_command) command = course_command(state, words);
    pk_command_capture(command, 1, &options);
    pk_command_on_line(command, 1, hear_line, &audience);
    pk_command_on_chunk(command, 1, hear_chunk, &audience);
    pk_command_tee(command, 1, raw, PK_TEE_RAW);
    pk_command_tee(command, 1, text, PK_TEE_TEXT);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    const pk_capture *capture = pk_process_capture(course.process, 1);
    assert_int_equal(capture->length, capture->total);
    assert_int_equal(audience.number, fewer(20000));
    assert_same_text(audience.lines, capture);
    assert_same_text(audience.chunks, capture);
    assert_same_text(read_back(scratch("raw")), capture);
    assert_same_text(read_back(scratch("text")), capture);
    assert_same_text(read_back(scratch("spill")), capture);
    assert_int_equal(pk_process_tee_error(course.process, 1), 0);
    course_close(&course);
    close(raw);
    close(text);
}

/* Two streams that go on to one descriptor. */
static void one_tee_gets_two_streams(void **state)
{
    struct course course;
    int ends[2];
    struct report text = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pk_auto(pk_command) command = course_command(state, "print out -- print-to 2 err");
    pk_command_tee(command, 1, ends[1], PK_TEE_RAW);
    pk_command_tee(command, 2, ends[1], PK_TEE_TEXT);
    course_start(&course, state, command);
    close(ends[1]); /* it stays the caller's */
    course_end(&course);
    /* An end has come: nobody keeps it open once the run is over. */
    assert_true(read_to_end(ends[0], &text, 10000));
    assert_int_equal(text.length, 8);
    assert_non_null(strstr(text.bytes, "out\n"));
    assert_non_null(strstr(text.bytes, "err\n"));
    report_free(&text);
    course_close(&course);
    close(ends[0]);
}

/* ---- Pace ------------------------------------------------------------------------------------------------------- */

static void pause_at_once(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)bytes, (void)length, (void)data;
    assert_int_equal(pk_process_pause(process, fd), 0);
}

static void a_paused_stream_stops_its_child(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "bytes 3000000");
    pk_command_on_chunk(command, 1, pause_at_once, NULL);
    course_start(&course, state, command);
    uint64_t before = 0;
    for (int i = 0; i < 5; i++) { /* paused again at each chunk */
        assert_false(course_run(&course, PK_MILLISECONDS(20)));
        uint64_t now = pk_process_bytes(course.process, 1);
        assert_true(now <= before + 65536);
        assert_true(now > before || i == 0 || before == 0);
        before = now;
        assert_int_equal(pk_process_unpause(course.process, 1), 0);
    }
    assert_true(before < 3000000);
    while (!course_run(&course, PK_MILLISECONDS(1)))
        assert_int_equal(pk_process_unpause(course.process, 1), 0);
    assert_int_equal(pk_process_bytes(course.process, 1), 3000000);
    assert_int_equal(pk_process_pause(course.process, 2), -EBADF);
    assert_int_equal(pk_process_unpause(course.process, 0), -EBADF);
    course_close(&course);
}

/* Nobody burns time where nothing is to be done. */
static void a_child_that_closes_its_output_goes_on(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "print done -- close 1 -- close 2 -- hold");
    pk_command_capture(command, 1, NULL);
    pk_command_capture(command, 2, NULL);
    course_start(&course, state, command);
    while (pk_process_bytes(course.process, 1) == 0)
        assert_false(course_run(&course, PK_MILLISECONDS(1)));
    course_run(&course, PK_MILLISECONDS(50));
    sys_fault_clear();
    assert_false(course_run(&course, PK_MILLISECONDS(200)));
    assert_true(sys_fault_count("ppoll") + sys_fault_count("epoll_wait") < 20);
    assert_captured(&course, 1, "done\n");
    assert_int_equal(pk_process_stop(course.process, NULL, NULL), 0);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_STOPPED);
    course_close(&course);
}

/* ---- Too much --------------------------------------------------------------------------------------------------- */

static void overflow(void **state, const char *words, pk_overflow policy, pk_verdict verdict, int exit_code)
{
    struct course course;
    pk_capture_options options = keeping(100, 50, policy);
    pk_auto(pk_command) command = course_command(state, words);
    pk_command_capture(command, 1, &options);
    course_start(&course, state, command);
    const pk_result *result = course_end(&course);
    const pk_capture *capture = pk_process_capture(course.process, 1);
    assert_int_equal(result->verdict, verdict);
    if (exit_code >= 0)
        assert_int_equal(result->exit_code, exit_code);
    assert_int_equal(capture->total - capture->omitted, capture->length);
    assert_int_equal(capture->omitted > 0, capture->total > 150);
    course_close(&course);
}

static void what_is_not_kept_is_counted(void **state)
{
    overflow(state, "bytes 100000 -- exit 3", PK_OVERFLOW_OMIT, PK_VERDICT_EXITED, 3);
}

static void too_much_can_be_a_failure(void **state)
{
    overflow(state, "bytes 150 -- exit 0", PK_OVERFLOW_FAIL, PK_VERDICT_EXITED, 0);
    overflow(state, "bytes 151 -- exit 0", PK_OVERFLOW_FAIL, PK_VERDICT_OVERFLOW, 0);
    overflow(state, "bytes 100000 -- exit 3", PK_OVERFLOW_FAIL, PK_VERDICT_OVERFLOW, 3);
    overflow(state, "bytes 151 -- die KILL", PK_OVERFLOW_FAIL, PK_VERDICT_OVERFLOW, -1);
}

static void too_much_can_be_the_end(void **state)
{
    struct course course;
    pk_capture_options options = keeping(1000, 0, PK_OVERFLOW_KILL);
    pk_auto(pk_command) command = course_command(state, "ignore TERM -- flood");
    pk_command_capture(command, 1, &options);
    course_start(&course, state, command);
    const pk_result *result = course_end(&course);
    assert_int_equal(result->verdict, PK_VERDICT_OVERFLOW);
    assert_true(result->hard_killed);
    assert_int_equal(result->soft_signal, 0);
    assert_int_equal(pk_process_capture(course.process, 1)->length, 1000);
    course_close(&course);
    overflow(state, "bytes 151 -- exit 0", PK_OVERFLOW_KILL, PK_VERDICT_OVERFLOW, -1);
}

static void a_gigabyte_fits_into_a_kilobyte(void **state)
{
    struct course course;
    struct rusage before, after;
    char words[64];
    uint64_t total = fewer(fewer(1U << 30));
    pk_capture_options options = keeping(512, 512, PK_OVERFLOW_OMIT);
    snprintf(words, sizeof(words), "bytes %llu -- print-to 1 end", (unsigned long long)total);
    pk_auto(pk_command) command = course_command(state, words);
    pk_command_capture(command, 1, &options);
    getrusage(RUSAGE_SELF, &before);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    getrusage(RUSAGE_SELF, &after);
    const pk_capture *capture = pk_process_capture(course.process, 1);
    assert_int_equal(capture->total, total + 4);
    assert_int_equal(capture->omitted, total + 4 - 1024);
    assert_string_equal(capture->bytes + 1024 - 5, "xend\n");
    if (test_slowness() == 1)
        assert_true(after.ru_maxrss - before.ru_maxrss < 2048); /* KiB */
    course_close(&course);
}

/* ---- The tail --------------------------------------------------------------------------------------------------- */

/* What is written right before the end is read, whatever is noticed first: the end of the pipe, of the leader, of the
 * tree. */
static void a_tail_is_never_lost(void **state)
{
    unsigned runs = fewer(250);
    pk_auto(pk_command) command = course_command(state, "bytes 65536");
    pk_command_capture(command, 1, NULL);
    for (unsigned i = 0; i < runs; i++) {
        struct course course;
        course_start(&course, state, command);
        course_end(&course);
        const pk_capture *capture = pk_process_capture(course.process, 1);
        assert_int_equal(capture->length, 65536);
        assert_false(capture->cut_off);
        course_close(&course);
    }
}

/* Ends that are read when others should have their turn cost no drain. */
static void an_end_is_seen_at_once(void **state)
{
    for (unsigned pages = 12; pages <= 16; pages++) { /* as many as a pipe takes */
        struct course course;
        char words[64];
        snprintf(words, sizeof(words), "bytes %u", pages * 4096);
        pk_capture_options options = keeping(0, 4096, PK_OVERFLOW_OMIT); /* read page by page */
        pk_auto(pk_command) command = course_command(state, words);
        pk_command_capture(command, 1, &options);
        pk_command_drain(command, PK_SECONDS(300));
        course_prepare(&course, state, command);
        assert_true(pidfd_is_dead(pk_process_pidfd(course.process), 20000));
        course_watch(&course, state);
        course_end(&course);
        assert_int_equal(pk_process_bytes(course.process, 1), pages * 4096);
        course_close(&course);
    }
}

static const struct test tests[] = {
    EACH_WAY(both_streams_are_captured),
    EACH_WAY(merged_streams_keep_their_order),
    EACH_WAY(any_descriptor_is_a_stream),
    EACH_WAY(everybody_gets_everything),
    EACH_WAY(one_tee_gets_two_streams),
    EACH_WAY(a_paused_stream_stops_its_child),
    EACH_WAY(a_child_that_closes_its_output_goes_on),
    EACH_WAY(what_is_not_kept_is_counted),
    EACH_WAY(too_much_can_be_a_failure),
    EACH_WAY(too_much_can_be_the_end),
    EACH_WAY(a_gigabyte_fits_into_a_kilobyte, .deadline_s = 120),
    EACH_WAY(a_tail_is_never_lost, .deadline_s = 120),
    EACH_WAY(an_end_is_seen_at_once, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
