/*
 * Guardians that are killed or stopped: noticed, replaced, counted; and given up when they cannot live.
 */
#include "sys/fault.h"
#include "testator.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* From somewhere else than the owner's own thread, as it happens in life. */
static void kill_guardian(void)
{
    int pidfd = guardian_pidfd();
    signal_pidfd(pidfd, SIGKILL);
    assert_true(pidfd_is_dead(pidfd, 10000));
    close(pidfd);
}

static void assert_guarded_by_another(pid_t than, unsigned losses)
{
    assert_true(pk_guardian_pid() > 0);
    assert_int_not_equal(pk_guardian_pid(), than);
    assert_int_equal(pk_guardian_losses(), losses);
    guardian_is_asked();
}

/* ---- Noticing --------------------------------------------------------------------------------------------------- */

static void the_next_group_notices(void **state)
{
    (void)state;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pid_t first = pk_guardian_pid();
    kill_guardian();
    assert_int_equal(pk_guardian_losses(), 0); /* nobody has looked */
    pk_group *next = cast_group(PK_MECHANISM_CGROUP2);
    assert_guarded_by_another(first, 1);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_null(pk_group_refusal(group));
    pk_group_free(group);
    pk_group_free(next);
}

/* A child, since a thread could not be told from one of the library. */
static pid_t kill_guardian_while_parent_waits(void)
{
    int guardian = guardian_pidfd();
    pid_t pid = fork();
    assert_return_code(pid, errno);
    if (pid == 0) {
        signal_pidfd(guardian, SIGKILL);
        _exit(0);
    }
    close(guardian);
    return pid;
}

static void a_wait_notices(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = cast_command(witness, "hold");
    pk_command_grace(command, 0);
    pk_process *process;
    assert_ok(pk_command_start(command, &process, &error), error);
    witness_ready(witness);
    pid_t first = pk_guardian_pid();
    pid_t killer = kill_guardian_while_parent_waits();
    /* The wait goes on, and it is this wait that notices. */
    for (int i = 0; i < 200 && pk_guardian_losses() == 0; i++)
        assert_int_equal(pk_process_wait(process, pk_deadline(PK_MILLISECONDS(50)), &result, &error), -ETIMEDOUT);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    assert_guarded_by_another(first, 1);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(result.guard_losses, 1);
    assert_true(result.guarantees & PK_GUARANTEE_OWNER_DEATH);
    pk_process_free(process);
    witness_free(witness);
}

static void the_end_of_a_run_notices(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_command) command = cast_command(NULL, "sleep 20");
    pk_process *process;
    assert_ok(pk_command_start(command, &process, &error), error);
    pid_t first = pk_guardian_pid();
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 10000));
    kill_guardian();
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(result.guard_losses, 1);
    pk_process_free(process);
    assert_guarded_by_another(first, 1);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.guard_losses, 0); /* of this run */
}

static void count_event(pk_process *process, pk_event event, void *data)
{
    (void)process, (void)event;
    ++*(int *)data;
}

/* Twice: what it watches afterwards is the new one. Two processes in one loop, which watch the same guardian. */
static void a_loop_notices(void **state)
{
    (void)state;
    pk_error error;
    pk_loop *loop;
    pk_process *processes[2];
    int events = 0;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    pk_command_grace(command, 0);
    assert_ok(pk_loop_create(&loop, &error), error);
    for (int i = 0; i < 2; i++) {
        assert_ok(pk_command_start(command, &processes[i], &error), error);
        assert_ok(pk_process_watch(processes[i], loop, count_event, &events, &error), error);
    }
    for (unsigned losses = 1; losses <= 2; losses++) {
        struct pollfd fd = {.fd = pk_loop_fd(loop), .events = POLLIN};
        pid_t before = pk_guardian_pid();
        assert_ok(pk_loop_dispatch(loop, 0, &error), error);
        kill_guardian();
        assert_int_equal(poll(&fd, 1, 10000), 1);
        assert_ok(pk_loop_dispatch(loop, 0, &error), error);
        assert_guarded_by_another(before, losses);
    }
    assert_int_equal(events, 0);
    for (int i = 0; i < 2; i++) {
        assert_ok(pk_process_stop(processes[i], NULL, &error), error);
        while (!pk_process_result(processes[i]))
            assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(10)), &error), error);
        assert_int_equal(pk_process_result(processes[i])->guard_losses, 2);
        pk_process_free(processes[i]);
    }
    pk_loop_free(loop);
}

/* ---- Replacing -------------------------------------------------------------------------------------------------- */

struct pair {
    struct witness *spared, *other;
};

static void lose_a_guardian(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    pk_group *spared = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(spared, pair->spared, "wide 2 -- setsid");
    cast_start(cast_group(PK_MECHANISM_CGROUP2), pair->other, "wide 2 -- cgroup -- setsid -- hold");
    pk_group_spare(spared);
    testator_say(testator);
    testator_listen(testator);
    kill_guardian();
    cast_group(PK_MECHANISM_CGROUP2);
    testator->testament->values[0] = pk_guardian_losses();
    testator_say(testator);
    testator_listen(testator);
    raise(SIGKILL);
}

static void the_replacement_does_its_work(void **state)
{
    (void)state;
    struct pair pair = {witness_new(), witness_new()};
    struct testator *testator = testator_begin(lose_a_guardian, &pair);
    testator_hear(testator);
    witness_ready(pair.spared);
    witness_ready(pair.other);
    testator_tell(testator);
    testator_hear(testator);
    assert_int_equal(testator->testament->values[0], 1);
    testator_tell(testator);
    testator_await_end(testator);
    witness_assert_dead(pair.other, GONE_MS);
    witness_assert_alive(pair.spared);
    assert_false(pidfd_is_dead(testator->guardian, 20));
    for (size_t i = 0; i < witness_total(pair.spared); i++)
        signal_pidfd(witness_pidfd(pair.spared, i), SIGKILL);
    testator_assert_nothing_left(testator);
    testator_close(testator);
    witness_free(pair.spared);
    witness_free(pair.other);
}

/* Kept until no more are started. */
static void who_is_lost_again_and_again_is_given_up(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_group *first = cast_group(PK_MECHANISM_CGROUP2);
    assert_null(pk_group_refusal(first));
    for (int i = 0; i < 20 && pk_guardian_pid() > 0; i++) {
        kill_guardian();
        pk_group_free(cast_group(PK_MECHANISM_CGROUP2));
    }
    assert_int_equal(pk_guardian_pid(), 0);
    assert_in_range(pk_guardian_losses(), 2, 10);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_non_null(pk_group_refusal(group));
    assert_non_null(strstr(pk_group_refusal(group), "again and again"));

    assert_false(pk_group_guarantees(first) & PK_GUARANTEE_OWNER_DEATH);
    assert_non_null(pk_group_refusal(first)); /* it had one, and has none now */
    assert_non_null(strstr(pk_group_refusal(first), "again and again"));
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_false(result.guarantees & PK_GUARANTEE_OWNER_DEATH);
    pk_group_free(first);
    pk_group_free(group);

    pk_leave(); /* and begin anew */
    group = cast_group(PK_MECHANISM_CGROUP2);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_null(pk_group_refusal(group));
    pk_group_free(group);
}

/* What fails for want of something is owed, and made up for. */
static void one_that_cannot_be_replaced_at_once_is_replaced_later(void **state)
{
    (void)state;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    kill_guardian();
    sys_fault_clear();
    sys_fault_set("socketpair", 0, EMFILE);
    pk_group *without = cast_group(PK_MECHANISM_CGROUP2);
    sys_fault_clear();
    assert_int_equal(pk_guardian_pid(), 0);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_false(pk_group_guarantees(without) & PK_GUARANTEE_OWNER_DEATH);
    assert_non_null(pk_group_refusal(group));
    assert_non_null(strstr(pk_group_refusal(group), strerror(EMFILE)));
    pk_group *with = cast_group(PK_MECHANISM_CGROUP2);
    assert_guarded_by_another(0, 1);
    assert_true(pk_group_guarantees(with) & PK_GUARANTEE_OWNER_DEATH);
    assert_true(pk_group_guarantees(group) & pk_group_guarantees(without) & PK_GUARANTEE_OWNER_DEATH);
    assert_null(pk_group_refusal(group));
    assert_null(pk_group_refusal(without));
    pk_group_free(group);
    pk_group_free(without);
    pk_group_free(with);
}

/* ---- Stopping --------------------------------------------------------------------------------------------------- */

static void hold_and_be_killed(struct testator *testator, const void *data)
{
    cast_start(cast_group(PK_MECHANISM_CGROUP2), data, "wide 2 -- setsid");
    testator_say(testator);
    testator_listen(testator);
    raise(SIGKILL);
}

static void one_that_was_stopped_does_its_work_later(void **state)
{
    (void)state;
    struct witness *witness = witness_new();
    struct testator *testator = testator_begin(hold_and_be_killed, witness);
    testator_hear(testator);
    witness_ready(witness);
    signal_pidfd(testator->guardian, SIGSTOP);
    testator_tell(testator);
    testator_await_end(testator);
    witness_assert_alive(witness);
    signal_pidfd(testator->guardian, SIGCONT);
    testator_assert_nothing_left(testator);
    witness_assert_dead(witness, GONE_MS);
    testator_close(testator);
    witness_free(witness);
}

/* One that stands still so long that it cannot be told any more is as good as lost; and it must not come back, take the
 * end of its socket for the end of the owner, and kill what is alive. */
static void one_that_stands_still_is_replaced(void **state)
{
    (void)state;
    enum { MORE_THAN_A_SOCKET_HOLDS = 2000 };
    pk_error error;
    struct witness *witness = witness_new();
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2), *spared = cast_group(PK_MECHANISM_CGROUP2);
    pk_process *process = cast_adversary(group, witness, "wide 2");
    pid_t first = pk_guardian_pid();
    int guardian = guardian_pidfd();
    signal_pidfd(guardian, SIGSTOP);
    for (int i = 0; i < MORE_THAN_A_SOCKET_HOLDS && pk_guardian_losses() == 0; i++) {
        pk_process *again = cast_start(spared, NULL, "exit 0"); /* takes it back */
        pk_group_spare(spared);
        assert_ok(pk_process_wait(again, PK_FOREVER, NULL, &error), error);
        pk_process_free(again);
    }
    signal_pidfd(guardian, SIGCONT);
    assert_guarded_by_another(first, 1);
    assert_true(pidfd_is_dead(guardian, 10000));
    witness_assert_alive(witness);
    close(guardian);
    assert_ok(pk_group_kill(group, &error), error);
    pk_process_free(process);
    pk_group_free(group);
    pk_group_free(spared);
    witness_free(witness);
}

static const struct test tests[] = {
    PK_TEST_WITH(the_next_group_notices, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_wait_notices, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(the_end_of_a_run_notices, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_loop_notices, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(the_replacement_does_its_work, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(who_is_lost_again_and_again_is_given_up, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(one_that_cannot_be_replaced_at_once_is_replaced_later, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(one_that_was_stopped_does_its_work_later, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(one_that_stands_still_is_replaced, .needs = NEEDS_CGROUP2, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
