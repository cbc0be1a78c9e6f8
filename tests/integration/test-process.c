/*
 * Processes: starting, looking, signalling, stopping and waiting.
 */
#include "lines.h"
#include "subject.h"

#include <processkit.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pk_process *start(pk_command *command)
{
    pk_error error;
    pk_process *process;
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

static pk_result wait_for(pk_process *process)
{
    pk_error error;
    pk_result result;
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    return result;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

static void the_result_says_what_happened(void **state)
{
    char text[128];
    pk_auto(pk_command) command = adversary("cpu", "120", "--", "exit", "3", NULL);
    pk_auto(pk_process) process = start(command);
    assert_true(pk_process_pid(process) > 0);
    assert_true(pk_process_pidfd(process) >= 0);
    assert_int_equal(fcntl(pk_process_pidfd(process), F_GETFD), FD_CLOEXEC);
    assert_null(pk_process_result(process));
    pk_result result = wait_for(process);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(result.exit_code, 3);
    assert_int_equal(result.mechanism, pk_group_mechanism(pk_process_group(process)));
    assert_int_equal(result.guarantees, pk_group_guarantees(pk_process_group(process)));
    assert_int_not_equal(result.usage.cpu_source, PK_SOURCE_UNAVAILABLE);
    assert_in_range(result.usage.cpu_user + result.usage.cpu_system, PK_MILLISECONDS(110),
                    PK_MILLISECONDS(400 * test_slowness()));
    assert_in_range(result.wall, PK_MILLISECONDS(110), PK_SECONDS(20));
    assert_in_range(result.leader_wall, PK_MILLISECONDS(110), result.wall);
    assert_string_equal(pk_result_format(&result, text, sizeof(text)), "exited with 3");
    assert_memory_equal(pk_process_result(process), &result, sizeof(result));
}

/* A daemon, which the leader never waited for, and which has ended before anybody asks. */
static void the_cpu_time_of_ended_members_counts(void **state)
{
    pk_auto(pk_command) command = adversary("daemonise", "--", "cpu", "200", "--", "exit", "0", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_auto(pk_process) process = start(command);
    pk_result result = wait_for(process);
    assert_int_equal(result.usage.cpu_source, PK_SOURCE_CGROUP);
    assert_in_range(result.usage.cpu_user + result.usage.cpu_system, PK_MILLISECONDS(190), PK_MILLISECONDS(600));
    assert_true(result.leader_wall < result.wall);
}

static void waiting_again_gives_the_same_result(void **state)
{
    pk_auto(pk_command) command = adversary("exit", "7", NULL);
    pk_auto(pk_process) process = start(command);
    pk_result first = wait_for(process), second = wait_for(process);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(first.exit_code, 7);
}

static void patience_kills_nothing(void **state)
{
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "hold", NULL);
    pk_process *process = start(command);
    witness_ready(witness);
    assert_error(pk_process_wait(process, 0, &result, &error), error, -ETIMEDOUT, PK_STEP_WAIT);
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
    long before = clock_ms();
    assert_error(pk_process_wait(process, pk_deadline(PK_MILLISECONDS(120)), &result, &error), error, -ETIMEDOUT,
                 PK_STEP_WAIT);
    assert_in_range(clock_ms() - before, 119, 10000);
    witness_assert_alive(witness);
    pk_process_free(process); /* but this does */
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* ---- Deadlines and the ladder ----------------------------------------------------------------------------------- */

static void a_deadline_ends_an_obedient_tree_softly(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command =
        reporting_adversary(witness, "wide", "3", "--", "catch-exit", "TERM", "5", "--", "hold", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(700));
    pk_command_grace(command, PK_SECONDS(25)); /* ends early: as soon as the tree is empty */
    pk_auto(pk_process) process = start(command);
    pk_result result = wait_for(process);
    witness_assert_dead(witness, GONE_MS);
    for (int i = 0; i < 3; i++)
        witness_remark(witness, "got TERM");
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.leader_ending, PK_ENDING_SIGNALLED);
    assert_int_equal(result.signal_number, SIGTERM);
    assert_int_equal(result.soft_signal, SIGTERM);
    assert_false(result.hard_killed);
    assert_in_range(result.wall, PK_MILLISECONDS(700), PK_SECONDS(20));
    witness_free(witness);
}

/* The leader obeys at once; that must not be taken for the end of the tree. */
static void the_ladder_looks_at_the_tree_and_not_at_the_leader(void **state)
{
    pk_error error;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "wide", "1", "--", "ignore", "TERM", "--", "hold", NULL);
    pk_command_grace(command, PK_MILLISECONDS(600));
    pk_auto(pk_process) process = start(command);
    witness_ready(witness);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    pk_result result = wait_for(process);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(witness_total(witness), 2);
    assert_int_equal(result.verdict, PK_VERDICT_STOPPED);
    assert_int_equal(result.signal_number, SIGTERM);
    assert_true(result.hard_killed);
    assert_in_range(result.wall - result.leader_wall, PK_MILLISECONDS(50), PK_SECONDS(10));
    assert_in_range(result.wall, PK_MILLISECONDS(600), PK_SECONDS(10));
    witness_free(witness);
}

/* Longer than the usual one, so that it cannot be mistaken for that. */
static void the_grace_is_kept(void **state)
{
    pk_error error;
    pk_duration grace = PK_DEFAULT_GRACE + PK_MILLISECONDS(300);
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "ignore", "TERM", "--", "hold", NULL);
    pk_command_grace(command, grace);
    pk_auto(pk_process) process = start(command);
    witness_ready(witness);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    pk_result result = wait_for(process);
    assert_int_equal(result.signal_number, SIGKILL);
    assert_in_range(result.wall, grace, grace + PK_SECONDS(15));
    witness_free(witness);
}

static void without_grace_the_kill_is_hard_at_once(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "catch-exit", "TERM", "5", "--", "hold", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(300));
    pk_command_grace(command, 0);
    pk_auto(pk_process) process = start(command);
    pk_result result = wait_for(process);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.soft_signal, 0);
    assert_int_equal(result.signal_number, SIGKILL);
    assert_true(result.hard_killed);
    witness_free(witness);
}

static void the_soft_signal_can_be_another(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command =
        reporting_adversary(witness, "ignore", "TERM", "--", "catch-exit", "USR1", "6", "--", "hold", NULL);
    pk_command_stop_signal(command, SIGUSR1);
    pk_process *process = start(command);
    witness_ready(witness);
    assert_int_equal(pk_process_stop(process, NULL, NULL), 0);
    pk_result result = wait_for(process);
    assert_int_equal(witness_remark(witness, "got USR1"), pk_process_pid(process));
    assert_int_equal(result.verdict, PK_VERDICT_STOPPED);
    assert_int_equal(result.exit_code, 6);
    assert_int_equal(result.soft_signal, SIGUSR1);
    assert_int_equal(pk_process_stop(process, NULL, NULL), 0); /* has ended: a success */
    pk_process_free(process);
    witness_free(witness);
}

static void a_second_stop_can_make_it_harder(void **state)
{
    pk_error error;
    pk_stop_options patient = PK_STOP_OPTIONS_INIT, at_once = PK_STOP_OPTIONS_INIT;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "tree", "7", NULL);
    pk_process *process = start(command);
    witness_ready(witness);
    patient.grace = PK_SECONDS(25);
    at_once.grace = 0;
    assert_ok(pk_process_stop(process, &patient, &error), error);
    assert_error(pk_process_wait(process, pk_deadline(PK_MILLISECONDS(50)), NULL, &error), error, -ETIMEDOUT,
                 PK_STEP_WAIT);
    assert_true(witness_alive(witness) > 0);
    assert_ok(pk_process_stop(process, &patient, &error), error); /* no harder than before */
    assert_ok(pk_process_stop(process, &at_once, &error), error);
    pk_result result = wait_for(process);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(result.verdict, PK_VERDICT_STOPPED);
    assert_int_equal(result.soft_signal, SIGTERM);
    assert_true(result.hard_killed);
    assert_true(result.wall < PK_SECONDS(20));
    pk_process_free(process);
    witness_free(witness);
}

/* On one processor, whoever waits for the end of what it writes is often woken before it has gone. */
static void who_is_on_the_way_out_was_not_stopped(void **state)
{
    pk_error error;
    char byte;
    cpu_set_t before, one;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    int processor = 0;
    while (!CPU_ISSET(processor, &before))
        processor++;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    pk_auto(pk_command) command = adversary("exit", "3", NULL);
    pk_command_pipe(command, 1);
    for (int i = 0; i < 300; i++) {
        pk_auto(pk_process) process = start(command);
        assert_int_equal(read(pk_process_pipe(process, 1), &byte, 1), 0);
        assert_ok(pk_process_stop(process, NULL, &error), error);
        pk_result result = wait_for(process);
        assert_int_equal(result.verdict, PK_VERDICT_EXITED);
        assert_int_equal(result.exit_code, 3);
    }
    sched_setaffinity(0, sizeof(before), &before);
}

static void a_stopped_tree_can_be_ended(void **state)
{
    pk_error error;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "wide", "2", "--", "stop", NULL);
    pk_command_grace(command, PK_MILLISECONDS(100));
    pk_auto(pk_process) process = start(command);
    witness_ready(witness);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    pk_result result = wait_for(process);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(witness_total(witness), 3);
    assert_int_equal(result.verdict, PK_VERDICT_STOPPED);
    witness_free(witness);
}

/* Twenty-three processes of all kinds: setsid, double forks, ignored and blocked signals. */
static void nothing_of_an_unruly_tree_is_left(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "tree", "23", NULL);
    pk_command_timeout(command, PK_SECONDS(2));
    pk_command_grace(command, PK_MILLISECONDS(100));
    pk_auto(pk_process) process = start(command);
    witness_ready(witness);
    assert_int_equal(witness_alive(witness), 23);
    pk_result result = wait_for(process);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_true(result.hard_killed);
    witness_free(witness);
}

/* ---- Pipes ------------------------------------------------------------------------------------------------------ */

/* Whoever holds the pipe: the run ends when the leader has ended, and its pipes with it. */
static void a_pipe_holder_delays_nothing(void **state)
{
    struct report output = {0};
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "print", "from the leader", "--", "leave", "0", "--",
                                                      "setsid", "--", "hold", NULL);
    pk_command_pipe(command, 1);
    pk_auto(pk_process) process = start(command);
    pk_result result = wait_for(process);
    assert_int_equal(result.leftover_count, 1);
    witness_assert_dead(witness, GONE_MS);
    assert_true(read_to_end(pk_process_pipe(process, 1), &output, 1000));
    assert_string_equal(output.bytes, "from the leader\n");
    report_free(&output);
    witness_free(witness);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void signals_reach_the_leader_only(void **state)
{
    pk_error error;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command =
        reporting_adversary(witness, "catch", "USR1,USR2", "--", "wide", "1", "--", "hold", NULL);
    pk_process *process = start(command);
    witness_ready(witness);
    assert_ok(pk_process_signal(process, 0, &error), error);
    assert_ok(pk_process_signal(process, SIGUSR1, &error), error);
    assert_int_equal(witness_remark(witness, "got USR1"), pk_process_pid(process));
    assert_ok(pk_group_signal(pk_process_group(process), SIGUSR2, &error), error);
    pid_t first = witness_remark(witness, "got USR2"), second = witness_remark(witness, "got USR2");
    assert_int_equal(first + second, witness_pid(witness, 0) + witness_pid(witness, 1)); /* both, once each */

    assert_error(pk_process_signal(process, 200, &error), error, -EINVAL, PK_STEP_SIGNAL);
    assert_ok(pk_process_signal(process, SIGKILL, &error), error);
    pk_result result = wait_for(process);
    assert_int_equal(result.verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(result.signal_number, SIGKILL);
    assert_error(pk_process_signal(process, SIGTERM, &error), error, -ESRCH, PK_STEP_SIGNAL);
    pk_process_free(process);
    witness_free(witness);
}

/* ---- Shared groups ---------------------------------------------------------------------------------------------- */

static void in_a_shared_group_only_the_leader_is_ours(void **state)
{
    pk_error error;
    pk_group *group;
    pk_process *process;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "wide", "1", "--", "hold", NULL);
    pk_command_timeout(command, PK_MILLISECONDS(700));
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ptr_equal(pk_process_group(process), group);
    witness_ready(witness);
    pk_result result = wait_for(process);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.leftover_count, 0);
    assert_true(pidfd_is_dead(witness_pidfd(witness, 0), 0));
    assert_int_equal(witness_alive(witness), 1);
    assert_error(pk_process_signal(process, SIGTERM, &error), error, -ESRCH, PK_STEP_SIGNAL);
    pk_process_free(process);
    assert_int_equal(witness_alive(witness), 1);
    pk_group_free(group);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

struct errand {
    pk_command *command;
    pk_process *process;
};

static void *start_and_end(void *data)
{
    struct errand *errand = data;
    pk_error error;
    if (pk_command_start(errand->command, &errand->process, &error) < 0)
        errand->process = NULL;
    return NULL;
}

static pk_process *start_from_a_thread_that_ends(pk_command *command)
{
    pthread_t thread;
    struct errand errand = {.command = command};
    assert_int_equal(pthread_create(&thread, NULL, start_and_end, &errand), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(errand.process);
    return errand.process;
}

static void a_child_outlives_the_thread_that_started_it(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "catch-exit", "USR1", "4", "--", "hold", NULL);
    pk_process *process = start_from_a_thread_that_ends(command);
    witness_ready(witness);
    witness_assert_alive(witness);
    assert_int_equal(pk_process_signal(process, SIGUSR1, NULL), 0);
    pk_result result = wait_for(process);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(result.exit_code, 4);
    pk_process_free(process);
    witness_free(witness);
}

/* A leader with a reaper is the reaper's child, and that does not care for threads. */
static bool has_reaper(const pk_process *process)
{
    return pk_group_mechanism(pk_process_group(process)) == PK_MECHANISM_REAPER;
}

/* The kernel's rule, which the documentation tells: the end of the thread counts. */
static void the_parent_death_signal_is_the_threads(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "hold", NULL);
    pk_command_kill_on_parent_death(command);
    pk_process *process = start_from_a_thread_that_ends(command);
    if (has_reaper(process)) {
        witness_ready(witness);
        witness_assert_alive(witness);
        pk_process_signal(process, SIGKILL, NULL);
    }
    pk_result result = wait_for(process);
    assert_int_equal(result.verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(result.signal_number, SIGKILL);
    pk_process_free(process);
    witness_free(witness);
}

static void the_parent_death_signal_is_armed(void **state)
{
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_kill_on_parent_death(command);
    struct description *child = describe(command);
    assert_described(child, "parent_death", "9");
    description_free(child);
}

/* ---- Freeing ---------------------------------------------------------------------------------------------------- */

static void freeing_kills_and_closes(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "tree", "13", NULL);
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    pk_process *process = start(command);
    witness_ready(witness);
    witness_assert_alive(witness);
    process = pk_process_free(process);
    assert_null(process);
    assert_null(pk_process_free(NULL));
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

#define EVERYWHERE(function) \
    PK_TEST(function), PK_TEST_AS_USER(function), PK_TEST_AS_DELEGATED_USER(function, .needs = NEEDS_CGROUP2)
#define CGROUPS(function) \
    PK_TEST_WITH(function, .needs = NEEDS_CGROUP2), PK_TEST_AS_DELEGATED_USER(function, .needs = NEEDS_CGROUP2)

static const struct test tests[] = {
    EVERYWHERE(the_result_says_what_happened),
    CGROUPS(the_cpu_time_of_ended_members_counts),
    EVERYWHERE(waiting_again_gives_the_same_result),
    EVERYWHERE(patience_kills_nothing),
    EVERYWHERE(a_deadline_ends_an_obedient_tree_softly),
    EVERYWHERE(the_ladder_looks_at_the_tree_and_not_at_the_leader),
    PK_TEST(the_grace_is_kept),
    EVERYWHERE(without_grace_the_kill_is_hard_at_once),
    EVERYWHERE(the_soft_signal_can_be_another),
    CGROUPS(a_second_stop_can_make_it_harder),
    EVERYWHERE(who_is_on_the_way_out_was_not_stopped),
    EVERYWHERE(a_stopped_tree_can_be_ended),
    CGROUPS(nothing_of_an_unruly_tree_is_left),
    CGROUPS(a_pipe_holder_delays_nothing),
    EVERYWHERE(signals_reach_the_leader_only),
    EVERYWHERE(in_a_shared_group_only_the_leader_is_ours),
    EVERYWHERE(a_child_outlives_the_thread_that_started_it),
    EVERYWHERE(the_parent_death_signal_is_the_threads),
    EVERYWHERE(the_parent_death_signal_is_armed),
    CGROUPS(freeing_kills_and_closes),
};

PK_TEST_MAIN(tests)
