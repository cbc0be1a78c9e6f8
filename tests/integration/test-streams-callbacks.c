/*
 * Callbacks that do to their process, and to others, whatever can be done.
 */
#include "course.h"
#include "lines.h"

#include <processkit/run.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a callback does, once. */
struct mischief {
    struct course *course;
    int called;
    int result;
    pk_process *victim;
};

/* ---- Freeing ---------------------------------------------------------------------------------------------------- */

static void free_at_line(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    (void)process;
    mischief->called++;
    assert_string_equal(line->text, "line 1");
    course_free_inside(mischief->course);
    assert_string_equal(line->text, "line 1"); /* its own until the call is over */
}

static void free_at_chunk(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    struct mischief *mischief = data;
    (void)process, (void)fd, (void)bytes, (void)length;
    mischief->called++;
    course_free_inside(mischief->course);
}

/* Nothing is called afterwards, although there is more of everything. */
static void a_callback_may_free_its_process(void **state)
{
    for (int way = 0; way < 2; way++) {
        struct course course;
        struct mischief mischief = {.course = &course};
        pk_auto(pk_command) command = course_command(state, "lines 1000 -- chatter 1");
        if (way == 0)
            pk_command_on_line(command, 1, free_at_line, &mischief);
        else
            pk_command_on_chunk(command, 1, free_at_chunk, &mischief);
        pk_command_capture(command, 1, NULL);
        pk_command_capture(command, 2, NULL);
        course_start(&course, state, command);
        assert_null(course_end(&course));
        assert_int_equal(mischief.called, 1);
        course_close(&course);
    }
}

/* The last line comes when the run has ended. */
static void free_at_end_of_stream(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    (void)process;
    mischief->called++;
    if (line->end == PK_LINE_EOF)
        course_free_inside(mischief->course);
}

static void a_callback_may_free_its_process_at_the_end(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    pk_auto(pk_command) command = course_command(state, "half-line -- exit 0");
    pk_command_on_line(command, 1, free_at_end_of_stream, &mischief);
    course_prepare(&course, state, command);
    assert_true(pidfd_is_dead(pk_process_pidfd(course.process), 20000));
    course_watch(&course, state);
    assert_null(course_end(&course));
    assert_int_equal(mischief.called, 1);
    course_close(&course);
}

/* One that holds the stream is cut off: the half line is delivered by the end of the drain. */
static void a_callback_may_free_its_process_in_the_drain(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = course_reporting_command(state, witness, "leave 0 -- half-line");
    pk_command_on_line(command, 1, free_at_end_of_stream, &mischief);
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_command_drain(command, PK_MILLISECONDS(20));
    course_start(&course, state, command);
    assert_null(course_end(&course));
    assert_int_equal(mischief.called, 1);
    course_close(&course);
    witness_update(witness);
    witness_free(witness);
    course_await_the_spared();
}

static ssize_t nothing_now(void *buffer, size_t size, void *data)
{
    (void)buffer, (void)size, (void)data;
    return -EAGAIN;
}

static void freeing_ends_the_input_too(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    pk_auto(pk_command) command = course_command(state, "lines 1 -- echo");
    pk_command_on_line(command, 1, free_at_line, &mischief);
    pk_command_input_callback(command, nothing_now, NULL);
    course_start(&course, state, command);
    assert_null(course_end(&course));
    course_close(&course);
}

static void free_it(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    int *called = data;
    (void)fd, (void)bytes, (void)length;
    ++*called;
    pk_process_free(process);
}

/* Lines are asked for of one that is freed while they are read. */
static void freeing_ends_the_asking(void **state)
{
    int called = 0;
    pk_error error = {0};
    pk_line line;
    pk_process *process = NULL;
    pk_auto(pk_command) command = course_command(state, "bytes 500000");
    pk_command_on_chunk(command, 1, free_it, &called);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), -ECANCELED);
    assert_int_equal(called, 1);
}

/* The process of a verb is nobody's to free, but its callbacks get it. */
static void freeing_ends_a_verb(void **state)
{
    int called = 0;
    pk_error error = {0};
    pk_output *output = NULL;
    char *text = NULL;
    pk_auto(pk_command) command = course_command(state, "lines 1000 -- chatter 1");
    pk_command_on_chunk(command, 1, free_it, &called);
    assert_int_equal(pk_command_output(command, &output, &error), -ECANCELED);
    assert_int_equal(pk_command_status(command, NULL, &error), -ECANCELED);
    assert_int_equal(pk_command_first_line(command, NULL, NULL, &text, &error), -ECANCELED);
    assert_int_equal(called, 3);
    assert_null(output);
    assert_null(text);
}

/* ---- Others ----------------------------------------------------------------------------------------------------- */

static void free_the_other(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    (void)process, (void)line;
    mischief->called++;
    mischief->victim = pk_process_free(mischief->victim);
}

static void a_callback_may_free_another(void **state)
{
    for (int first = 0; first < 2; first++) {
        struct mischief mischief = {0};
        pk_error error = {0};
        pk_process *processes[2];
        pk_auto(pk_command) loud = course_command(state, "lines 1 -- hold");
        pk_auto(pk_command) quiet = course_command(state, "chatter 1");
        pk_command_on_line(loud, 1, free_the_other, &mischief);
        pk_command_capture(quiet, 1, NULL);
        assert_ok(pk_command_start(loud, &processes[first], &error), error);
        assert_ok(pk_command_start(quiet, &processes[!first], &error), error);
        mischief.victim = processes[!first];
        assert_int_equal(pk_process_wait_all(processes, 2, PK_FOREVER, &error), -ECANCELED);
        assert_int_equal(error.number, -ECANCELED);
        assert_int_equal(mischief.called, 1);
        pk_process_free(processes[first]);
    }
}

static void wait_for_the_other(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    pk_error error;
    (void)process, (void)line;
    mischief->called++;
    assert_ok(pk_process_wait(mischief->victim, PK_FOREVER, NULL, &error), error);
}

/* Others may be waited for. */
static void a_callback_may_wait_for_another(void **state)
{
    struct mischief mischief = {0};
    pk_error error = {0};
    pk_process *processes[2];
    pk_auto(pk_command) loud = course_command(state, "lines 1");
    pk_auto(pk_command) quiet = course_command(state, "bytes 500000");
    pk_command_on_line(loud, 1, wait_for_the_other, &mischief);
    pk_command_capture(quiet, 1, NULL);
    assert_ok(pk_command_start(loud, &processes[0], &error), error);
    assert_ok(pk_command_start(quiet, &processes[1], &error), error);
    mischief.victim = processes[1];
    assert_ok(pk_process_wait_all(processes, 2, PK_FOREVER, &error), error);
    assert_int_equal(mischief.called, 1);
    for (int i = 0; i < 2; i++)
        pk_process_free(processes[i]);
}

/* ---- Stopping and looking --------------------------------------------------------------------------------------- */

static void stop_it(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    pk_error error;
    (void)line;
    if (mischief->called++ == 0)
        assert_ok(pk_process_stop(process, NULL, &error), error);
}

static void a_callback_may_stop_its_process(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    pk_auto(pk_command) command = course_command(state, "lines 10 -- hold");
    pk_command_on_line(command, 1, stop_it, &mischief);
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_STOPPED);
    assert_true(mischief.called >= 1);
    course_close(&course);
}

static void look_at_capture(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    char end[64];
    const pk_capture *capture = pk_process_capture(process, 1);
    (void)line;
    assert_ptr_equal(process, mischief->course->process);
    /* What has been read is there, this line included. */
    snprintf(end, sizeof(end), "line %d\n", ++mischief->called);
    if (capture->omitted == 0)
        assert_non_null(strstr(capture->bytes, end));
    assert_int_equal(capture->total, pk_process_bytes(process, 1));
    assert_int_equal(capture->total, capture->length + capture->omitted);
}

static void a_callback_may_look_at_the_capture(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = 100;
    options.tail = 5000;
    pk_auto(pk_command) command = course_command(state, "lines 3000");
    pk_command_capture(command, 1, &options);
    pk_command_on_line(command, 1, look_at_capture, &mischief);
    course_start(&course, state, command);
    course_end(&course);
    const char *bytes = pk_process_capture(course.process, 1)->bytes;
    assert_int_equal(mischief.called, 3000);
    assert_string_equal(bytes + strlen(bytes) - 10, "line 3000\n");
    course_close(&course);
}

/* ---- Waiting and taking ----------------------------------------------------------------------------------------- */

static void wait_inside(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    pk_line other;
    char byte;
    (void)line;
    int refused = mischief->course->loop ? -EBUSY : -EDEADLK;
    mischief->called++;
    assert_int_equal(pk_process_wait(process, 0, NULL, NULL), refused);
    assert_int_equal(pk_process_wait_any(&process, 1, 0, NULL), refused);
    assert_int_equal(pk_process_wait_all(&process, 1, 0, NULL), refused);
    assert_int_equal(pk_process_next_line(process, 1, &other, 0, NULL), refused);
    assert_int_equal(pk_process_read(process, 3, &byte, 1, 0, NULL), refused);
    assert_int_equal(pk_process_write(process, "a", 1, NULL, 0, NULL), refused);
}

static void a_callback_cannot_wait_for_its_own(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    pk_auto(pk_command) command = course_command(state, "lines 2");
    pk_command_on_line(command, 1, wait_inside, &mischief);
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 3);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_int_equal(mischief.called, 2);
    course_close(&course);
}

static void take_inside(pk_process *process, const pk_line *line, void *data)
{
    struct mischief *mischief = data;
    (void)line;
    mischief->called++;
    assert_int_equal(pk_process_pipe_take(process, 1), -EBUSY);
    mischief->result = pk_process_pipe_take(process, 0);
    assert_true(mischief->result >= 0);
    assert_int_equal(pk_process_pipe_take(process, 0), -EBADF);
    close(mischief->result); /* the child sees the end of its input */
}

static void a_callback_may_take_pipes(void **state)
{
    struct course course;
    struct mischief mischief = {.course = &course};
    pk_auto(pk_command) command = course_command(state, "lines 1 -- echo");
    pk_command_on_line(command, 1, take_inside, &mischief);
    pk_command_pipe(command, 0);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_int_equal(mischief.called, 1);
    course_close(&course);
}

static void close_inside(pk_process *process, const pk_line *line, void *data)
{
    (void)line, (void)data;
    pk_process_close_input(process);
    pk_process_close_input(process);
}

static void a_callback_may_close_the_input(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "lines 1 -- echo");
    pk_command_on_line(command, 1, close_inside, NULL);
    pk_command_pipe(command, 0);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    course_close(&course);
}

static const struct test tests[] = {
    EACH_WAY(a_callback_may_free_its_process),
    EACH_WAY(a_callback_may_free_its_process_at_the_end),
    EACH_WAY(a_callback_may_free_its_process_in_the_drain),
    EACH_WAY(freeing_ends_the_input_too),
    PK_TEST_NAMED("freeing_ends_the_asking", freeing_ends_the_asking, .data = &way_wait_reaper),
    PK_TEST_NAMED("freeing_ends_a_verb", freeing_ends_a_verb, .data = &way_wait_reaper),
    PK_TEST_NAMED("a_callback_may_free_another", a_callback_may_free_another, .data = &way_wait_reaper),
    PK_TEST_NAMED("a_callback_may_wait_for_another", a_callback_may_wait_for_another, .data = &way_wait_reaper),
    EACH_WAY(a_callback_may_stop_its_process),
    EACH_WAY(a_callback_may_look_at_the_capture),
    EACH_WAY(a_callback_cannot_wait_for_its_own),
    EACH_WAY(a_callback_may_take_pipes),
    EACH_WAY(a_callback_may_close_the_input),
};

PK_TEST_MAIN(tests)
