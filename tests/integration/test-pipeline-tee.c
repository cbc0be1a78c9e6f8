/*
 * What goes from one stage to the next and somewhere else as well: all of it, at the pace of the slower one, and
 * whatever becomes of those who take it.
 */
#include "plumbing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(const char *name)
{
    int fd = open(scratch(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static off_t size_of(int fd)
{
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    return status.st_size;
}

/* "line 1" and so on; closes it. */
static void assert_lines(int fd, unsigned count)
{
    char line[64], expected[64];
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    for (unsigned i = 1; i <= count; i++) {
        snprintf(expected, sizeof(expected), "line %u\n", i);
        assert_non_null(fgets(line, sizeof(line), file));
        assert_string_equal(line, expected);
    }
    assert_null(fgets(line, sizeof(line), file));
    fclose(file);
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static void a_file_gets_everything(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 8388608 | echo | count");
    int fd = open_file("tee");
    pk_pipeline_tee(pipeline, 0, fd);
    plumbing_run(&course, state, pipeline);
    assert_captured(&course, 1, "8388608\n");
    assert_int_equal(size_of(fd), 8388608);
    assert_int_equal(pk_process_stage_tee_error(course.process, 0), 0);
    assert_int_equal(pk_process_culprit(course.process), PK_NO_STAGE);
    course_close(&course);
    close(fd);
}

static void so_does_each_of_two(void **state)
{
    struct course course;
    unsigned count = fewer(100000);
    char words[64];
    snprintf(words, sizeof(words), "lines %u | echo | echo", count);
    pk_auto(pk_pipeline) pipeline = plumb(state, words);
    int first = open_file("first"), second = open_file("second");
    pk_pipeline_tee(pipeline, 0, first);
    pk_pipeline_tee(pipeline, 1, second);
    pk_pipeline_tee(pipeline, 1, second); /* said again */
    plumbing_run(&course, state, pipeline);
    assert_int_equal(pk_process_culprit(course.process), PK_NO_STAGE);
    assert_int_equal(size_of(first), size_of(second));
    course_close(&course);
    assert_lines(first, count);
    assert_lines(second, count);
}

/* All that goes through it, whatever the first is made of. */
static void one_file_can_be_for_both(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 100000 | echo | count");
    int fd = open(scratch("both"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pk_pipeline_tee(pipeline, 0, fd);
    pk_pipeline_tee(pipeline, 1, fd);
    plumbing_run(&course, state, pipeline);
    assert_captured(&course, 1, "100000\n");
    assert_int_equal(size_of(fd), 200000);
    course_close(&course);
    close(fd);
}

/* ---- The pace --------------------------------------------------------------------------------------------------- */

static void nothing_is_lost_to_a_slow_one(void **state)
{
    struct course course;
    static char bytes[10000];
    int ends[2];
    size_t got = 0;
    ssize_t r;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 1000000 | count");
    pk_auto(pk_command) command = NULL;
    pk_pipeline_tee(pipeline, 0, ends[1]);
    command = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_capture(command, 1, NULL);
    course_start(&course, state, command);
    close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    while (!course_run(&course, PK_MILLISECONDS(1)))
        while ((r = read(ends[0], bytes, sizeof(bytes))) > 0)
            got += (size_t)r;
    while ((r = read(ends[0], bytes, sizeof(bytes))) > 0)
        got += (size_t)r;
    assert_int_equal(r, 0);
    assert_int_equal(got, 1000000);
    assert_captured(&course, 1, "1000000\n");
    course_close(&course);
    close(ends[0]);
}

/* Nobody reads it: nothing goes on, and yet everything ends when it is to. */
static void one_that_takes_nothing_holds_nobody_for_ever(void **state)
{
    struct course course;
    pk_error error;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 3; i++) {
        pk_auto(pk_pipeline) pipeline = plumb(state, "flood | count");
        pk_pipeline_tee(pipeline, 0, ends[1]);
        if (i == 0)
            pk_pipeline_timeout(pipeline, PK_MILLISECONDS(300));
        course_start(&course, state, pk_pipeline_command(pipeline));
        if (i == 1)
            assert_ok(pk_process_stop(course.process, NULL, &error), error);
        if (i < 2)
            assert_int_equal(course_end(&course)->verdict, i == 0 ? PK_VERDICT_TIMED_OUT : PK_VERDICT_STOPPED);
        course_close(&course);
    }
    close(ends[0]);
    close(ends[1]);
}

/* Who is faster than all others must not keep them from what they have to do. */
static void a_flood_meets_its_deadline(void **state)
{
    struct course course;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pk_auto(pk_pipeline) pipeline = plumb(state, "flood | count");
    pk_pipeline_tee(pipeline, 0, null);
    pk_pipeline_timeout(pipeline, PK_MILLISECONDS(300));
    pk_time begin = pk_now();
    course_start(&course, state, pk_pipeline_command(pipeline));
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    assert_true(pk_now() - begin < PK_SECONDS(5) * test_slowness());
    assert_int_equal(pk_process_stage_tee_error(course.process, 0), 0);
    course_close(&course);
    close(null);
}

/* ---- What fails ------------------------------------------------------------------------------------------------- */

static void its_error_is_told_before_and_after_the_end(void **state)
{
    struct course course;
    pk_error error;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    pk_auto(pk_pipeline) pipeline = plumb(state, "chatter 1 | count | echo");
    pk_pipeline_tee(pipeline, 0, full);
    course_start(&course, state, pk_pipeline_command(pipeline));
    while (pk_process_stage_tee_error(course.process, 0) == 0)
        assert_false(course_run(&course, PK_MILLISECONDS(1)));
    assert_int_equal(pk_process_stage_tee_error(course.process, 0), -ENOSPC);
    assert_int_equal(pk_process_stage_tee_error(course.process, 1), 0);
    assert_int_equal(pk_process_stage_tee_error(course.process, 2), 0);
    assert_int_equal(pk_process_stage_tee_error(course.process, 3), -EBADF);
    assert_false(course_run(&course, PK_MILLISECONDS(10))); /* the pipeline goes on */
    assert_ok(pk_process_stop(course.process, NULL, &error), error);
    course_end(&course);
    assert_int_equal(pk_process_stage_tee_error(course.process, 0), -ENOSPC);
    course_close(&course);
    close(full);
}

static void everybody_else_gets_everything(void **state)
{
    struct course course;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 1000000 | echo | count");
    pk_pipeline_tee(pipeline, 0, full);
    pk_pipeline_tee(pipeline, 1, ends[1]);
    plumbing_run(&course, state, pipeline);
    assert_captured(&course, 1, "1000000\n");
    assert_int_equal(pk_process_culprit(course.process), PK_NO_STAGE);
    assert_int_equal(pk_process_stage_tee_error(course.process, 0), -ENOSPC);
    assert_int_equal(pk_process_stage_tee_error(course.process, 1), -EPIPE);
    course_close(&course);
    close(full);
    close(ends[1]);
}

static void what_is_no_descriptor_is_refused(void **state)
{
    pk_error error;
    pk_process *process;
    int fd = open_file("closed");
    close(fd);
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold | hold");
    pk_pipeline_tee(pipeline, 1, fd);
    assert_int_equal(pk_pipeline_start(pipeline, &process, &error), -EBADF);
    assert_non_null(strstr(error.message, "cannot pass on what goes to descriptor"));
    pk_pipeline_tee(pipeline, 1, -2);
    assert_int_equal(pk_pipeline_start(pipeline, &process, &error), -EINVAL);
    assert_non_null(strstr(error.message, "-2 is no descriptor"));
    pk_auto(pk_command) alone = cast_command(NULL, "exit 0");
    assert_ok(pk_command_start(alone, &process, &error), error);
    assert_int_equal(pk_process_stage_tee_error(process, 0), -EBADF);
    pk_process_free(process);
}

/* ---- How it ends ------------------------------------------------------------------------------------------------ */

static void what_a_failed_stage_wrote_is_there(void **state)
{
    struct course course;
    int fd = open_file("tee");
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 100000 -- exit 3 | count");
    pk_pipeline_tee(pipeline, 0, fd);
    assert_int_equal(plumbing_run(&course, state, pipeline)->exit_code, 3);
    assert_int_equal(pk_process_culprit(course.process), 0);
    assert_captured(&course, 1, "100000\n");
    assert_int_equal(size_of(fd), 100000);
    course_close(&course);
    close(fd);
}

static void who_writes_is_cut_off_as_by_a_pipe(void **state)
{
    struct course course;
    int fd = open_file("tee");
    pk_auto(pk_pipeline) pipeline = plumb(state, "flood | read-bytes 100000 -- print enough");
    pk_pipeline_tee(pipeline, 0, fd);
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->signal_number, SIGPIPE);
    assert_int_equal(pk_process_culprit(course.process), 0);
    assert_true(size_of(fd) >= 100000);
    assert_captured(&course, 1, "enough\n");
    course_close(&course);
    close(fd);
}

/* Nobody is left who could take it, and the writer has not written yet. */
static void a_writer_learns_that_the_reader_is_gone(void **state)
{
    struct course course;
    int fd = open_file("tee");
    pk_auto(pk_command) first = cast_command(NULL, "expect go -- chatter 1");
    pk_auto(pk_command) last = cast_command(NULL, "print gone");
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_error error;
    options.mechanism = way->mechanism;
    pk_command_pipe(first, 0);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    pk_pipeline_contain(pipeline, &options);
    pk_pipeline_tee(pipeline, 0, fd);
    course_start(&course, state, pk_pipeline_command(pipeline));
    int input = pk_process_pipe_take(course.process, 0);
    struct pollfd ended = {.fd = pk_process_pidfd(course.process), .events = POLLIN};
    assert_int_equal(poll(&ended, 1, -1), 1);
    assert_false(course_run(&course, PK_MILLISECONDS(1)));
    assert_int_equal(write(input, "go", 2), 2);
    assert_int_equal(course_end(&course)->signal_number, SIGPIPE);
    assert_ok(pk_process_signal(course.process, 0, &error) == -ESRCH ? 0 : -1, error);
    course_close(&course);
    close(input);
    close(fd);
}

static const struct test tests[] = {
    EACH_WAY(a_file_gets_everything),
    EACH_LEAKY_WAY(a_file_gets_everything),
    EACH_WAY(so_does_each_of_two),
    EACH_MECHANISM(one_file_can_be_for_both),
    EACH_WAY(nothing_is_lost_to_a_slow_one),
    EACH_WAY(one_that_takes_nothing_holds_nobody_for_ever),
    EACH_WAY(a_flood_meets_its_deadline),
    EACH_WAY(its_error_is_told_before_and_after_the_end),
    EACH_WAY(everybody_else_gets_everything),
    EACH_MECHANISM(what_is_no_descriptor_is_refused),
    EACH_WAY(what_a_failed_stage_wrote_is_there),
    EACH_WAY(who_writes_is_cut_off_as_by_a_pipe),
    EACH_WAY(a_writer_learns_that_the_reader_is_gone),
};

PK_TEST_MAIN(tests)
