/*
 * Output that is asked for: by lines and by bytes, with everything else going on meanwhile.
 */
#include "base/time.h"
#include "course.h"
#include "lines.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const pk_duration patience = PK_SECONDS(30);

static pk_process *start(const pk_command *command)
{
    pk_error error;
    pk_process *process = NULL;
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

static void assert_line(pk_process *process, int fd, const char *text, pk_line_end end)
{
    pk_error error;
    pk_line line;
    assert_ok(pk_process_next_line(process, fd, &line, pk_deadline(patience), &error), error);
    assert_string_equal(line.text, text);
    assert_int_equal(line.length, strlen(text));
    assert_int_equal(line.end, end);
}

static int next(pk_process *process, int fd, pk_duration wait, pk_error *error)
{
    pk_line line;
    return pk_process_next_line(process, fd, &line, pk_deadline(wait), error);
}

static pk_result end(pk_process *process)
{
    pk_error error;
    pk_result result;
    assert_ok(pk_process_wait(process, pk_deadline(patience), &result, &error), error);
    return result;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static void lines_come_one_by_one(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "lines 3 -- half-line");
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    assert_line(process, 1, "line 1", PK_LINE_LF);
    assert_line(process, 1, "line 2", PK_LINE_LF);
    assert_line(process, 1, "line 3", PK_LINE_LF);
    pk_time begin = pk_now();
    assert_int_equal(next(process, 1, PK_MILLISECONDS(50), &error), -ETIMEDOUT); /* a half is none */
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
    assert_true(pk_now() - begin >= PK_MILLISECONDS(50));
    assert_int_equal(next(process, 1, 0, &error), -ETIMEDOUT);
    assert_ok(pk_process_signal(process, SIGKILL, &error), error);
    assert_line(process, 1, "half a line", PK_LINE_EOF);
    assert_int_equal(next(process, 1, patience, &error), 0);
    assert_int_equal(next(process, 1, patience, &error), 0);
    assert_int_equal(end(process).verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(next(process, 1, patience, &error), 0);
}

static void lines_of_all_streams_come_too(void **state)
{
    pk_error error;
    pk_line line;
    int lines[3] = {0};
    pk_auto(pk_command) command = course_command(state, "alternate 2000");
    pk_command_pipe(command, 1);
    pk_command_capture(command, 2, NULL);
    pk_auto(pk_process) process = start(command);
    while (pk_process_next_line(process, -1, &line, pk_deadline(patience), &error) > 0) {
        assert_int_equal(line.number, ++lines[line.fd]);
        assert_memory_equal(line.text, line.fd == 1 ? "out " : "err ", 4);
    }
    assert_int_equal(lines[1], 2000);
    assert_int_equal(lines[2], 2000);
    end(process);
    assert_int_equal(pk_process_capture(process, 2)->total, pk_process_bytes(process, 2));
}

/* Whose lines nobody asks for is read all the same, or the child would wait for ever. */
static void other_streams_go_on_meanwhile(void **state)
{
    pk_auto(pk_command) command = course_command(state, "bytes 500000 -- print-to 2 done -- exit 0");
    pk_command_capture(command, 1, NULL);
    pk_command_pipe(command, 2);
    pk_auto(pk_process) process = start(command);
    assert_line(process, 2, "done", PK_LINE_LF);
    end(process);
    assert_int_equal(pk_process_capture(process, 1)->length, 500000);
}

static void only_what_is_asked_for_is_read(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "lines 1000000");
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    assert_line(process, 1, "line 1", PK_LINE_LF);
    uint64_t read = pk_process_bytes(process, 1);
    assert_true(read <= 65536);
    for (int i = 0; i < 50; i++)
        assert_ok(next(process, 1, patience, &error), error);
    assert_true(pk_process_bytes(process, 1) <= 2 * 65536);
}

/* What was read when lines were still asked for is not lost afterwards. */
static void the_rest_is_read_by_the_wait(void **state)
{
    int ends[2];
    struct report text = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "lines 3 -- print-to 2 ready -- read-bytes 1 -- print more");
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 2);
    pk_command_capture(command, 1, NULL);
    pk_command_tee(command, 1, ends[1], PK_TEE_TEXT);
    pk_process *process = start(command);
    close(ends[1]);
    assert_int_equal(pk_process_pause(process, 1), 0); /* until all is there, and read at once */
    assert_line(process, 2, "ready", PK_LINE_LF);
    assert_int_equal(pk_process_unpause(process, 1), 0);
    assert_line(process, 1, "line 1", PK_LINE_LF);
    assert_ok(pk_process_write(process, "a", 1, NULL, PK_FOREVER, &error), error);
    end(process);
    pk_process_free(process);
    assert_true(read_to_end(ends[0], &text, 20000));
    assert_string_equal(text.bytes, "line 1\nline 2\nline 3\nmore\n");
    report_free(&text);
    close(ends[0]);
}

static void count_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process;
    int *count = data;
    assert_int_equal(line->number, ++*count);
}

static void the_line_of_a_callback_comes_here_too(void **state)
{
    int count = 0;
    pk_auto(pk_command) command = course_command(state, "lines 5");
    pk_command_on_line(command, 1, count_line, &count);
    pk_auto(pk_process) process = start(command);
    assert_line(process, 1, "line 1", PK_LINE_LF);
    assert_int_equal(count, 1);
    assert_line(process, 1, "line 2", PK_LINE_LF);
    assert_int_equal(count, 2);
    end(process);
    assert_int_equal(count, 5);
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

/* By a loop as well; and not only when more is written. */
static void the_rest_is_read_by_a_loop(void **state)
{
    int count = 0;
    bool ended = false;
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_command) command = course_command(state, "lines 5 -- hold");
    pk_command_on_line(command, 1, count_line, &count);
    pk_auto(pk_process) process = start(command);
    do /* until all of them have been read */
        assert_ok(next(process, 1, patience, &error), error);
    while (pk_process_bytes(process, 1) < 5 * 7);
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, note_end, &ended, &error), error);
    assert_int_equal(next(process, 1, patience, &error), -EBUSY);
    while (count < 5)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    while (!ended)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

static void bytes_come_as_they_are(void **state)
{
    pk_error error;
    char bytes[64] = "";
    pk_auto(pk_command) command = course_command(state, "half-line");
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    assert_int_equal(pk_process_read(process, 1, bytes, 4, pk_deadline(patience), &error), 4);
    assert_int_equal(pk_process_read(process, 1, bytes + 4, 60, pk_deadline(patience), &error), 7);
    assert_string_equal(bytes, "half a line");
    assert_int_equal(pk_process_read(process, 1, bytes, 60, pk_deadline(PK_MILLISECONDS(30)), &error), -ETIMEDOUT);
    assert_int_equal(pk_process_bytes(process, 1), 11);
    assert_ok(pk_process_signal(process, SIGKILL, &error), error);
    assert_int_equal(pk_process_read(process, 1, bytes, 60, pk_deadline(patience), &error), 0);
    assert_int_equal(pk_process_read(process, 1, bytes, 60, pk_deadline(patience), &error), 0);
    end(process);
}

/* A holder that is out of reach is waited for no longer than the drain. */
static void bytes_of_a_spared_holder_end(void **state)
{
    pk_error error;
    char bytes[64];
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = course_reporting_command(state, witness, "print early -- leave 0 -- hold");
    pk_command_pipe(command, 1);
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_process *process = start(command);
    size_t length = 0;
    while (length < 6)
        length += (size_t)pk_process_read(process, 1, bytes, 60, pk_deadline(patience), &error);
    assert_int_equal(length, 6);
    assert_int_equal(pk_process_read(process, 1, bytes, 60, PK_FOREVER, &error), 0);
    pk_process_free(process);
    witness_update(witness);
    witness_free(witness);
    course_await_the_spared();
}

static void lines_of_a_spared_holder_end(void **state)
{
    pk_error error;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = course_reporting_command(state, witness, "print early -- leave 0 -- half-line");
    pk_command_pipe(command, 1);
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_process *process = start(command);
    assert_line(process, 1, "early", PK_LINE_LF);
    assert_line(process, 1, "half a line", PK_LINE_EOF);
    assert_int_equal(next(process, 1, PK_FOREVER, &error), 0);
    pk_process_free(process);
    witness_update(witness);
    witness_free(witness);
    course_await_the_spared();
}

/* ---- Whose it is ------------------------------------------------------------------------------------------------ */

static void a_stream_is_taken_once(void **state)
{
    pk_error error;
    char byte;
    pk_auto(pk_command) command = course_command(state, "hold");
    pk_command_pipe(command, 1);
    pk_command_capture(command, 2, NULL);
    pk_command_pipe(command, 3);
    pk_auto(pk_process) process = start(command);
    assert_int_equal(pk_process_pipe(process, 2), -EBUSY);
    assert_int_equal(pk_process_pipe_take(process, 2), -EBUSY);
    assert_int_equal(pk_process_read(process, 2, &byte, 1, 0, &error), -EBUSY);
    assert_int_equal(next(process, 1, 0, &error), -ETIMEDOUT);
    assert_int_equal(pk_process_pipe_take(process, 1), -EBUSY);
    assert_int_equal(pk_process_read(process, 1, &byte, 1, 0, &error), -EBUSY);
    int taken = pk_process_pipe_take(process, 3);
    assert_true(taken >= 0);
    assert_int_equal(pk_process_pipe_take(process, 3), -EBADF);
    assert_int_equal(next(process, 3, 0, &error), -EBADF);
    assert_int_equal(pk_process_read(process, 3, &byte, 1, 0, &error), -EBADF);
    assert_int_equal(next(process, 9, 0, &error), -EBADF);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    close(taken);
}

/* ---- Time ------------------------------------------------------------------------------------------------------- */

static void a_deadline_of_the_command_is_kept(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "print early -- hold");
    pk_command_pipe(command, 1);
    pk_command_timeout(command, PK_MILLISECONDS(500) * test_slowness());
    pk_auto(pk_process) process = start(command);
    assert_line(process, 1, "early", PK_LINE_LF);
    assert_int_equal(next(process, 1, PK_FOREVER, &error), 0);
    assert_int_equal(end(process).verdict, PK_VERDICT_TIMED_OUT);
}

/* Nor is it for who asks for lines that a tee is in the way of. */
static void a_blocked_tee_delays_no_line(void **state)
{
    int ends[2];
    pk_error error;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    for (int kind = PK_TEE_RAW; kind <= PK_TEE_TEXT; kind++) {
        pk_auto(pk_command) command = course_command(state, "lines 100000 -- flood");
        pk_command_tee(command, 1, ends[1], (pk_tee)kind);
        pk_command_timeout(command, PK_MILLISECONDS(300));
        pk_auto(pk_process) process = start(command);
        int r;
        do
            r = next(process, 1, PK_FOREVER, &error);
        while (r > 0);
        assert_int_equal(r, 0);
        assert_int_equal(end(process).verdict, PK_VERDICT_TIMED_OUT);
    }
    close(ends[0]);
    close(ends[1]);
}

static bool has_ended(const pk_process *process)
{
    struct pollfd ended = {.fd = pk_process_pidfd(process), .events = POLLIN};
    return poll(&ended, 1, 0) > 0;
}

/* Thousands of them, read at once. */
static void lines_that_are_there_do_not_put_off_a_deadline(void **state)
{
    pk_error error;
    struct timespec pause = {.tv_nsec = 1000000};
    pk_auto(pk_command) command = course_command(state, "lines 5000 -- print-to 2 ready -- hold");
    pk_command_pipe(command, 1);
    pk_command_pipe(command, 2);
    pk_command_timeout(command, PK_MILLISECONDS(300) * test_slowness());
    pk_auto(pk_process) process = start(command);
    assert_line(process, 2, "ready", PK_LINE_LF);
    int lines = 0;
    for (; lines < 4000 && !has_ended(process); lines++) {
        assert_int_equal(next(process, 1, patience, &error), 1);
        nanosleep(&pause, NULL);
    }
    assert_in_range(lines, 1, 3999);
    assert_int_equal(end(process).verdict, PK_VERDICT_TIMED_OUT);
}

static void lines_that_are_there_cost_no_calls(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "lines 3000 -- print-to 2 ready -- hold");
    pk_command_pipe(command, 1);
    pk_command_pipe(command, 2);
    pk_auto(pk_process) process = start(command);
    assert_line(process, 2, "ready", PK_LINE_LF);
    sys_fault_clear();
    for (int i = 0; i < 3000; i++)
        assert_int_equal(next(process, 1, patience, &error), 1);
    assert_in_range(sys_fault_count("waitid") + sys_fault_count("ppoll") + sys_fault_count("read"), 0, 300);
}

/* Who takes its time between lines has no silent child. */
static void slow_asking_is_no_silence(void **state)
{
    pk_error error;
    pk_duration idle = PK_MILLISECONDS(250) * (1 + test_slowness());
    struct timespec longer = time_to_timespec(idle + idle / 4);
    pk_auto(pk_command) command = course_command(state, "chatter 10");
    pk_command_capture(command, 1, NULL);
    pk_command_idle_timeout(command, idle);
    pk_auto(pk_process) process = start(command);
    for (int i = 0; i < 2; i++) {
        assert_ok(next(process, 1, patience, &error), error);
        nanosleep(&longer, NULL);
        assert_null(pk_process_result(process));
    }
    assert_int_equal(next(process, 1, patience, &error), 1);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    assert_int_equal(end(process).verdict, PK_VERDICT_STOPPED);
}

/* Lines that are not asked for any more wake nobody. */
static void waiting_for_another_stream_burns_no_time(void **state)
{
    char byte;
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "read-bytes 1 -- chatter 50");
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    pk_command_pipe(command, 2);
    pk_auto(pk_process) process = start(command);
    assert_int_equal(next(process, 1, PK_MILLISECONDS(1), &error), -ETIMEDOUT);
    assert_ok(pk_process_write(process, "a", 1, NULL, PK_FOREVER, &error), error);
    sys_fault_clear();
    assert_int_equal(pk_process_read(process, 2, &byte, 1, pk_deadline(PK_MILLISECONDS(300)), &error), -ETIMEDOUT);
    assert_true(sys_fault_count("ppoll") < 40);
}

static const struct test tests[] = {
    EACH_MECHANISM(lines_come_one_by_one),
    EACH_MECHANISM(lines_of_all_streams_come_too),
    EACH_MECHANISM(other_streams_go_on_meanwhile),
    EACH_MECHANISM(only_what_is_asked_for_is_read),
    EACH_MECHANISM(the_rest_is_read_by_the_wait),
    EACH_MECHANISM(the_rest_is_read_by_a_loop),
    EACH_MECHANISM(the_line_of_a_callback_comes_here_too),
    EACH_MECHANISM(bytes_come_as_they_are),
    EACH_MECHANISM(bytes_of_a_spared_holder_end),
    EACH_MECHANISM(lines_of_a_spared_holder_end),
    EACH_MECHANISM(a_stream_is_taken_once),
    EACH_MECHANISM(a_deadline_of_the_command_is_kept),
    EACH_MECHANISM(a_blocked_tee_delays_no_line),
    EACH_MECHANISM(lines_that_are_there_do_not_put_off_a_deadline),
    EACH_MECHANISM(lines_that_are_there_cost_no_calls),
    EACH_MECHANISM(slow_asking_is_no_silence),
    EACH_MECHANISM(waiting_for_another_stream_burns_no_time),
};

PK_TEST_MAIN(tests)
