/*
 * Kernels and containers that lack something: the same behaviour with one call or file denied, and never on other
 * errnos.
 */
#include "cast.h"
#include "hierarchy.h"
#include "process/spawn.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is denied, in every call. */
struct denial {
    const char *calls[3];
    int error_number;
};

static void deny(const struct denial *denial)
{
    sys_fault_clear();
    for (size_t i = 0; i < 3 && denial->calls[i]; i++)
        sys_fault_set(denial->calls[i], 0, denial->error_number);
}

/* The whole life of a group: started, suspended, signalled, killed, used again, measured, freed. */
static void live_a_life(pk_mechanism mechanism)
{
    pk_error error;
    pk_usage usage;
    pk_group *group = cast_group(mechanism);
    for (int round = 0; round < 2; round++) {
        struct witness *witness = witness_new();
        pk_process *process = cast_adversary(group, witness, "catch USR1 -- wide 6");
        assert_ok(pk_group_suspend(group, &error), error);
        assert_ok(pk_group_resume(group, &error), error);
        assert_ok(pk_group_signal(group, SIGUSR1, &error), error);
        witness_remark(witness, "got USR1");
        assert_int_equal(pk_group_members(group, NULL, 0, &error), 7);
        assert_ok(pk_group_usage(group, &usage, &error), error);
        assert_int_equal(usage.members, 7);
        assert_ok(pk_group_kill(group, &error), error);
        witness_assert_dead(witness, GONE_MS);
        assert_int_equal(pk_group_is_empty(group, &error), 1);
        pk_process_free(process);
        witness_free(witness);
    }
    pk_group_free(group);
}

static void life_goes_on_without(void **state)
{
    const struct denial *denial = *state;
    deny(denial);
    live_a_life(PK_MECHANISM_CGROUP2);
    sys_fault_clear();
}

static void child_is_clean_without(void **state)
{
    pk_error error;
    struct report text = {0};
    int extra = open("/dev/null", O_RDONLY); /* without close-on-exec */
    int high = fcntl(extra, F_DUPFD, 500);
    deny(*state);
    pk_auto(pk_command) command = pk_command_new("/bin/sh", "-c", "echo /proc/self/fd/*", NULL);
    pk_command_pipe(command, 1);
    pk_process *process = NULL;
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_true(read_to_end(pk_process_pipe(process, 1), &text, 5000));
    sys_fault_clear();
    /* 3 is the shell's own, open for making this very list. */
    assert_string_equal(text.bytes, "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n");
    pk_process_free(process);
    report_free(&text);
    close(extra);
    close(high);
}

/* A wild tree dies even where only one process after the other can be killed. */
static void sweep_wins_against_a_fork_storm(void **state)
{
    pk_error error;
    deny(*state);
    for (int round = 0; round < 5; round++) {
        pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
        struct witness *witness = witness_new();
        pk_auto(pk_command) command = cast_command(witness, cast_storm());
        pk_process *process = NULL;
        assert_ok(pk_group_spawn(group, command, &process, &error), error);
        witness_count(witness, 20);
        assert_ok(pk_group_kill(group, &error), error);
        pk_process_free(process);
        pk_group_free(group);
        witness_update(witness);
        witness_assert_dead(witness, GONE_MS);
        witness_free(witness);
    }
    sys_fault_clear();
}

/* The kernel's refusals of a kill are not believed either: any failure is followed by the sweep. */
static void refused_kill_is_followed_by_a_sweep(void **state)
{
    (void)state;
    deny(&(struct denial){{"cgroup.kill"}, EIO});
    live_a_life(PK_MECHANISM_CGROUP2);
    sys_fault_clear();
}

/* Counts are of the child alone. */
static int spawn_true(pk_error *error)
{
    if (pk_guardian_pid() == 0)
        assert_int_equal(pk_guardian_enable(false, NULL), 0);
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    pk_result result;
    int r = pk_command_status(command, &result, error);
    return r < 0 ? r : (int)result.verdict;
}

/* Only "not supported" is a reason to fall back. */
static void other_failures_of_clone_are_reported(void **state)
{
    (void)state;
    pk_error error;
    static const int numbers[] = {EAGAIN, ENOMEM, EMFILE, EACCES};
    for (size_t i = 0; i < 4; i++) {
        deny(&(struct denial){{"clone3"}, numbers[i]});
        assert_int_equal(spawn_true(&error), -numbers[i]);
        assert_int_equal(error.step, PK_STEP_CLONE);
        assert_int_equal(sys_fault_count("clone"), 0);
    }
    sys_fault_clear();
    assert_int_equal(spawn_true(&error), PK_VERDICT_EXITED);
    assert_true(spawn_uses_clone_into_cgroup());
}

static void refused_everywhere_is_reported(void **state)
{
    (void)state;
    pk_error error;
    deny(&(struct denial){{"clone3", "clone"}, EPERM});
    assert_int_equal(spawn_true(&error), -EPERM);
    sys_fault_clear();
    assert_int_equal(spawn_true(&error), PK_VERDICT_EXITED);
    assert_true(spawn_uses_clone_into_cgroup()); /* a refusal that nothing could replace proves nothing */
}

static void clone_into_is_not_tried_again(void **state)
{
    (void)state;
    pk_error error;
    sys_fault_clear();
    sys_fault_set("clone3", 1, E2BIG);
    assert_int_equal(spawn_true(&error), PK_VERDICT_EXITED);
    assert_false(spawn_uses_clone_into_cgroup());
    sys_fault_clear();
    assert_int_equal(spawn_true(&error), PK_VERDICT_EXITED);
    assert_int_equal(sys_fault_count("clone3"), 1);
    assert_int_equal(sys_fault_count("join"), 1);
}

static void failed_join_fails_the_spawn(void **state)
{
    (void)state;
    pk_error error;
    sys_fault_clear();
    sys_fault_set("clone3", 1, E2BIG);
    sys_fault_set("join", 0, EIO);
    assert_int_equal(spawn_true(&error), -EIO);
    assert_int_equal(error.step, PK_STEP_JOIN_CGROUP);
    sys_fault_clear();
}

static void write_to(const char *directory, const char *file, const char *text)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* In a child, which leaves no owner directory in there behind. */
static void live_in_a_killed_cgroup(const char *killed)
{
    pk_error error;
    write_to(killed, "cgroup.procs", "0");
    sys_fault_clear();
    assert_int_equal(spawn_true(&error), PK_VERDICT_EXITED);
    /* Where the kernel has the poison, the first child was killed at birth, and the second joined by a write. */
    bool poisoned = sys_fault_count("clone3") == 2;
    assert_int_equal(sys_fault_count("join"), poisoned);
    assert_true(spawn_uses_clone_into_cgroup() != poisoned);
    live_a_life(PK_MECHANISM_CGROUP2);
    exit(0);
}

/* Trap 25 from the other side: an owner in a cgroup that was once killed. */
static void owner_in_a_killed_cgroup_can_spawn(void **state)
{
    (void)state;
    char own[PATH_MAX], killed[PATH_MAX + 32];
    assert_true(hierarchy_own(own));
    snprintf(killed, sizeof(killed), "%s/killed-%d", own, getpid());
    assert_int_equal(mkdir(killed, 0755), 0);
    write_to(killed, "cgroup.kill", "1");

    pid_t child = fork();
    if (child == 0)
        live_in_a_killed_cgroup(killed);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(rmdir(killed), 0);
}

static void missing_attributes_are_no_obstacle(void **state)
{
    (void)state;
    deny(&(struct denial){{"fsetxattr"}, EOPNOTSUPP});
    live_a_life(PK_MECHANISM_CGROUP2);
    sys_fault_clear();
}

static void process_groups_need_no_pidfd_group_signal(void **state)
{
    (void)state;
    deny(&(struct denial){{"pidfd_signal_group"}, EINVAL});
    live_a_life(PK_MECHANISM_PROCESS_GROUP);
    sys_fault_clear();
}

static void threaded_cgroup_is_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    sys_fault_clear();
    sys_fault_set("cgroup.type", 0, EOPNOTSUPP);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_int_equal(cast_count_directories(), 0);
    sys_fault_clear();
}

static const struct denial no_clone3 = {{"clone3"}, ENOSYS}, refused_clone3 = {{"clone3"}, EPERM};
static const struct denial no_close_range = {{"close_range"}, ENOSYS}, refused_close_range = {{"close_range"}, EPERM};
static const struct denial no_kill = {{"cgroup.kill"}, ENOENT}, no_freeze = {{"cgroup.freeze"}, ENOENT};
static const struct denial no_kill_no_freeze = {{"cgroup.kill", "cgroup.freeze"}, ENOENT};
static const struct denial old_kernel = {{"clone3", "close_range", "pidfd_get_info"}, ENOSYS};

#define WITHOUT(denial) \
    PK_TEST_NAMED("life_goes_on_without/" #denial, life_goes_on_without, .data = &denial, .needs = NEEDS_CGROUP2)

static const struct test tests[] = {
    WITHOUT(no_clone3),
    WITHOUT(refused_clone3),
    WITHOUT(no_close_range),
    WITHOUT(refused_close_range),
    WITHOUT(no_kill),
    WITHOUT(no_freeze),
    WITHOUT(no_kill_no_freeze),
    WITHOUT(old_kernel),
    PK_TEST_NAMED("child_is_clean_without/no_close_range", child_is_clean_without, .data = &no_close_range),
    PK_TEST_NAMED("child_is_clean_without/refused_close_range", child_is_clean_without, .data = &refused_close_range),
    PK_TEST_NAMED("child_is_clean_without/no_clone3", child_is_clean_without, .data = &no_clone3),
    PK_TEST_NAMED("sweep_wins_against_a_fork_storm/no_kill", sweep_wins_against_a_fork_storm, .data = &no_kill,
                  .needs = NEEDS_CGROUP2, .deadline_s = 60),
    PK_TEST_NAMED("sweep_wins_against_a_fork_storm/no_kill_no_freeze", sweep_wins_against_a_fork_storm,
                  .data = &no_kill_no_freeze, .needs = NEEDS_CGROUP2, .deadline_s = 60),
    PK_TEST_WITH(refused_kill_is_followed_by_a_sweep, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(other_failures_of_clone_are_reported, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(refused_everywhere_is_reported, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(clone_into_is_not_tried_again, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(failed_join_fails_the_spawn, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(owner_in_a_killed_cgroup_can_spawn, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(missing_attributes_are_no_obstacle, .needs = NEEDS_CGROUP2),
    PK_TEST(process_groups_need_no_pidfd_group_signal),
    PK_TEST_WITH(threaded_cgroup_is_refused, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
