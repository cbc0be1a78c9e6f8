/*
 * Traps that others fell into and that have no better place: a parent that is dead too early, an owner that is pid 1, a
 * peak that is inherited, an owner inside its own limits.
 */
#include "cast.h"
#include "hierarchy.h"
#include "process/child.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Trap 2: the parent died before the signal was armed, so it would never come. The child notices by its parent's pid,
 * which it compares with the one taken before the clone. */
static void a_parent_that_died_too_early_is_noticed(void **state)
{
    (void)state;
    for (int dead = 0; dead < 2; dead++) {
        pk_auto(pk_command) command = cast_command(NULL, "exit 3");
        pk_command_kill_on_parent_death(command);
        struct plan plan;
        assert_int_equal(plan_make(&plan, command, false, NULL), 0);
        struct birth birth = {.plan = &plan, .join_fd = -1, .lease_fd = -1, .owner_pid = dead ? getppid() : getpid()};
        pid_t child = fork();
        if (child == 0)
            child_run(&birth);
        int status = status_of(child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), dead ? 127 : 3);
        plan_free(&plan);
    }
}

/* Trap 20: comparing the parent's pid with 1 would take every child of such an owner for an orphan. */
static int run_as_pid_1(pk_mechanism mechanism, const char *words)
{
    pk_result result;
    pk_error error;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = mechanism;
    pk_auto(pk_command) command = cast_command(NULL, words);
    pk_command_kill_on_parent_death(command);
    pk_command_contain(command, &options);
    if (pk_command_status(command, &result, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 11;
    }
    return result.verdict == PK_VERDICT_EXITED && result.exit_code == 3 ? 0 : 12;
}

/* Orphans come to pid 1, but not those of a reaper, and reapers are taken away. */
static int live_as_pid_1(void)
{
    if (getpid() != 1 || mount("proc", "/proc", "proc", 0, NULL) < 0)
        return 10;
    int r = 0;
    for (int round = 0; r == 0 && round < 3; round++)
        r = run_as_pid_1(PK_MECHANISM_REAPER, "leave 3 -- double-fork -- setsid");
    if (r == 0 && waitpid(-1, NULL, WNOHANG) >= 0)
        return 13;
    return r == 0 ? run_as_pid_1(PK_MECHANISM_AUTO, "exit 3") : r;
}

static void an_owner_may_be_pid_1(void **state)
{
    (void)state;
    pid_t outer = fork();
    if (outer == 0) {
        if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(99);
        pid_t inner = fork();
        if (inner == 0)
            exit(live_as_pid_1());
        int status;
        waitpid(inner, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
    }
    int status = status_of(outer);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
        skip_test("a pid namespace of our own");
    assert_int_equal(status, 0);
}

/* Trap 9: what the kernel says of a child's largest memory begins with that of its parent. */
static void a_large_parent_does_not_make_a_large_child(void **state)
{
    enum { LARGE = 256 << 20 };
    pk_error error;
    pk_usage usage;
    char *memory = malloc(LARGE);
    assert_non_null(memory);
    memset(memory, 1, LARGE);
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    assert_ok(pk_group_usage(group, &usage, &error), error);
    assert_int_not_equal(usage.memory_source, PK_SOURCE_UNAVAILABLE);
    assert_true(usage.memory_peak > 0 && usage.memory_peak < LARGE / 4);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
    free(memory);
}

/* Trap 24: whatever a group's limits kill, the owner is not in it. */
static void the_owner_is_never_a_member(void **state)
{
    (void)state;
    char before[PATH_MAX], after[PATH_MAX];
    pk_error error;
    assert_true(hierarchy_own(before));
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 2");
    pk_member members[8];
    int count = pk_group_members(group, members, 8, &error);
    assert_int_equal(count, 3);
    for (int i = 0; i < count; i++)
        assert_int_not_equal(members[i].pid, getpid());
    assert_true(hierarchy_own(after));
    assert_string_equal(before, after);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* Trap 12: the directory of a tree that was killed a moment ago can be removed, again and again. */
static void killed_trees_leave_no_directory(void **state)
{
    (void)state;
    pk_error error;
    for (int round = 0; round < 50; round++) {
        struct witness *witness = witness_new();
        pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
        pk_process *process = cast_adversary(group, witness, "wide 5 -- threads 2");
        assert_ok(pk_group_kill(group, &error), error);
        pk_process_free(process);
        pk_group_free(group);
        assert_int_equal(cast_count_directories(), 1); /* the owner's */
        witness_free(witness);
    }
}

static const struct test tests[] = {
    PK_TEST(a_parent_that_died_too_early_is_noticed),
    PK_TEST_WITH(an_owner_may_be_pid_1, .needs = NEEDS_ROOT),
    EACH(a_large_parent_does_not_make_a_large_child),
    PK_TEST_WITH(the_owner_is_never_a_member, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(killed_trees_leave_no_directory, .needs = NEEDS_CGROUP2, .deadline_s = 60),
};

PK_TEST_MAIN(tests)
