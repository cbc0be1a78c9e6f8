/*
 * Processes that a loop carries: which events come, in which order, and what a callback may do.
 */
#include "lines.h"
#include "subject.h"

#include <processkit.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_EVENTS = 8 };

struct diary {
    pk_event events[MOST_EVENTS];
    int count;
    bool ended;
    bool free_at_end;
    pk_event stop_at; /* 0: never */
};

static void write_diary(pk_process *process, pk_event event, void *data)
{
    struct diary *diary = data;
    assert_true(diary->count < MOST_EVENTS);
    assert_false(diary->ended);
    diary->events[diary->count++] = event;
    diary->ended = event == PK_EVENT_ENDED;
    if (diary->ended)
        assert_non_null(pk_process_result(process));
    if (event == diary->stop_at)
        assert_int_equal(pk_process_stop(process, NULL, NULL), 0);
    if (diary->ended && diary->free_at_end)
        pk_process_free(process);
}

static pk_loop *new_loop(void)
{
    pk_error error;
    pk_loop *loop;
    assert_ok(pk_loop_create(&loop, &error), error);
    return loop;
}

static pk_process *start_watched(pk_command *command, pk_loop *loop, struct diary *diary)
{
    pk_error error;
    pk_process *process;
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_ok(pk_process_watch(process, loop, write_diary, diary, &error), error);
    return process;
}

/* As a program with a loop of its own would do it. */
static void run_until_ended(pk_loop *loop, const struct diary *diary)
{
    pk_error error;
    long deadline = clock_ms() + 20000L * test_slowness();
    while (!diary->ended) {
        struct pollfd fd = {.fd = pk_loop_fd(loop), .events = POLLIN};
        assert_true(clock_ms() < deadline);
        assert_int_equal(poll(&fd, 1, 20000 * (int)test_slowness()), 1);
        assert_ok(pk_loop_dispatch(loop, 0, &error), error);
    }
}

static void run_for(pk_loop *loop, pk_duration duration)
{
    pk_error error;
    pk_time end = pk_deadline(duration);
    while (pk_now() < end)
        assert_ok(pk_loop_dispatch(loop, end, &error), error);
}

static void assert_events(const struct diary *diary, pk_event first, pk_event second)
{
    assert_int_equal(diary->count, 3);
    assert_int_equal(diary->events[0], first);
    assert_int_equal(diary->events[1], second);
    assert_int_equal(diary->events[2], PK_EVENT_ENDED);
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static void the_events_of_a_simple_run(void **state)
{
    struct diary diary = {0};
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    pk_process *process = start_watched(command, loop, &diary);
    run_until_ended(loop, &diary);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    assert_int_equal(pk_process_result(process)->exit_code, 5);
    pk_process_free(process);
    pk_loop_free(loop);
}

static void the_end_may_have_come_before_the_watch(void **state)
{
    struct diary diary = {0};
    pk_error error;
    pk_process *process;
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 10000));
    assert_ok(pk_process_watch(process, loop, write_diary, &diary, &error), error);
    assert_int_equal(diary.count, 0); /* callbacks come from the dispatch only */
    run_until_ended(loop, &diary);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    pk_process_free(process);
    pk_loop_free(loop);
}

static void what_was_waited_for_can_be_watched(void **state)
{
    struct diary diary = {0};
    pk_error error;
    pk_process *process;
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_ok(pk_process_watch(process, loop, write_diary, &diary, &error), error);
    assert_int_equal(diary.count, 0);
    run_until_ended(loop, &diary);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    pk_process_free(process);
    pk_loop_free(loop);
}

static void a_deadline_is_kept_by_the_loop(void **state)
{
    struct diary diary = {0};
    struct witness *witness = witness_new();
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = reporting_adversary(witness, "wide", "2", "--", "ignore", "TERM", "--", "hold", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(700));
    pk_command_grace(command, PK_MILLISECONDS(200));
    pk_process *process = start_watched(command, loop, &diary);
    run_until_ended(loop, &diary);
    witness_assert_dead(witness, GONE_MS);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    const pk_result *result = pk_process_result(process);
    assert_int_equal(result->verdict, PK_VERDICT_TIMED_OUT);
    assert_true(result->hard_killed);
    assert_in_range(result->wall, PK_MILLISECONDS(900), PK_SECONDS(10));
    pk_process_free(process);
    pk_loop_free(loop);
    witness_free(witness);
}

static void leftovers_are_waited_for_by_the_loop(void **state)
{
    struct diary diary = {0};
    struct witness *witness = witness_new();
    pk_error error;
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = reporting_adversary(witness, "leave", "0", "--", "echo", NULL);
    pk_command_pipe(command, 0);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_process *process = start_watched(command, loop, &diary);
    witness_ready(witness);
    while (diary.count == 0)
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(10)), &error), error);
    assert_int_equal(diary.events[0], PK_EVENT_LEADER_EXITED);
    run_for(loop, PK_MILLISECONDS(50));
    assert_int_equal(diary.count, 1);
    assert_int_equal(witness_alive(witness), 1);
    close(pk_process_pipe_take(process, 0));
    run_until_ended(loop, &diary);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    assert_false(pk_process_result(process)->hard_killed);
    pk_process_free(process);
    pk_loop_free(loop);
    witness_free(witness);
}

/* The tree is not ours alone, so nothing is said about it. */
static void in_a_shared_group_no_tree_becomes_empty(void **state)
{
    struct diary diary = {0};
    pk_error error;
    pk_group *group;
    pk_process *process;
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_process_watch(process, loop, write_diary, &diary, &error), error);
    run_until_ended(loop, &diary);
    assert_int_equal(diary.count, 2);
    assert_int_equal(diary.events[0], PK_EVENT_LEADER_EXITED);
    pk_process_free(process);
    pk_group_free(group);
    pk_loop_free(loop);
}

/* ---- Stopping and freeing --------------------------------------------------------------------------------------- */

static void a_watched_process_can_be_stopped(void **state)
{
    struct diary diary = {0};
    struct witness *witness = witness_new();
    pk_error error;
    pk_stop_options at_once = PK_STOP_OPTIONS_INIT;
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = reporting_adversary(witness, "wide", "2", "--", "ignore", "TERM", "--", "hold", NULL);
    pk_command_grace(command, PK_SECONDS(25));
    pk_process *process = start_watched(command, loop, &diary);
    witness_ready(witness);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    while (diary.count == 0) /* the leader does not ignore it */
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(10)), &error), error);
    assert_int_equal(witness_alive(witness), 2);
    at_once.grace = 0;
    assert_ok(pk_process_stop(process, &at_once, &error), error);
    run_until_ended(loop, &diary);
    witness_assert_dead(witness, GONE_MS);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    assert_int_equal(pk_process_result(process)->verdict, PK_VERDICT_STOPPED);
    pk_process_free(process);
    pk_loop_free(loop);
    witness_free(witness);
}

/* What is left obeys, and that is noticed at once: not when the grace is over. */
static void a_callback_may_stop_and_free_it(void **state)
{
    struct diary diary = {.free_at_end = true, .stop_at = PK_EVENT_LEADER_EXITED};
    struct witness *witness = witness_new();
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command =
        reporting_adversary(witness, "leave", "0", "--", "catch-exit", "TERM", "1", "--", "hold", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_grace(command, PK_SECONDS(25));
    start_watched(command, loop, &diary);
    run_until_ended(loop, &diary);
    witness_assert_dead(witness, GONE_MS);
    witness_remark(witness, "got TERM");
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    pk_loop_free(loop);
    witness_free(witness);
}

static void free_at_once(pk_process *process, pk_event event, void *data)
{
    int *calls = data;
    (*calls)++;
    assert_int_equal(event, PK_EVENT_LEADER_EXITED);
    pk_process_free(process);
}

static void nothing_is_called_after_freeing(void **state)
{
    int calls = 0;
    struct witness *witness = witness_new();
    pk_error error;
    pk_process *process;
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = reporting_adversary(witness, "leave", "0", "--", "hold", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_ok(pk_process_watch(process, loop, free_at_once, &calls, &error), error);
    while (calls == 0)
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(10)), &error), error);
    witness_assert_dead(witness, GONE_MS); /* freeing killed what was left */
    run_for(loop, PK_MILLISECONDS(50));
    assert_int_equal(calls, 1);
    pk_loop_free(loop);
    witness_free(witness);
}

static void a_watched_process_can_be_freed_at_any_time(void **state)
{
    struct diary diary = {0};
    struct witness *witness = witness_new();
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = reporting_adversary(witness, "hold", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(700));
    pk_process *process = start_watched(command, loop, &diary);
    witness_ready(witness);
    pk_process_free(process);
    witness_assert_dead(witness, GONE_MS);
    run_for(loop, PK_MILLISECONDS(750));
    assert_int_equal(diary.count, 0);
    pk_loop_free(loop);
    witness_free(witness);
}

/* ---- Rules ------------------------------------------------------------------------------------------------------ */

static void a_watched_process_cannot_be_waited_for(void **state)
{
    struct diary diary = {0};
    pk_error error;
    pk_result result;
    pk_loop *loop = new_loop(), *other = new_loop();
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    pk_process *process = start_watched(command, loop, &diary);
    assert_error(pk_process_wait(process, PK_FOREVER, &result, &error), error, -EBUSY, PK_STEP_WAIT);
    assert_true(pk_process_watch(process, other, write_diary, &diary, &error) < 0); /* once per process */
    run_until_ended(loop, &diary);
    assert_events(&diary, PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
    pk_process_free(process);
    pk_loop_free(loop);
    pk_loop_free(other);
}

/* Interleaved, in one loop; each has a different status and its own events. */
static void many_at_once(void **state)
{
    enum { MANY = 60 };
    struct diary diaries[MANY];
    pk_process *processes[MANY];
    pk_error error;
    char code[8];
    pk_loop *loop = new_loop();
    memset(diaries, 0, sizeof(diaries));
    for (int i = 0; i < MANY; i++) {
        snprintf(code, sizeof(code), "%d", i);
        pk_auto(pk_command) command = adversary("sleep", i % 2 ? "10" : "0", "--", "exit", code, NULL);
        processes[i] = start_watched(command, loop, &diaries[i]);
        assert_ok(pk_loop_dispatch(loop, 0, &error), error);
    }
    for (int i = 0; i < MANY; i++) {
        run_until_ended(loop, &diaries[i]);
        assert_events(&diaries[i], PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY);
        assert_int_equal(pk_process_result(processes[i])->exit_code, i);
        pk_process_free(processes[i]);
    }
    assert_int_equal(pk_loop_dispatch(loop, 0, &error), 0);
    pk_loop_free(loop);
}

/* The copy shares what the kernel has of the loop. */
static void a_forked_copy_takes_nothing_from_the_loop(void **state)
{
    (void)state;
    struct diary diary = {0};
    pk_loop *loop = new_loop();
    pk_auto(pk_command) command = adversary("sleep", "300", "--", "exit", "5", NULL);
    pk_process *process = start_watched(command, loop, &diary);
    pid_t copy = fork();
    if (copy == 0) {
        pk_process_free(process);
        pk_loop_free(loop);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(copy, &status, 0), copy);
    assert_int_equal(status, 0);
    run_until_ended(loop, &diary);
    assert_int_equal(pk_process_result(process)->exit_code, 5);
    pk_process_free(process);
    pk_loop_free(loop);
}

#define EACH(function) PK_TEST(function), PK_TEST_AS_USER(function)

static const struct test tests[] = {
    EACH(the_events_of_a_simple_run),
    EACH(the_end_may_have_come_before_the_watch),
    EACH(what_was_waited_for_can_be_watched),
    EACH(a_deadline_is_kept_by_the_loop),
    EACH(leftovers_are_waited_for_by_the_loop),
    EACH(in_a_shared_group_no_tree_becomes_empty),
    EACH(a_watched_process_can_be_stopped),
    EACH(a_callback_may_stop_and_free_it),
    EACH(nothing_is_called_after_freeing),
    EACH(a_watched_process_can_be_freed_at_any_time),
    EACH(a_watched_process_cannot_be_waited_for),
    EACH(many_at_once),
    EACH(a_forked_copy_takes_nothing_from_the_loop),
};

PK_TEST_MAIN(tests)
