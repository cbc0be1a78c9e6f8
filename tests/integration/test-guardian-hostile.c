/*
 * Bad moments and bad places: guardians killed while they are born, owners killed while a child is born, and seccomp
 * filters that refuse or kill. Failures are clean, and nothing is left behind.
 */
#include "contain/helper-image.h"
#include "filter.h"
#include "testator.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What is being born is killed ------------------------------------------------------------------------------ */

/* The children of the process, from a file that was opened when it was there. */
static char *read_children(int fd, char *text, size_t size)
{
    ssize_t length = pread(fd, text, size - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static int open_children(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool is_child(int fd, pid_t pid)
{
    char text[256], *next = read_children(fd, text, sizeof(text));
    for (long number; (number = strtol(next, &next, 10)) > 0;)
        if (number == pid)
            return true;
    return false;
}

/* The number is still that child's after it was opened, so it is the one that the pidfd stands for. */
static void kill_child(int children, pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0 && is_child(children, pid))
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    if (pidfd >= 0)
        close(pidfd);
}

/* Kills the children of a process, or theirs, as soon as it sees one. */
static _Noreturn void kill_what_is_born(pid_t parent, bool grandchildren)
{
    char text[256], more[256];
    int children = open_children(parent);
    for (;;) {
        char *next = read_children(children, text, sizeof(text));
        for (long pid; (pid = strtol(next, &next, 10)) > 0;) {
            if (pid == getpid())
                continue;
            if (!grandchildren) {
                kill_child(children, (pid_t)pid);
                continue;
            }
            int below = open_children((pid_t)pid);
            char *rest = read_children(below, more, sizeof(more));
            for (long one; below >= 0 && (one = strtol(rest, &rest, 10)) > 0;)
                kill_child(below, (pid_t)one);
            close(below);
        }
    }
}

static void whoever_kills_what_is_born_gets_a_clean_failure(void **state)
{
    enum { ROUNDS = 400 };
    int descriptors = cast_count_descriptors();
    unsigned failed = 0, guarded = 0;
    pid_t parent = getpid(), killer = fork();
    if (killer == 0)
        kill_what_is_born(parent, *state != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        pk_group *group;
        pk_error error;
        int r = testator_try_group(&group, &error);
        if (r < 0 && (r != -ECANCELED || error.number != r || error.step != PK_STEP_GUARDIAN))
            fail_msg("round %d: %d: %s", i, r, error.message);
        failed += r < 0;
        guarded += r == 0 && pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH;
        pk_group_free(group);
        pk_leave();
        if (cast_count_directories() != 0)
            fail_msg("round %d, which returned %d: a directory was left", i, r);
    }
    assert_return_code(kill(killer, SIGKILL), errno);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    print_message("%u failed, %u guarded\n", failed, guarded);
    assert_int_equal(failed + guarded, ROUNDS);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    testator_leave_and_compare(group, descriptors, "killed between");
}

/* ---- The owner is killed while a child is being born ------------------------------------------------------------ */

static void spare_and_use_again(struct testator *testator, const void *data)
{
    struct witness *const *witnesses = data;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(group, witnesses[0], "hold");
    testator_say(testator);
    testator_listen(testator);
    pk_group_spare(group);
    testator_say(testator);
    testator_listen(testator);
    cast_start(group, witnesses[1], "hold");
}

/* The child as it is at birth, by a tracer; it stays like that. */
static pid_t catch_birth(pid_t owner)
{
    int status;
    unsigned long child = 0;
    assert_int_equal(waitpid(owner, &status, __WALL), owner);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(status >> 16, PTRACE_EVENT_VFORK);
    assert_return_code(ptrace(PTRACE_GETEVENTMSG, owner, NULL, &child), errno);
    assert_int_equal(waitpid((pid_t)child, &status, __WALL), (pid_t)child);
    return (pid_t)child;
}

/* A group that is used again is guarded again from the first moment of the new child. */
static void an_owner_killed_at_a_birth_leaves_no_spared_child(void **state)
{
    (void)state;
    struct witness *witnesses[2] = {witness_new(), witness_new()};
    struct testator *testator = testator_begin(spare_and_use_again, witnesses);
    testator_hear(testator);
    witness_ready(witnesses[0]);
    testator_tell(testator);
    testator_hear(testator);
    if (ptrace(PTRACE_SEIZE, testator->pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACEVFORK) < 0)
        skip_test("permission to trace a child");
    testator_tell(testator);
    pid_t child = catch_birth(testator->pid);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    assert_return_code(pidfd, errno);
    testator_signal(testator, SIGKILL);
    testator_await_end(testator);
    ptrace(PTRACE_DETACH, child, NULL, NULL); /* unless it is dead already */
    assert_true(pidfd_is_dead(pidfd, GONE_MS * (int)test_slowness()));
    waitpid(child, NULL, WNOHANG | __WALL);
    testator_assert_nothing_left(testator);
    witness_assert_dead(witnesses[0], GONE_MS);
    close(pidfd);
    testator_close(testator);
    witness_free(witnesses[0]);
    witness_free(witnesses[1]);
}

/* ---- Filters ---------------------------------------------------------------------------------------------------- */

/* As a service that is to start no programs has it. */
static void a_filter_that_refuses_programs_is_named(void **state)
{
    (void)state;
    struct sock_filter filter[] = {
        LOAD(nr),
        UNLESS(SYS_execveat, 1),
        ANSWER(SECCOMP_RET_ERRNO | EACCES),
        UNLESS(SYS_execve, 1),
        ANSWER(SECCOMP_RET_ERRNO | EPERM),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    pk_group *group;
    pk_error error;
    int descriptors = cast_count_descriptors();
    INSTALL(filter);
    assert_ok(testator_try_group(&group, &error), error);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    const char *refusal = pk_group_refusal(group);
    assert_non_null(refusal);
    assert_non_null(strstr(refusal, strerror(EACCES)));
    assert_non_null(strstr(refusal, strerror(EPERM)));
    assert_non_null(strstr(refusal, helper_path()));
    assert_int_equal(pk_guardian_pid(), 0);
    testator_leave_and_compare(group, descriptors, "no programs");
}

static void a_filter_that_refuses_new_calls_is_no_obstacle(void **state)
{
    (void)state;
    pk_error error;
    int descriptors = cast_count_descriptors();
    filter_new_calls();
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 2");
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    guardian_is_asked();
    assert_int_equal(pk_guardian_losses(), 0);
    assert_ok(pk_group_kill(group, &error), error);
    pk_process_free(process);
    witness_free(witness);
    testator_leave_and_compare(group, descriptors, "no new calls");
}

/* A call that the guardian makes, and this process does not. */
static void a_filter_that_kills_is_noticed(void **state)
{
    (void)state;
    struct sock_filter filter[] = {
        LOAD(nr),
        UNLESS(SYS_prctl, 3),
        LOAD(args[0]),
        UNLESS(PR_SET_NAME, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    int descriptors = cast_count_descriptors();
    pk_group *group = NULL;
    INSTALL(filter);
    for (int i = 0; i < 200; i++) {
        group = cast_group(PK_MECHANISM_CGROUP2);
        if (pk_guardian_pid() == 0)
            break;
        int guardian = (int)syscall(SYS_pidfd_open, pk_guardian_pid(), 0);
        assert_true(pidfd_is_dead(guardian, 10000));
        if (guardian >= 0)
            close(guardian);
        pk_group_free(group);
    }
    assert_int_equal(pk_guardian_pid(), 0);
    assert_in_range(pk_guardian_losses(), 2, 10);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_non_null(strstr(pk_group_refusal(group), "seccomp"));
    testator_leave_and_compare(group, descriptors, "a deadly filter");
}

static const struct test tests[] = {
    PK_TEST_NAMED("whoever_kills_what_is_born_gets_a_clean_failure/between",
                  whoever_kills_what_is_born_gets_a_clean_failure, .needs = NEEDS_CGROUP2, .deadline_s = 60),
    PK_TEST_NAMED("whoever_kills_what_is_born_gets_a_clean_failure/guardian",
                  whoever_kills_what_is_born_gets_a_clean_failure, .data = "guardian", .needs = NEEDS_CGROUP2,
                  .deadline_s = 60),
    PK_TEST_WITH(an_owner_killed_at_a_birth_leaves_no_spared_child, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_filter_that_refuses_programs_is_named, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_filter_that_refuses_new_calls_is_no_obstacle, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_filter_that_kills_is_noticed, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
