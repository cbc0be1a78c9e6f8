/*
 * Groups: signals, suspending, the ladder, sparing, for both mechanisms.
 */
#include "cast.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void signal_reaches_every_member(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "catch-exit USR1 7 -- wide 40");
    assert_ok(pk_group_signal(group, 0, &error), error);
    witness_assert_alive(witness);
    assert_ok(pk_group_signal(group, SIGUSR1, &error), error);
    witness_assert_dead(witness, 5000);
    pk_process_free(process);
    assert_ok(pk_group_signal(group, SIGUSR1, &error), error); /* to nobody */
    pk_group_free(group);
    witness_free(witness);
}

/* Whoever forks at the very moment of the signal has no child that missed it. */
static void nobody_forks_away_from_a_signal(void **state)
{
    (void)state;
    pk_error error;
    for (int round = 0; round < 10; round++) {
        pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
        struct witness *witness = witness_new();
        pk_process *process = cast_adversary(group, witness, "wide 8 -- churn 20000");
        assert_ok(pk_group_signal(group, SIGTERM, &error), error);
        assert_ok(pk_group_wait_empty(group, pk_deadline(PK_SECONDS(10)), &error), error);
        pk_process_free(process);
        pk_group_free(group);
        witness_free(witness);
    }
}

static void invalid_signal_is_refused(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    assert_int_equal(pk_group_signal(group, -1, &error), -EINVAL);
    assert_int_equal(pk_group_signal(group, 999, &error), -EINVAL);
    pk_group_free(group);
}

/* ---- Suspending ------------------------------------------------------------------------------------------------- */

static void suspended_tree_stands_still(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "catch USR1 -- hold");
    assert_ok(pk_group_suspend(group, &error), error);
    assert_ok(pk_group_suspend(group, &error), error);
    assert_ok(pk_process_signal(process, SIGUSR1, &error), error);

    /* It would remark the signal; what it must not do cannot be waited for, so ask the kernel that it stands. */
    char path[64], stat[512] = {0};
    snprintf(path, sizeof(path), "/proc/%d/stat", pk_process_pid(process));
    if (cast_mechanism(state) == PK_MECHANISM_PROCESS_GROUP) {
        int fd = open(path, O_RDONLY);
        assert_true(read(fd, stat, sizeof(stat) - 1) > 0);
        close(fd);
        assert_non_null(strstr(stat, ") T "));
    }
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    pk_process *second = NULL;
    assert_int_equal(pk_group_spawn(group, command, &second, &error), -EBUSY);

    assert_ok(pk_group_resume(group, &error), error);
    witness_remark(witness, "got USR1");
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void kill_overrides_suspend(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 3");
    assert_ok(pk_group_suspend(group, &error), error);
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    process = cast_adversary(group, NULL, "exit 0"); /* and the group is not suspended any more */
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* To look takes one. It is not lost to waiting. */
static void one_descriptor_is_enough_for_a_kill(void **state)
{
    (void)state;
    pk_error error;
    struct rlimit old;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 20");
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)lowest + 1, old.rlim_max}), 0);
    int r = pk_group_kill(group, &error);
    setrlimit(RLIMIT_NOFILE, &old);
    assert_ok(r, error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void suspend_surfaces_errors(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    sys_fault_clear();
    sys_fault_set("write", 1, EPERM);
    assert_int_equal(pk_group_suspend(group, &error), -EPERM);
    assert_int_equal(error.step, PK_STEP_FREEZE);
    sys_fault_clear();
    pk_group_free(group);
}

/* ---- Stopping --------------------------------------------------------------------------------------------------- */

static void stop_ends_as_soon_as_the_tree_is_empty(void **state)
{
    pk_error error;
    pk_stop_report report;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_SECONDS(20);
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 3");
    assert_ok(pk_group_stop(group, &options, &report, &error), error);
    assert_int_equal(report.signal_sent, SIGTERM);
    assert_int_equal(report.signal_error, 0);
    assert_int_equal(report.members_before, 4);
    assert_int_equal(report.members_after, 0);
    assert_true(report.drained);
    assert_false(report.escalated);
    assert_true(report.elapsed < PK_SECONDS(10));
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* Trap 5: the leader obeys, a member does not. */
static void stop_escalates_while_any_member_lives(void **state)
{
    pk_error error;
    pk_stop_report report;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_MILLISECONDS(150);
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 1 -- ignore TERM");
    assert_ok(pk_group_stop(group, &options, &report, &error), error);
    assert_false(report.drained);
    assert_true(report.escalated);
    assert_true(report.elapsed >= PK_MILLISECONDS(150));
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* Trap 18: a signal that the owner blocks or ignores still stops the child. */
static void stop_works_under_a_blocking_owner(void **state)
{
    pk_error error;
    pk_stop_report report;
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    signal(SIGTERM, SIG_IGN);
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_SECONDS(20);
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    assert_ok(pk_group_stop(group, &options, &report, &error), error);
    assert_true(report.drained);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void stop_resumes_a_suspended_tree(void **state)
{
    pk_error error;
    pk_stop_report report;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_SECONDS(20);
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 2");
    assert_ok(pk_group_suspend(group, &error), error);
    assert_ok(pk_group_stop(group, &options, &report, &error), error);
    assert_true(report.drained);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* ---- Sparing ---------------------------------------------------------------------------------------------------- */

static void spared_members_live_on(void **state)
{
    pk_error error;
    pk_stop_report report;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_MILLISECONDS(50);
    options.spare = true;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "ignore TERM -- hold");
    assert_ok(pk_group_stop(group, &options, &report, &error), error);
    assert_true(report.spared);
    assert_false(report.escalated);
    assert_int_equal(report.members_after, 1);
    witness_assert_alive(witness);

    /* Used again, the group is guarded again, all its members included. */
    pk_process *second = cast_adversary(group, NULL, "hold");
    pk_process_free(second);
    pk_process_free(process);
    pk_group_free(group);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void freeing_a_spared_group_kills_nobody(void **state)
{
    (void)state;
    pk_group *group = cast_group(PK_MECHANISM_PROCESS_GROUP);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    pid_t pid = pk_process_pid(process);
    pk_process_free(process);
    pk_group_spare(group);
    pk_group_free(group);
    witness_assert_alive(witness);
    witness_free(witness); /* kills it */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* By a terminal, say; the leader is a child of ours. */
static void who_was_stopped_obeys(void **state)
{
    pk_error error;
    siginfo_t info;
    pk_stop_report report;
    pk_stop_options patient = PK_STOP_OPTIONS_INIT;
    patient.grace = PK_SECONDS(60);
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, NULL, "catch-exit TERM 7 -- stop");
    assert_return_code(waitid(P_PIDFD, (id_t)pk_process_pidfd(process), &info, WSTOPPED | WNOWAIT), errno);
    assert_ok(pk_group_stop(group, &patient, &report, &error), error);
    assert_true(report.drained);
    assert_false(report.escalated);
    pk_process_free(process);
    pk_group_free(group);
}

/* As the terminal gives it to the whole foreground group: whether the tree is stopped, or one process of a shared
 * group. */
static void who_has_the_signal_is_not_told_again(void **state)
{
    pk_error error;
    pk_result result;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    options.skip_pgid = -1;
    options.grace = PK_MILLISECONDS(100);
    for (int alone = 0; alone < 2; alone++) {
        pk_process *process = cast_adversary(group, witness, "catch-exit TERM 7 -- hold");
        assert_ok(alone ? pk_process_stop(process, &options, &error) : pk_group_stop(group, &options, NULL, &error),
                  error);
        assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
        assert_int_equal(result.signal_number, SIGKILL);
        pk_process_free(process);
    }
    pk_group_free(group);
    witness_free(witness);
}

static const struct test tests[] = {
    EACH(signal_reaches_every_member),
    DELEGATED(signal_reaches_every_member),
    AS_USER(signal_reaches_every_member),
    PK_TEST_WITH(nobody_forks_away_from_a_signal, .needs = NEEDS_CGROUP2, .deadline_s = 60),
    EACH(invalid_signal_is_refused),
    EACH(suspended_tree_stands_still),
    EACH(kill_overrides_suspend),
    PK_TEST_WITH(one_descriptor_is_enough_for_a_kill, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(suspend_surfaces_errors, .needs = NEEDS_CGROUP2),
    EACH(stop_ends_as_soon_as_the_tree_is_empty),
    EACH(stop_escalates_while_any_member_lives),
    DELEGATED(stop_escalates_while_any_member_lives),
    AS_USER(stop_escalates_while_any_member_lives),
    EACH(stop_works_under_a_blocking_owner),
    EACH(stop_resumes_a_suspended_tree),
    EACH(spared_members_live_on),
    PK_TEST(freeing_a_spared_group_kills_nobody),
    PK_TEST_NAMED("who_has_the_signal_is_not_told_again/cgroup2", who_has_the_signal_is_not_told_again,
                  .data = &cast_cgroup2, .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("who_was_stopped_obeys/cgroup2", who_was_stopped_obeys, .data = &cast_cgroup2,
                  .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("who_was_stopped_obeys/process_group", who_was_stopped_obeys, .data = &cast_process_group),
};

PK_TEST_MAIN(tests)
