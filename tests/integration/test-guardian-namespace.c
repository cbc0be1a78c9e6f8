/*
 * Owners and pid namespaces.
 */
#include "testator.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void live_as_init(struct testator *testator)
{
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    cast_adversary(group, NULL, "wide 3 -- setsid");
    while (pk_group_members(group, NULL, 0, &error) < 4)
        sched_yield();
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
    testator->testament->values[0] = pid;
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
    if (killed) {
        assert_true(rmdir(testament->path) == 0 || errno == ENOENT);
        *slash = '\0';
        assert_true(rmdir(testament->path) == 0 || errno == ENOENT);
    } else {
        *slash = '\0';
        assert_true(access(testament->path, F_OK) < 0);
    }
    testator_close(testator);
}

static const struct test tests[] = {
    PK_TEST_NAMED("init_of_a_namespace_takes_all_with_it/killed", init_of_a_namespace_takes_all_with_it,
                  .data = "killed", .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_NAMED("init_of_a_namespace_takes_all_with_it/exit", init_of_a_namespace_takes_all_with_it,
                  .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
};

PK_TEST_MAIN(tests)
