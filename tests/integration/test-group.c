/*
 * Groups: creating them, their members, killing them, their usage, for both mechanisms where both promise it.
 */
#include "cast.h"
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

/* ---- Creating --------------------------------------------------------------------------------------------------- */

static void auto_prefers_a_cgroup(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_int_equal(pk_group_mechanism(group), PK_MECHANISM_CGROUP2);
    assert_int_equal(pk_group_guarantees(group),
                     PK_GUARANTEE_CGROUP | PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH | PK_GUARANTEE_USAGE);
    assert_null(pk_group_refusal(group));
    assert_int_equal(access(pk_group_path(group), F_OK), 0);
    assert_null(pk_group_free(group));
}

static void auto_falls_back_and_says_why(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_int_equal(pk_group_mechanism(group), PK_MECHANISM_REAPER);
    assert_int_equal(pk_group_guarantees(group), PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH);
    assert_non_null(strstr(pk_group_refusal(group), "Permission denied"));
    assert_null(pk_group_path(group));
    pk_group_free(group);
}

static void required_guarantees_refuse_the_fallback(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.require = PK_GUARANTEE_USAGE;
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_int_equal(error.step, PK_STEP_REQUIRE);
    assert_non_null(strstr(error.message, "usage"));
    assert_non_null(strstr(error.message, "Permission denied"));
    assert_null(group);
}

static void owner_death_is_not_promised_without_a_guardian(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.require = PK_GUARANTEE_OWNER_DEATH;
    assert_ok(pk_guardian_enable(false, &error), error);
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "owner-death"));
    assert_non_null(strstr(error.message, "switched off"));
    assert_int_equal(cast_count_directories(), 1); /* the owner's, for the next group */
}

static void full_hierarchy_is_an_error_not_a_fallback(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    sys_fault_set("mkdirat", 1, EAGAIN);
    assert_int_equal(pk_group_create(NULL, &group, &error), -EAGAIN);
    assert_int_equal(error.step, PK_STEP_MAKE_CGROUP);
    assert_int_equal(cast_count_directories(), 0);
    sys_fault_clear();
    sys_fault_set("openat", 1, EMFILE);
    assert_int_equal(pk_group_create(NULL, &group, &error), -EMFILE);
    sys_fault_clear();
}

static void read_only_hierarchy_is_a_fallback(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    sys_fault_set("mkdirat", 1, EROFS);
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_int_equal(pk_group_mechanism(group), PK_MECHANISM_REAPER);
    assert_non_null(strstr(pk_group_refusal(group), "Read-only"));
    pk_group_free(group);
}

static void taken_name_is_tried_again_32_times(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    for (unsigned n = 1; n <= 5; n++)
        sys_fault_set("mkdirat", n, EEXIST);
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_int_equal(sys_fault_count("mkdirat"), 7); /* five taken, the owner's, the group's */
    pk_group_free(group);

    sys_fault_clear();
    sys_fault_set("mkdirat", 0, EEXIST);
    assert_int_equal(pk_group_create(NULL, &group, &error), -EEXIST);
    assert_int_equal(sys_fault_count("mkdirat"), 32);
    sys_fault_clear();
}

static void limits_without_controllers_are_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = cast_mechanism(state);
    options.limits.memory_max = 64 << 20;
    int r = pk_group_create(&options, &group, &error);
    if (r == 0 && cast_mechanism(state) == PK_MECHANISM_CGROUP2) {
        pk_limits limits;
        assert_ok(pk_group_get_limits(group, &limits, &error), error);
        assert_int_equal(limits.memory_max, 64 << 20);
        pk_group_free(group);
        skip_test("a place without controllers");
    }
    assert_int_equal(r, -EOPNOTSUPP);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_null(group);
    assert_true(cast_count_directories() <= 1);
}

static void nonsense_limits_are_invalid(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits.cpu_max = 0.0 / 0.0;
    assert_int_equal(pk_group_create(&options, &group, &error), -EINVAL);
    options.limits.cpu_max = -1;
    assert_int_equal(pk_group_create(&options, &group, &error), -EINVAL);
    options.limits.cpu_max = 0;
    options.limits.swap_max = 1;
    assert_int_equal(pk_group_create(&options, &group, &error), -EINVAL);
    options = (pk_group_options)PK_GROUP_OPTIONS_INIT;
    options.size = 0;
    assert_int_equal(pk_group_create(&options, &group, &error), -EINVAL);
    options = (pk_group_options)PK_GROUP_OPTIONS_INIT;
    options.require = 1u << 30;
    assert_int_equal(pk_group_create(&options, &group, NULL), -EINVAL);
}

/* ---- Members and killing ---------------------------------------------------------------------------------------- */

static void kill_leaves_nothing_of_a_wild_tree(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "tree 23");
    assert_int_equal(witness_total(witness), 23);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 23);
    assert_int_equal(pk_group_is_empty(group, &error), 0);

    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 0);
    assert_ok(pk_group_kill(group, &error), error); /* once more is no error */

    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* The documented weakness of process groups. */
static void setsid_escapes_a_process_group(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_PROCESS_GROUP);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 2 -- double-fork -- setsid");
    assert_ok(pk_group_kill(group, &error), error);
    assert_true(witness_alive(witness) >= 1);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_WHOLE_TREE);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void free_kills(void **state)
{
    pk_group *group = cast_group(cast_mechanism(state));
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 3");
    pk_process_free(process); /* in a shared group this kills nothing */
    witness_assert_alive(witness);
    pk_group_free(group);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void members_in_cgroups_of_their_own_are_members(void **state)
{
    (void)state;
    pk_error error;
    pk_member members[8];
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "cgroup -- cgroup");
    assert_int_equal(pk_group_members(group, members, 8, &error), 3);
    assert_int_equal(members[0].pid, pk_process_pid(process));
    assert_string_equal(members[0].name, "adversary");
    assert_ok(pk_group_kill(group, &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    pk_group_free(group);
    assert_int_equal(cast_count_directories(), 1); /* the members' own went as well */
    witness_free(witness);
}

/* A leftover that has made a cgroup below ours may still want it: only what is dead is cleared away. */
static void cgroups_of_living_members_stay(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    char path[600];
    pk_auto(pk_command) command =
        pk_command_new("/bin/sh", "-c", "read cgroup; mkdir \"$cgroup/empty\"; sleep 60 </dev/null & exit 0", NULL);
    pk_command_pipe(command, 0);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_process *process = NULL;
    assert_ok(pk_command_start(command, &process, &error), error);
    const char *cgroup = pk_group_path(pk_process_group(process));
    snprintf(path, sizeof(path), "%s/empty", cgroup);
    dprintf(pk_process_pipe(process, 0), "%s\n", cgroup);
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 5000));
    assert_int_equal(pk_process_wait(process, 0, &result, &error), -ETIMEDOUT);
    assert_int_equal(access(path, F_OK), 0);
    assert_ok(pk_process_stop(process, NULL, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void kill_wins_against_a_fork_storm(void **state)
{
    pk_error error;
    for (int round = 0; round < 5; round++) {
        pk_group *group = cast_group(cast_mechanism(state));
        struct witness *witness = witness_new();
        pk_auto(pk_command) command = cast_command(witness, cast_storm());
        pk_process *process = NULL;
        assert_ok(pk_group_spawn(group, command, &process, &error), error);
        witness_count(witness, 20);
        assert_ok(pk_group_kill(group, &error), error);
        assert_int_equal(pk_group_is_empty(group, &error), 1);
        pk_process_free(process);
        pk_group_free(group);
        witness_update(witness);
        witness_assert_dead(witness, GONE_MS);
        witness_free(witness);
    }
}

/* Trap 25: the kernel kills at birth what is cloned into a directory that was killed once. */
static void killed_group_takes_new_members(void **state)
{
    pk_error error;
    pk_group *group = cast_group(cast_mechanism(state));
    for (int round = 0; round < 3; round++) {
        struct witness *witness = witness_new();
        pk_process *process = cast_adversary(group, witness, "wide 2");
        witness_assert_alive(witness);
        assert_ok(pk_group_kill(group, &error), error);
        witness_assert_dead(witness, GONE_MS);
        pk_process_free(process);
        witness_free(witness);
    }
    pk_group_free(group);
}

static void deleted_directory_is_made_anew(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    assert_int_equal(rmdir(pk_group_path(group)), 0);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 1);
    pk_process_free(process);
    pk_group_free(group);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* ---- Usage ------------------------------------------------------------------------------------------------------ */

static void usage_counts_members_that_have_ended(void **state)
{
    (void)state;
    pk_error error;
    pk_usage usage;
    pk_result result;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pk_process *process = cast_adversary(group, NULL, "child -- cpu 200");
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    for (int round = 0; round < 2; round++) { /* and still does when the directory has gone */
        assert_ok(pk_group_usage(group, &usage, &error), error);
        assert_int_equal(usage.cpu_source, PK_SOURCE_CGROUP);
        assert_true(usage.cpu_user + usage.cpu_system >= PK_MILLISECONDS(190));
        assert_true(usage.cpu_user + usage.cpu_system <= PK_MILLISECONDS(400 * test_slowness()));
        assert_int_equal(usage.members, 0);
        assert_ok(pk_group_kill(group, &error), error);
    }
    pk_process_free(process);
    pk_group_free(group);
}

static void usage_sums_the_living_where_there_is_no_account(void **state)
{
    pk_error error;
    pk_usage usage;
    pk_group *group = cast_group(cast_mechanism(state));
    assert_ok(pk_group_usage(group, &usage, &error), error);
    assert_int_equal(usage.memory_source, PK_SOURCE_UNAVAILABLE);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 2 -- memory 20");
    assert_ok(pk_group_usage(group, &usage, &error), error);
    assert_int_equal(usage.members, 3);
    assert_int_equal(usage.memory_source, PK_SOURCE_PROC);
    assert_true(usage.memory_peak >= 40 << 20);
    assert_true(usage.memory_peak < 80 << 20);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* ---- Directories that are used again ---------------------------------------------------------------------------- */

static void run_in(char *path, size_t size, const char *words, pk_result *result)
{
    pk_error error;
    pk_auto(pk_process) process = NULL;
    pk_auto(pk_command) command = cast_command(NULL, words);
    assert_ok(pk_command_start(command, &process, &error), error);
    snprintf(path, size, "%s", pk_group_path(pk_process_group(process)));
    assert_ok(pk_process_wait(process, PK_FOREVER, result, &error), error);
}

static void a_run_leaves_its_directory_to_the_next(void **state)
{
    char first[512], second[512];
    pk_result result;
    (void)state;
    run_in(first, sizeof(first), "cpu 200", &result);
    assert_true(result.usage.cpu_user + result.usage.cpu_system >= PK_MILLISECONDS(150));
    run_in(second, sizeof(second), "exit 0", &result);
    assert_string_equal(second, first);
    assert_int_equal(result.usage.cpu_source, PK_SOURCE_CGROUP);
    assert_true(result.usage.cpu_user + result.usage.cpu_system < PK_MILLISECONDS(100));
}

/* What was killed kills whoever is born into it; what has directories of its own is not as new. */
static void not_every_directory_is_used_again(void **state)
{
    char first[512], second[512];
    pk_result result;
    (void)state;
    run_in(first, sizeof(first), "leave 0 -- hold", &result);
    assert_int_equal(result.leftover_count, 1);
    run_in(second, sizeof(second), "exit 0", &result);
    assert_string_not_equal(second, first);
    assert_int_equal(result.exit_code, 0);

    char inner[600];
    pk_error error;
    pk_auto(pk_process) process = NULL;
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    assert_ok(pk_command_start(command, &process, &error), error);
    snprintf(first, sizeof(first), "%s", pk_group_path(pk_process_group(process)));
    snprintf(inner, sizeof(inner), "%s/inner", first);
    assert_return_code(mkdir(inner, 0755), errno);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(access(first, F_OK), -1);
    run_in(second, sizeof(second), "exit 0", &result);
    assert_string_not_equal(second, first);
}

/* By somebody who was not asked. */
static void a_directory_that_was_deleted_is_not_missed(void **state)
{
    char path[512];
    pk_result result;
    (void)state;
    for (int i = 0; i < 3; i++) {
        run_in(path, sizeof(path), "exit 0", &result);
        assert_return_code(rmdir(path), errno);
    }
}

static const struct test tests[] = {
    PK_TEST_WITH(a_run_leaves_its_directory_to_the_next, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(not_every_directory_is_used_again, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_directory_that_was_deleted_is_not_missed, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(auto_prefers_a_cgroup, .needs = NEEDS_CGROUP2),
    PK_TEST_AS_DELEGATED_USER(auto_prefers_a_cgroup),
    PK_TEST_AS_USER(auto_falls_back_and_says_why),
    PK_TEST_AS_USER(required_guarantees_refuse_the_fallback),
    PK_TEST_WITH(owner_death_is_not_promised_without_a_guardian, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(full_hierarchy_is_an_error_not_a_fallback, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(read_only_hierarchy_is_a_fallback, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(taken_name_is_tried_again_32_times, .needs = NEEDS_CGROUP2),
    EACH(limits_without_controllers_are_refused),
    PK_TEST(nonsense_limits_are_invalid),
    PK_TEST_WITH(kill_leaves_nothing_of_a_wild_tree, .data = &cast_cgroup2, .needs = NEEDS_CGROUP2),
    DELEGATED(kill_leaves_nothing_of_a_wild_tree),
    PK_TEST(setsid_escapes_a_process_group),
    EACH(free_kills),
    AS_USER(free_kills),
    PK_TEST_WITH(members_in_cgroups_of_their_own_are_members, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(cgroups_of_living_members_stay, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    EACH(kill_wins_against_a_fork_storm, .deadline_s = 60),
    DELEGATED(kill_wins_against_a_fork_storm),
    EACH(killed_group_takes_new_members),
    PK_TEST_WITH(deleted_directory_is_made_anew, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(usage_counts_members_that_have_ended, .needs = NEEDS_CGROUP2),
    EACH(usage_sums_the_living_where_there_is_no_account),
};

PK_TEST_MAIN(tests)
