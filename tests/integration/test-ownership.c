/*
 * Groups: what belongs to whom: adopted processes, forked copies, the end of the owner; and waiting for emptiness.
 */
#include "cast.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Adopting --------------------------------------------------------------------------------------------------- */

static void adopted_process_and_its_future_children_are_members(void **state)
{
    pk_error error;
    pk_group *other = cast_group(PK_MECHANISM_PROCESS_GROUP);
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(other, witness, "fork-on USR1 -- hold");
    pid_t pid = pk_process_pid(process);
    assert_ok(pk_group_adopt(group, pid, -1, &error), error);
    if (cast_mechanism(state) == PK_MECHANISM_CGROUP2) {
        assert_ok(pk_process_signal(process, SIGUSR1, &error), error);
        witness_count(witness, 2);
        assert_int_equal(pk_group_members(group, NULL, 0, &error), 2);
    }
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    pk_group_free(group);
    pk_group_free(other);
    witness_free(witness);
}

static void adopting_is_careful(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    const pid_t none[] = {0, -1, 1, getpid()};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(pk_group_adopt(group, none[i], -1, &error), -EINVAL);

    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_ok(pk_group_adopt(group, pid, -1, &error), error); /* a zombie: nothing to do */
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(pk_group_adopt(group, pid, -1, &error), -ESRCH);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    pk_group_free(group);
}

static void adopting_by_a_pidfd_of_another_process_is_refused(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    pk_group *other = cast_group(PK_MECHANISM_PROCESS_GROUP);
    pk_process *a = cast_adversary(other, NULL, "hold");
    pk_process *b = cast_adversary(other, NULL, "hold");
    assert_int_equal(pk_group_adopt(group, pk_process_pid(a), pk_process_pidfd(b), &error), -EINVAL);
    assert_int_equal(pk_group_adopt(group, pk_process_pid(a), 0, &error), -EBADF);
    assert_ok(pk_group_adopt(group, pk_process_pid(a), pk_process_pidfd(a), &error), error);
    pk_process_free(a);
    pk_process_free(b);
    pk_group_free(group);
    pk_group_free(other);
}

static void foreign_process_cannot_be_adopted(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_PROCESS_GROUP);
    assert_int_equal(pk_group_adopt(group, getppid(), -1, &error), -EPERM);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    pk_group_free(group);
}

/* ---- Waiting, forking, threads ---------------------------------------------------------------------------------- */

static void wait_empty_keeps_its_deadline(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    pk_process *process = cast_adversary(group, NULL, "sleep 300");
    assert_int_equal(pk_group_wait_empty(group, pk_deadline(PK_MILLISECONDS(20)), &error), -ETIMEDOUT);
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
    assert_ok(pk_group_wait_empty(group, pk_deadline(PK_SECONDS(20)), &error), error);
    assert_ok(pk_group_wait_empty(group, 0, &error), error);
    pk_process_free(process);
    pk_group_free(group);
}

static void forked_copy_is_inert(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    pid_t child = fork();
    if (child == 0) {
        bool inert = pk_group_kill(group, NULL) == -EPERM && pk_group_signal(group, SIGTERM, NULL) == -EPERM &&
                     pk_group_stop(group, NULL, NULL, NULL) == -EPERM && pk_process_stop(process, NULL, NULL) == -EPERM;
        pk_process_free(process);
        pk_group_free(group);
        /* It may make groups of its own, and leaves normally. */
        pk_group *own = NULL;
        inert = inert && pk_group_create(NULL, &own, NULL) == 0;
        pk_group_free(own);
        exit(inert ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    witness_assert_alive(witness);
    assert_ok(pk_group_kill(group, &error), error);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* Nobody freed the group: a normal exit does. */
static void normal_exit_kills(void **state)
{
    struct witness *witness = witness_new();
    int go[2];
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        pk_command *command = cast_command(witness, "wide 3");
        pk_process *process;
        char byte;
        bool started = pk_group_spawn(cast_group(cast_mechanism(state)), command, &process, NULL) == 0;
        pk_command_free(command);
        close(go[1]);
        exit(started && read(go[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(go[0]);
    witness_ready(witness);
    close(go[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* Trap 6: the hot path does not migrate processes. */
static void spawning_does_not_write_cgroup_procs(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    assert_ok(pk_guardian_enable(false, &error), error);
    sys_fault_clear();
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(sys_fault_count("join"), 0);
    assert_int_equal(sys_fault_count("clone3"), 1);
}

static const struct test tests[] = {
    EACH(adopted_process_and_its_future_children_are_members),
    EACH(adopting_is_careful),
    EACH(adopting_by_a_pidfd_of_another_process_is_refused),
    PK_TEST_AS_USER(foreign_process_cannot_be_adopted),
    EACH(wait_empty_keeps_its_deadline),
    EACH(forked_copy_is_inert),
    EACH(normal_exit_kills),
    PK_TEST_WITH(spawning_does_not_write_cgroup_procs, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
