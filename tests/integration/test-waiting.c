/*
 * Waiting for several processes: all of them go on meanwhile.
 */
#include "course.h"
#include "lines.h"
#include "sys/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { THREE = 3 };

static pk_process *start(void **state, const char *words)
{
    pk_error error;
    pk_process *process = NULL;
    pk_auto(pk_command) command = course_command(state, words);
    pk_command_pipe(command, 0);
    pk_command_capture(command, 1, NULL);
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

static void free_all(pk_process *const *processes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pk_process_free(processes[i]);
}

static void the_first_that_ends_is_told(void **state)
{
    pk_error error;
    pk_process *processes[THREE + 1];
    for (int i = 0; i < THREE; i++)
        processes[i] = start(state, "read-bytes 1");
    processes[THREE] = NULL;
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < THREE; i++) {
        pk_process_close_input(processes[order[i]]);
        assert_int_equal(pk_process_wait_any(processes, THREE + 1, PK_FOREVER, &error), order[i]);
        assert_int_equal(pk_process_result(processes[order[i]])->exit_code, 0);
        pk_process_free(processes[order[i]]);
        processes[order[i]] = NULL;
    }
    assert_int_equal(pk_process_wait_any(processes, THREE + 1, PK_FOREVER, &error), -EINVAL);
}

/* Of those that have ended already the first of the array. */
static void what_has_ended_is_told_in_order(void **state)
{
    pk_error error;
    pk_process *processes[THREE];
    for (int i = 0; i < THREE; i++)
        processes[i] = start(state, i == 0 ? "hold" : "exit 0");
    for (int i = 1; i < THREE; i++)
        assert_ok(pk_process_wait(processes[i], PK_FOREVER, NULL, &error), error);
    assert_int_equal(pk_process_wait_any(processes, THREE, 0, &error), 1);
    assert_int_equal(pk_process_wait_any(processes, THREE, PK_FOREVER, &error), 1);
    assert_int_equal(pk_process_wait_any(processes + 2, 1, 0, &error), 0);
    free_all(processes, THREE);
}

static void all_are_waited_for(void **state)
{
    pk_error error;
    pk_process *processes[THREE + 2] = {NULL};
    processes[0] = start(state, "sleep 30 -- exit 1");
    processes[2] = start(state, "exit 2");
    processes[4] = start(state, "sleep 10 -- exit 3");
    assert_ok(pk_process_wait_all(processes, THREE + 2, PK_FOREVER, &error), error);
    assert_int_equal(pk_process_wait_all(processes, THREE + 2, 0, &error), 0);
    for (int i = 0; i < THREE; i++)
        assert_int_equal(pk_process_result(processes[2 * i])->exit_code, i + 1);
    free_all(processes, THREE + 2);
}

static void nothing_is_waited_for(void **state)
{
    (void)state;
    pk_error error;
    pk_process *none[2] = {NULL};
    assert_int_equal(pk_process_wait_any(NULL, 0, PK_FOREVER, &error), -EINVAL);
    assert_int_equal(pk_process_wait_any(none, 2, PK_FOREVER, &error), -EINVAL);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_int_equal(pk_process_wait_all(NULL, 0, PK_FOREVER, &error), 0);
    assert_int_equal(pk_process_wait_all(none, 2, PK_FOREVER, &error), 0);
}

static void there_is_a_deadline(void **state)
{
    pk_error error;
    pk_process *processes[2];
    processes[0] = start(state, "hold");
    processes[1] = start(state, "exit 0");
    pk_time begin = pk_now();
    assert_int_equal(pk_process_wait_all(processes, 2, pk_deadline(PK_MILLISECONDS(100)), &error), -ETIMEDOUT);
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
    assert_true(pk_now() - begin >= PK_MILLISECONDS(100));
    assert_int_equal(pk_process_wait_any(processes, 1, 0, &error), -ETIMEDOUT);
    assert_int_equal(pk_process_wait_all(processes, 2, 0, &error), -ETIMEDOUT);
    free_all(processes, 2);
}

/* Who is waited for writes as much as it likes, reads, and keeps its own deadline. */
static void all_go_on_meanwhile(void **state)
{
    static char bytes[1000000];
    pk_error error;
    pk_process *processes[THREE];
    pk_auto(pk_command) loud = course_command(state, "bytes 1000000");
    pk_auto(pk_command) reading = course_command(state, "count");
    pk_auto(pk_command) late = course_command(state, "flood");
    pk_command_capture(loud, 1, NULL);
    pk_command_capture(reading, 1, NULL);
    pk_command_input(reading, bytes, sizeof(bytes));
    pk_command_capture(late, 1, NULL);
    pk_command_timeout(late, PK_MILLISECONDS(300));
    assert_ok(pk_command_start(late, &processes[0], &error), error);
    assert_ok(pk_command_start(loud, &processes[1], &error), error);
    assert_ok(pk_command_start(reading, &processes[2], &error), error);
    assert_ok(pk_process_wait_all(processes, THREE, PK_FOREVER, &error), error);
    assert_int_equal(pk_process_result(processes[0])->verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(pk_process_bytes(processes[1], 1), 1000000);
    assert_captured(&(struct course){.process = processes[2]}, 1, "1000000\n");
    free_all(processes, THREE);
}

static void the_same_may_be_there_twice(void **state)
{
    pk_error error;
    pk_process *process = start(state, "print out");
    pk_process *const processes[] = {process, process};
    assert_ok(pk_process_wait_all(processes, 2, PK_FOREVER, &error), error);
    assert_captured(&(struct course){.process = process}, 1, "out\n");
    pk_process_free(process);
}

/* What has ended wakes nobody any more. */
static void what_has_ended_burns_no_time(void **state)
{
    pk_error error;
    pk_process *processes[2];
    processes[0] = start(state, "exit 0");
    processes[1] = start(state, "hold");
    assert_int_equal(pk_process_wait_any(processes, 2, PK_FOREVER, &error), 0);
    assert_int_equal(pk_process_wait_all(processes, 2, pk_deadline(PK_MILLISECONDS(100)), &error), -ETIMEDOUT);
    sys_fault_clear();
    assert_int_equal(pk_process_wait_all(processes, 2, pk_deadline(PK_MILLISECONDS(200)), &error), -ETIMEDOUT);
    assert_true(sys_fault_count("ppoll") < 10);
    free_all(processes, 2);
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

static void what_has_ended_burns_no_time_in_a_loop(void **state)
{
    pk_error error;
    bool ended = false;
    pk_auto(pk_loop) loop = NULL;
    pk_process *process = start(state, "print out");
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, note_end, &ended, &error), error);
    while (!ended)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    for (int i = 0; i < 2; i++) {
        sys_fault_clear();
        pk_time end = pk_deadline(PK_MILLISECONDS(200));
        while (pk_now() < end)
            assert_ok(pk_loop_dispatch(loop, end, &error), error);
    }
    assert_true(sys_fault_count("epoll_wait") < 10);
    pk_process_free(process);
}

static void watched_ones_are_refused(void **state)
{
    pk_error error;
    bool ended = false;
    pk_auto(pk_loop) loop = NULL;
    pk_process *processes[2];
    processes[0] = start(state, "hold");
    processes[1] = start(state, "hold");
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(processes[1], loop, note_end, &ended, &error), error);
    assert_int_equal(pk_process_wait_any(processes, 2, PK_FOREVER, &error), -EBUSY);
    assert_int_equal(pk_process_wait_all(processes, 2, PK_FOREVER, &error), -EBUSY);
    free_all(processes, 2);
}

static void many_are_waited_for(void **state)
{
    enum { MANY = 40 };
    pk_error error;
    pk_process *processes[MANY];
    for (int i = 0; i < MANY; i++)
        processes[i] = start(state, "bytes 100000");
    for (int i = 0; i < MANY; i++) {
        int index = pk_process_wait_any(processes, MANY, PK_FOREVER, &error);
        assert_ok(index, error);
        assert_int_equal(pk_process_bytes(processes[index], 1), 100000);
        processes[index] = pk_process_free(processes[index]);
    }
}

static const struct test tests[] = {
    EACH_MECHANISM(the_first_that_ends_is_told),
    EACH_MECHANISM(what_has_ended_is_told_in_order),
    EACH_MECHANISM(all_are_waited_for),
    PK_TEST(nothing_is_waited_for),
    EACH_MECHANISM(there_is_a_deadline),
    EACH_MECHANISM(all_go_on_meanwhile),
    EACH_MECHANISM(the_same_may_be_there_twice),
    EACH_MECHANISM(what_has_ended_burns_no_time),
    EACH_MECHANISM(what_has_ended_burns_no_time_in_a_loop),
    EACH_MECHANISM(watched_ones_are_refused),
    EACH_MECHANISM(many_are_waited_for),
};

PK_TEST_MAIN(tests)
