/*
 * Owners that are the first process of a pid namespace, or make one, or take in orphans.
 */
#include "testator.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void live_as_init(struct testator *testator)
{
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    cast_adversary(group, NULL, "wide 3 -- setsid");
    while (pk_group_members(group, NULL, 0, &error) < 4 ||
           !__atomic_load_n(testator->testament->values, __ATOMIC_ACQUIRE))
        sched_yield(); /* until all are there, and our number out there is known */
    snprintf(testator->testament->path, sizeof(testator->testament->path), "%s", pk_group_path(group));
    testator_say(testator);
    testator_listen(testator);
    exit(0);
}

static void found_a_namespace(struct testator *testator, const void *data)
{
    (void)data;
    if (unshare(CLONE_NEWPID) < 0)
        _exit(77);
    pid_t pid = fork();
    if (pid == 0)
        live_as_init(testator);
    __atomic_store_n(testator->testament->values, pid, __ATOMIC_RELEASE);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    _exit(0);
}

/* By their numbers out here, from the list of the group. */
static size_t open_members(const char *path, int *pidfds, size_t capacity)
{
    char file[600];
    size_t count = 0;
    int pid;
    snprintf(file, sizeof(file), "%s/cgroup.procs", path);
    FILE *list = fopen(file, "re");
    assert_non_null(list);
    while (count < capacity && fscanf(list, "%d", &pid) == 1)
        pidfds[count++] = (int)syscall(SYS_pidfd_open, pid, 0);
    fclose(list);
    return count;
}

static void init_of_a_namespace_takes_all_with_it(void **state)
{
    bool killed = *state != NULL;
    int pidfds[8];
    struct testator *testator = testator_begin(found_a_namespace, NULL);
    struct testament *testament = testator->testament;
    testator_hear_of_no_guardian(testator);
    size_t count = open_members(testament->path, pidfds, 8);
    assert_int_equal(count, 4);
    if (killed)
        kill((pid_t)testament->values[0], SIGKILL);
    else
        testator_tell(testator);
    for (size_t i = 0; i < count; i++) {
        assert_true(pidfd_is_dead(pidfds[i], GONE_MS * (int)test_slowness()));
        close(pidfds[i]);
    }
    testator_await_end(testator);
    /* The guardian died with the namespace, and could not remove the directories. After a clean exit there are none. */
    char *slash = strrchr(testament->path, '/');
    if (killed || test_slowness() > 1) { /* or it could not wait for members that were slow to die */
        assert_true(rmdir(testament->path) == 0 || errno == ENOENT);
        *slash = '\0';
        assert_true(rmdir(testament->path) == 0 || errno == ENOENT);
    } else {
        *slash = '\0';
        assert_true(access(testament->path, F_OK) < 0);
    }
    testator_close(testator);
}

/* The next child of this process is the first one of the namespace, which ends with it: that must be the program, and
 * nothing of ours. */
static void unshare_and_run(struct testator *testator, const void *data)
{
    pk_error error;
    pk_result result;
    (void)data;
    if (unshare(CLONE_NEWPID) < 0)
        _exit(77);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    const char *refusal = pk_group_refusal(group);
    assert_non_null(refusal);
    assert_non_null(strstr(refusal, "pid namespace"));
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    pk_command *command = cast_command(NULL, "exit 7");
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.exit_code, 7);
    testator_say(testator);
    exit(0);
}

static void an_owner_of_another_namespace_has_none(void **state)
{
    (void)state;
    struct testator *testator = testator_begin(unshare_and_run, NULL);
    testator_hear_of_no_guardian(testator);
    testator_await_end(testator);
    assert_int_equal(cast_count_directories_of(testator->owner), 0);
    testator_close(testator);
}

/* As it gets every orphan. */
static void a_subreaper_gets_the_guardian_as_its_child(void **state)
{
    (void)state;
    assert_return_code(prctl(PR_SET_CHILD_SUBREAPER, 1), errno);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pid_t guardian = pk_guardian_pid();
    assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
    pk_group_free(group);
    pk_leave();
    assert_int_equal(waitpid(-1, NULL, 0), guardian);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static const struct test tests[] = {
    PK_TEST_NAMED("init_of_a_namespace_takes_all_with_it/killed", init_of_a_namespace_takes_all_with_it,
                  .data = "killed", .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_NAMED("init_of_a_namespace_takes_all_with_it/exit", init_of_a_namespace_takes_all_with_it,
                  .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(an_owner_of_another_namespace_has_none, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_subreaper_gets_the_guardian_as_its_child, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
