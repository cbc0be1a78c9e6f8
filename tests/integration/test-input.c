/*
 * What a child finds on its stdin, and what it does with it.
 */
#include "course.h"
#include "lines.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MUCH = 10 << 20 };

static pk_command *captured(void **state, const char *words)
{
    pk_command *command = course_command(state, words);
    signal(SIGPIPE, SIG_DFL); /* of whoever has the library */
    pk_command_capture(command, 1, NULL);
    return command;
}

static void assert_echo(void **state, const pk_command *command, const char *text)
{
    struct course course;
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_captured(&course, 1, text);
    course_close(&course);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

static void nothing_is_the_default(void **state)
{
    pk_auto(pk_command) command = captured(state, "count");
    assert_echo(state, command, "0\n");
}

static void bytes_are_copied_and_given_to_each_start(void **state)
{
    char bytes[] = "a\0b";
    struct course course;
    pk_auto(pk_command) command = captured(state, "echo");
    pk_command_input(command, bytes, 4);
    memset(bytes, 'x', sizeof(bytes));
    for (int i = 0; i < 2; i++) {
        course_start(&course, state, command);
        course_end(&course);
        assert_int_equal(pk_process_capture(course.process, 1)->length, 4);
        assert_memory_equal(pk_process_capture(course.process, 1)->bytes, "a\0b", 4);
        course_close(&course);
    }
}

static void the_last_input_holds(void **state)
{
    static const char *const lines[] = {"one", "", "two", NULL}, *const none[] = {NULL};
    pk_auto(pk_command) command = captured(state, "echo");
    pk_command_input(command, "first", 5);
    pk_command_input_lines(command, lines);
    assert_echo(state, command, "one\n\ntwo\n");
    pk_command_input_lines(command, none);
    assert_echo(state, command, "");
    pk_command_input_text(command, "text");
    assert_echo(state, command, "text");
    pk_command_input(command, NULL, 0);
    assert_echo(state, command, "");
    pk_command_null(command, 0);
    assert_echo(state, command, "");
}

static void wrong_input_is_told_at_the_start(void **state)
{
    pk_error error;
    pk_process *process;
    pk_auto(pk_command) text = captured(state, "echo");
    pk_command_input_text(text, NULL);
    assert_int_equal(pk_command_start(text, &process, &error), -EINVAL);
    pk_auto(pk_command) callback = captured(state, "echo");
    pk_command_input_callback(callback, NULL, NULL);
    assert_int_equal(pk_command_start(callback, &process, &error), -EINVAL);
    pk_auto(pk_command) read = captured(state, "echo");
    pk_command_capture(read, 0, NULL);
    assert_int_equal(pk_command_start(read, &process, &error), -EINVAL);
}

/* Ten megabytes in and the same out: whoever only wrote would wait for ever. */
static void much_goes_in_and_out(void **state)
{
    struct course course;
    size_t much = fewer(MUCH);
    char *bytes = malloc(much);
    for (size_t i = 0; i < much; i++)
        bytes[i] = (char)(i * 2654435761U >> 15);
    pk_capture_options all = PK_CAPTURE_OPTIONS_INIT;
    all.head = much;
    pk_auto(pk_command) command = captured(state, "echo");
    pk_command_capture(command, 1, &all);
    pk_command_input(command, bytes, much);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    const pk_capture *capture = pk_process_capture(course.process, 1);
    assert_int_equal(capture->length, much);
    assert_memory_equal(capture->bytes, bytes, much);
    assert_int_equal(pk_process_pipe(course.process, 0), -EBADF); /* it has all */
    course_close(&course);
    free(bytes);
}

static void a_child_may_read_as_slowly_as_it_likes(void **state)
{
    struct course course;
    char bytes[200000] = "";
    pk_auto(pk_command) command = captured(state, "read-slowly 4096 1 -- print done");
    pk_command_input(command, bytes, sizeof(bytes));
    course_start(&course, state, command);
    assert_int_equal(pk_process_pipe(course.process, 0), -EBUSY);
    assert_int_equal(pk_process_pipe_take(course.process, 0), -EBUSY);
    course_end(&course);
    assert_captured(&course, 1, "done\n");
    course_close(&course);
}

/* Nor need it read at all. */
static void a_child_need_not_read(void **state)
{
    static const char *const words[] = {"exit 0", "read-bytes 10", "read-bytes 10 -- close 0 -- sleep 20",
                                        "close 0 -- sleep 20"};
    static char bytes[MUCH];
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct course course;
        pk_error error;
        pk_auto(pk_command) command = captured(state, words[i]);
        pk_command_input(command, bytes, sizeof(bytes));
        course_start(&course, state, command);
        assert_true(pk_result_is_success(course_end(&course)));
        assert_ok(pk_process_check(course.process, &error), error);
        course_close(&course);
    }
}

static void a_child_that_never_reads_is_ended_in_time(void **state)
{
    static char bytes[MUCH];
    struct course course;
    pk_auto(pk_command) command = captured(state, "hold");
    pk_command_input(command, bytes, sizeof(bytes));
    pk_command_timeout(command, PK_MILLISECONDS(200));
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    course_close(&course);
}

/* ---- Callbacks -------------------------------------------------------------------------------------------------- */

struct source {
    int asked;
    int left; /* bytes */
    int error;
    bool ready;
};

static ssize_t give(void *buffer, size_t size, void *data)
{
    struct source *source = data;
    source->asked++;
    if (source->left == 0)
        return source->error;
    size_t length = (size_t)source->left < size ? (size_t)source->left : size;
    memset(buffer, 'y', length);
    source->left -= (int)length;
    return (ssize_t)length;
}

static void a_callback_is_a_source(void **state)
{
    char count[16];
    struct source source = {.left = (int)fewer(MUCH)};
    snprintf(count, sizeof(count), "%d\n", source.left);
    pk_auto(pk_command) command = captured(state, "count");
    pk_command_input_callback(command, give, &source);
    assert_echo(state, command, count);
    source.left = 3;
    assert_echo(state, command, "3\n");
}

static void the_error_of_a_callback_is_told(void **state)
{
    struct course course;
    pk_error error = {0};
    struct source source = {.left = 5, .error = -EREMOTEIO};
    pk_auto(pk_command) command = captured(state, "count");
    pk_command_input_callback(command, give, &source);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_captured(&course, 1, "5\n");
    assert_int_equal(pk_process_check(course.process, &error), -EREMOTEIO);
    assert_int_equal(error.kind, PK_ERROR_STDIN);
    course_close(&course);
}

/* Each line that the child answers with is a reason for the next. */
static ssize_t give_one_when_ready(void *buffer, size_t size, void *data)
{
    struct source *source = data;
    (void)size;
    source->asked++;
    if (source->left == 0)
        return 0;
    if (!source->ready)
        return -EAGAIN;
    source->ready = false;
    source->left--;
    memcpy(buffer, "x\n", 2);
    return 2;
}

static void ask_for_more(pk_process *process, const pk_line *line, void *data)
{
    struct source *source = data;
    assert_string_equal(line->text, "x");
    assert_false(source->ready);
    source->ready = true;
    pk_process_input_ready(process);
    pk_process_input_ready(process);
}

static void a_callback_may_have_nothing_now(void **state)
{
    enum { TIMES = 100 };
    struct course course;
    struct source source = {.left = TIMES, .ready = true};
    pk_auto(pk_command) command = captured(state, "echo");
    pk_command_input_callback(command, give_one_when_ready, &source);
    pk_command_on_line(command, 1, ask_for_more, &source);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_int_equal(pk_process_capture(course.process, 1)->length, 2 * TIMES);
    assert_true(source.asked <= 2 * TIMES + 1); /* only when it is ready */
    course_close(&course);
}

static void it_is_asked_again_when_it_says_so(void **state)
{
    struct course course;
    struct source source = {.left = 1};
    pk_auto(pk_command) command = captured(state, "echo");
    pk_command_input_callback(command, give_one_when_ready, &source);
    course_start(&course, state, command);
    pk_process_input_ready(course.process); /* before it was ever asked */
    for (int i = 0; i < 5; i++)
        assert_false(course_run(&course, PK_MILLISECONDS(5)));
    assert_int_equal(source.asked, 1);
    source.ready = true;
    assert_false(course_run(&course, PK_MILLISECONDS(5)));
    pk_process_input_ready(course.process);
    course_end(&course);
    assert_captured(&course, 1, "x\n");
    assert_int_equal(source.asked, 3);
    course_close(&course);
}

/* A source that never ends does not keep the others from their turn, nor the run from its end. */
static ssize_t give_for_ever(void *buffer, size_t size, void *data)
{
    (void)data;
    memset(buffer, 'z', size);
    return (ssize_t)size;
}

static void a_source_without_end_is_cut(void **state)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, "echo");
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = options.tail = 100;
    pk_command_capture(command, 1, &options);
    pk_command_input_callback(command, give_for_ever, NULL);
    pk_command_timeout(command, PK_MILLISECONDS(200));
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    assert_true(pk_process_bytes(course.process, 1) > 0);
    course_close(&course);
}

/* ---- Interactive ------------------------------------------------------------------------------------------------ */

static void a_dialogue_is_possible(void **state)
{
    pk_error error;
    pk_line line;
    size_t written;
    pk_process *process;
    pk_auto(pk_command) command = course_command(state, "echo");
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    assert_ok(pk_command_start(command, &process, &error), error);
    for (int i = 0; i < 50; i++) {
        assert_ok(pk_process_write(process, "hello\n", 6, &written, PK_FOREVER, &error), error);
        assert_int_equal(written, 6);
        assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
        assert_string_equal(line.text, "hello");
    }
    pk_process_close_input(process);
    pk_process_close_input(process);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 0);
    assert_int_equal(pk_process_write(process, "a", 1, &written, PK_FOREVER, &error), -EBADF);
    assert_int_equal(written, 0);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_ok(pk_process_check(process, &error), error);
    pk_process_free(process);
}

/* What comes back meanwhile is kept. */
static void much_can_be_written(void **state)
{
    static char bytes[MUCH];
    pk_error error;
    pk_process *process;
    pk_auto(pk_command) command = captured(state, "echo");
    pk_command_pipe(command, 0);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_ok(pk_process_write(process, bytes, fewer(MUCH), NULL, PK_FOREVER, &error), error);
    pk_process_close_input(process);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_int_equal(pk_process_capture(process, 1)->total, fewer(MUCH));
    pk_process_free(process);
}

static void writing_has_a_deadline(void **state)
{
    static char bytes[MUCH];
    pk_error error;
    pk_process *process;
    size_t written = 0;
    pk_auto(pk_command) command = captured(state, "hold");
    pk_command_pipe(command, 0);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_process_write(process, bytes, MUCH, &written, pk_deadline(PK_MILLISECONDS(50)), &error),
                     -ETIMEDOUT);
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
    assert_true(written >= 4096 && written < MUCH);
    assert_int_equal(pk_process_write(process, bytes, MUCH, &written, 0, &error), -ETIMEDOUT);
    assert_int_equal(written, 0);
    pk_process_free(process);
}

static void a_closed_end_is_told(void **state)
{
    pk_error error;
    pk_process *process;
    size_t written = 1;
    pk_auto(pk_command) command = captured(state, "close 0 -- print closed -- hold");
    pk_command_pipe(command, 0);
    assert_ok(pk_command_start(command, &process, &error), error);
    pk_line line;
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
    assert_int_equal(pk_process_write(process, "a", 1, &written, PK_FOREVER, &error), -EPIPE);
    assert_int_equal(error.number, -EPIPE);
    assert_int_equal(error.kind, PK_ERROR_STDIN);
    assert_int_equal(written, 0);
    pk_process_free(process);
}

/* The deadline of the command is one here, too: the child is gone then. */
static void writing_ends_with_the_run(void **state)
{
    static char bytes[MUCH];
    pk_error error;
    pk_process *process;
    pk_auto(pk_command) command = captured(state, "hold");
    pk_command_pipe(command, 0);
    pk_command_timeout(command, PK_MILLISECONDS(100));
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_process_write(process, bytes, MUCH, NULL, PK_FOREVER, &error), -EPIPE);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_int_equal(pk_process_result(process)->verdict, PK_VERDICT_TIMED_OUT);
    pk_process_free(process);
}

#define ONE(function) PK_TEST_NAMED(#function, function, .data = &way_wait_reaper)

static void the_command_may_be_gone_first(void **state)
{
    enum { SIZE = 1 << 20 };
    pk_error error;
    pk_process *process = NULL;
    char *bytes = calloc(1, SIZE);
    pk_command *command = course_command(state, "count");
    pk_command_input(command, bytes, SIZE);
    pk_command_capture(command, 1, NULL);
    assert_ok(pk_command_start(command, &process, &error), error);
    pk_command_free(command);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "1048576\n");
    pk_process_free(process);
    free(bytes);
}

static const struct test tests[] = {
    EACH_WAY(nothing_is_the_default),
    EACH_WAY(bytes_are_copied_and_given_to_each_start),
    EACH_WAY(the_last_input_holds),
    ONE(wrong_input_is_told_at_the_start),
    EACH_WAY(much_goes_in_and_out, .deadline_s = 60),
    EACH_WAY(a_child_may_read_as_slowly_as_it_likes),
    EACH_WAY(a_child_need_not_read),
    EACH_WAY(a_child_that_never_reads_is_ended_in_time),
    EACH_WAY(a_callback_is_a_source),
    EACH_WAY(the_error_of_a_callback_is_told),
    EACH_WAY(a_callback_may_have_nothing_now),
    EACH_WAY(it_is_asked_again_when_it_says_so),
    EACH_WAY(a_source_without_end_is_cut),
    ONE(a_dialogue_is_possible),
    ONE(much_can_be_written),
    ONE(writing_has_a_deadline),
    ONE(a_closed_end_is_told),
    ONE(writing_ends_with_the_run),
    EACH_MECHANISM(the_command_may_be_gone_first),
};

PK_TEST_MAIN(tests)
