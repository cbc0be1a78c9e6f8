/*
 * What is not to end with the owner: spared groups; and directories that are handed over.
 */
#include "hierarchy.h"
#include "sys/fault.h"
#include "testator.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Spared and not spared, side by side ------------------------------------------------------------------------ */

struct pair {
    struct witness *spared, *other;
};

static struct pair open_pair(void)
{
    return (struct pair){witness_new(), witness_new()};
}

static void wait_for_pair(struct testator *testator, const struct pair *pair)
{
    testator_hear(testator);
    if (pair->spared)
        witness_ready(pair->spared);
    if (pair->other)
        witness_ready(pair->other);
}

static void end_members(struct witness *witness)
{
    for (size_t i = 0; i < witness_total(witness); i++)
        signal_pidfd(witness_pidfd(witness, i), SIGKILL);
}

static void be_killed(struct testator *testator)
{
    testator_say(testator);
    testator_listen(testator);
    raise(SIGKILL);
}

static void spare_and_be_killed(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    pk_group *spared = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(spared, pair->spared, "wide 2 -- setsid");
    cast_start(cast_group(PK_MECHANISM_CGROUP2), pair->other, "wide 2 -- setsid");
    pk_group_spare(spared);
    be_killed(testator);
}

static void spare_by_freeing_and_leave(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    pk_group *spared = cast_group(PK_MECHANISM_CGROUP2), *other = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(spared, pair->spared, "wide 2 -- setsid");
    cast_start(other, pair->other, "wide 2 -- setsid");
    testator_say(testator);
    testator_listen(testator);
    pk_group_spare(spared);
    pk_group_free(spared);
    pk_group_free(other);
    exit(0);
}

static void spared_members_live_on(void **state)
{
    struct pair pair = open_pair();
    struct testator *testator = testator_begin((void (*)(struct testator *, const void *)) * state, &pair);
    wait_for_pair(testator, &pair);
    testator_tell(testator);
    testator_await_end(testator);
    witness_assert_dead(pair.other, GONE_MS);
    witness_assert_alive(pair.spared);
    assert_false(pidfd_is_dead(testator->guardian, 50));
    assert_in_range(cast_count_directories_of(testator->owner), 2, 3);
    end_members(pair.spared);
    testator_assert_nothing_left(testator);
    testator_close(testator);
    witness_free(pair.spared);
    witness_free(pair.other);
}

static void spare_and_use_again(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(group, pair->spared, "wide 2");
    testator_say(testator);
    testator_listen(testator);
    pk_group_spare(group);
    cast_start(group, pair->other, "hold");
    be_killed(testator);
}

static void what_is_used_again_is_guarded_again(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    struct testator *testator = testator_begin(spare_and_use_again, &pair);
    testator_hear(testator);
    witness_ready(pair.spared);
    testator_tell(testator);
    testator_hear(testator);
    witness_ready(pair.other);
    testator_tell(testator);
    testator_assert_nothing_left(testator);
    witness_assert_dead(pair.spared, GONE_MS);
    witness_assert_dead(pair.other, GONE_MS);
    testator_close(testator);
    witness_free(pair.spared);
    witness_free(pair.other);
}

static void allow_leftovers(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    pk_error error;
    pk_result result;
    pk_command *command = cast_command(pair->spared, "leave 0 -- hold");
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    assert_ok(pk_command_status(command, &result, &error), error);
    testator->testament->values[0] = result.spared;
    be_killed(testator);
}

static void allowed_leftovers_live_on(void **state)
{
    (void)state;
    struct pair pair = {.spared = witness_new()};
    struct testator *testator = testator_begin(allow_leftovers, &pair);
    wait_for_pair(testator, &pair);
    assert_true(testator->testament->values[0]);
    testator_tell(testator);
    testator_await_end(testator);
    size_t left = witness_find(pair.spared, "left");
    assert_false(pidfd_is_dead(testator->guardian, 50));
    assert_false(pidfd_is_dead(witness_pidfd(pair.spared, left), 0));
    signal_pidfd(witness_pidfd(pair.spared, left), SIGKILL);
    testator_assert_nothing_left(testator);
    testator_close(testator);
    witness_free(pair.spared);
}

/* ---- More than there are descriptors ---------------------------------------------------------------------------- */

enum { MANY = 30, FEW_DESCRIPTORS = 24 };

static void spare_many(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    const struct rlimit few = {FEW_DESCRIPTORS, FEW_DESCRIPTORS};
    assert_return_code(setrlimit(RLIMIT_NOFILE, &few), errno);
    for (int i = 0; i < MANY; i++) {
        pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
        pk_process *process = cast_start(group, NULL, "--life 60 hold");
        pk_group_spare(group);
        pk_process_free(process);
        pk_group_free(group);
    }
    cast_start(cast_group(PK_MECHANISM_CGROUP2), pair->other, "wide 2 -- cgroup -- hold");
    be_killed(testator);
}

static void many_spared_groups_hide_no_other(void **state)
{
    (void)state;
    struct pair pair = {.other = witness_new()};
    struct testator *testator = testator_begin(spare_many, &pair);
    wait_for_pair(testator, &pair);
    testator_tell(testator);
    testator_await_end(testator);
    witness_assert_dead(pair.other, GONE_MS);
    char own[PATH_MAX], prefix[64];
    assert_true(hierarchy_own(own));
    snprintf(prefix, sizeof(prefix), "processkit-%d-", testator->owner);
    hierarchy_sweep(own, prefix, NULL); /* kills the spared, and removes their directories under the guardian's eyes */
    testator_assert_nothing_left(testator);
    testator_close(testator);
    witness_free(pair.other);
}

/* ---- Directories that others remove ----------------------------------------------------------------------------- */

static void spare_two(struct testator *testator, const void *data)
{
    const struct pair *pair = data;
    pk_group *one = cast_group(PK_MECHANISM_CGROUP2), *other = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(one, pair->spared, "hold");
    cast_start(other, pair->other, "hold");
    pk_group_spare(one);
    pk_group_spare(other);
    snprintf(testator->testament->path, sizeof(testator->testament->path), "%s", pk_group_path(one));
    be_killed(testator);
}

static unsigned long processor_ticks(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(
        sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    return user + system;
}

static bool removes(const char *path)
{
    long deadline = clock_ms() + GONE_MS * (long)test_slowness();
    while (rmdir(path) < 0 && errno == EBUSY && clock_ms() < deadline)
        poll(NULL, 0, 1);
    return access(path, F_OK) < 0;
}

/* Its event file then reports for ever that something is wrong. */
static void it_does_not_spin_when_somebody_else_removes_a_directory(void **state)
{
    (void)state;
    struct pair pair = open_pair();
    struct testator *testator = testator_begin(spare_two, &pair);
    wait_for_pair(testator, &pair);
    testator_tell(testator);
    testator_await_end(testator);
    pid_t guardian = testator->testament->guardian;
    assert_false(pidfd_is_dead(testator->guardian, 100)); /* by then it waits for both */
    signal_pidfd(testator->guardian, SIGSTOP);
    end_members(pair.spared);
    witness_assert_dead(pair.spared, GONE_MS);
    assert_true(removes(testator->testament->path));
    signal_pidfd(testator->guardian, SIGCONT);
    unsigned long before = processor_ticks(guardian);
    assert_false(pidfd_is_dead(testator->guardian, 500 * (int)test_slowness()));
    assert_in_range(processor_ticks(guardian) - before, 0, 5 * test_slowness()); /* of some 50 */
    end_members(pair.other);
    testator_assert_nothing_left(testator);
    testator_close(testator);
    witness_free(pair.spared);
    witness_free(pair.other);
}

static void spare_one(struct testator *testator, const void *data)
{
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    cast_start(group, data, "hold");
    pk_group_spare(group);
    snprintf(testator->testament->path, sizeof(testator->testament->path), "%s", pk_group_path(group));
    be_killed(testator);
}

static void write_to(const char *directory, const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* The kernel reports changes of a group 10 ms apart. If it is gone before the second report, there is none. */
static void it_notices_a_directory_that_goes_unreported(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct witness *witness = witness_new();
        struct testator *testator = testator_begin(spare_one, witness);
        testator_hear(testator);
        witness_ready(witness);
        testator_tell(testator);
        testator_await_end(testator);
        assert_false(pidfd_is_dead(testator->guardian, 50)); /* by then it waits */
        write_to(testator->testament->path, "cgroup.freeze", "1");
        poll(NULL, 0, 3); /* it has taken note of the first; if not yet, this round shows nothing */
        end_members(witness);
        witness_assert_dead(witness, GONE_MS);
        assert_true(removes(testator->testament->path));
        testator_assert_nothing_left(testator);
        testator_close(testator);
        witness_free(witness);
    }
}

/* ---- Handing over ----------------------------------------------------------------------------------------------- */

/* The owner goes on, and does nothing more about it. */
static void a_busy_directory_is_handed_over(void **state)
{
    (void)state;
    struct witness *witness = witness_new();
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pk_process *process = cast_adversary(group, witness, "wide 2");
    char path[512];
    snprintf(path, sizeof(path), "%s", pk_group_path(group));
    sys_fault_clear();
    sys_fault_set("cgroup.kill", 0, EIO); /* nor can it be killed in time */
    sys_fault_set("pidfd_send_signal", 0, EPERM);
    sys_fault_set("unlinkat", 0, EBUSY);
    pk_process_free(process);
    pk_group_free(group);
    sys_fault_clear();
    assert_true(path_vanishes(path, 10000));
    witness_assert_dead(witness, GONE_MS);
    pk_leave(); /* takes the leader away, which could not be waited for in time */
    assert_int_equal(waitpid(witness_pid(witness, 0), NULL, WNOHANG), -1);
    witness_free(witness);
}

static void a_spared_directory_is_removed_when_it_has_emptied(void **state)
{
    (void)state;
    struct witness *witness = witness_new();
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pk_process *process = cast_adversary(group, witness, "wide 2 -- cgroup -- hold");
    char path[512];
    snprintf(path, sizeof(path), "%s", pk_group_path(group));
    pk_group_spare(group);
    pk_process_free(process);
    pk_group_free(group);
    guardian_is_asked();
    witness_assert_alive(witness);
    assert_int_equal(access(path, F_OK), 0);
    end_members(witness);
    assert_true(path_vanishes(path, 10000));
    assert_int_equal(waitpid(witness_pid(witness, 0), NULL, 0), witness_pid(witness, 0));
    witness_free(witness);
}

/* Neither the owner nor the guardian remembers what is long gone. */
static void what_is_gone_is_forgotten(void **state)
{
    (void)state;
    enum { ROUNDS = 200, MOST_NOTES = 100 };
    for (int i = 0; i < ROUNDS; i++) {
        pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
        pk_process *process = cast_start(group, NULL, "sleep 1");
        pk_error error;
        pk_group_spare(group);
        assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
        pk_process_free(process);
        if (i % 2)
            sys_fault_set("unlinkat", 0, EBUSY);
        pk_group_free(group);
        sys_fault_clear();
    }
    int lost = guardian_pidfd();
    signal_pidfd(lost, SIGKILL);
    assert_true(pidfd_is_dead(lost, 10000));
    close(lost);
    sys_fault_clear();
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    assert_in_range(sys_fault_count("faccessat"), 0, MOST_NOTES); /* one for each directory that is remembered */
    assert_int_equal(pk_guardian_losses(), 1);
    pk_group_free(group);
}

#define SPARED(way)                                                                                    \
    PK_TEST_NAMED("spared_members_live_on/" #way, spared_members_live_on, .data = (const void *)(way), \
                  .needs = NEEDS_CGROUP2)

static const struct test tests[] = {
    SPARED(spare_and_be_killed),
    SPARED(spare_by_freeing_and_leave),
    PK_TEST_WITH(what_is_used_again_is_guarded_again, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(allowed_leftovers_live_on, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(many_spared_groups_hide_no_other, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(it_does_not_spin_when_somebody_else_removes_a_directory, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(it_notices_a_directory_that_goes_unreported, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_busy_directory_is_handed_over, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_spared_directory_is_removed_when_it_has_emptied, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(what_is_gone_is_forgotten, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
