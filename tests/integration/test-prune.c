/*
 * Pruning: what dead owners left is ended, and nothing else is touched.
 */
#include "cast.h"
#include "every-call.h"
#include "pruning.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Lives of owners -------------------------------------------------------------------------------------------- */

static void live_with_a_tree(void *data)
{
    estate_group(data, "tree 12");
}

static void live_with_daemons(void *data)
{
    struct witness **witnesses = data;
    estate_group(witnesses[0], "setsid -- double-fork -- setsid -- ignore TERM,INT,HUP -- wide 4");
    estate_group(witnesses[1], "daemonise");
}

static void live_with_a_cgroup_below(void *data)
{
    estate_group(data, "cgroup -- cgroup -- hold");
}

static void spare(pk_group *group, bool spared)
{
    int dir = open(pk_group_path(group), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pk_group_spare(group);
    if (dir < 0 || mark_spared(dir, spared) < 0)
        _exit(1);
    close(dir);
}

static void live_with_one_without_its_main_thread(void *data)
{
    estate_group(data, "lose-main-thread");
}

static void live_with_one_spared(void *data)
{
    struct witness **witnesses = data;
    spare(estate_group(witnesses[0], "hold"), true);
    estate_group(witnesses[1], "wide 2");
}

static void live_with_one_spared_no_more(void *data)
{
    pk_group *group = estate_group(data, "hold");
    spare(group, true);
    spare(group, false);
}

/* ---- The dead --------------------------------------------------------------------------------------------------- */

static void dead_owner_is_removed_with_all_it_started(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witnesses[] = {witness_new(), witness_new()};
    struct estate_owner owner = estate_owner(&estate, live_with_daemons, witnesses);
    witness_ready(witnesses[0]);
    witness_ready(witnesses[1]);
    estate_kill(&owner);
    witness_assert_alive(witnesses[0]);
    size_t total = witness_alive(witnesses[0]) + witness_alive(witnesses[1]);

    struct seen seen = expect(&estate, PK_PRUNE_REMOVED);
    assert_string_equal(seen.path, owner.path);
    assert_int_equal(seen.last.owner, owner.pid);
    assert_int_equal(seen.last.groups, 2);
    assert_int_equal(seen.last.killed, total);
    assert_int_equal(seen.report.killed, total);
    witness_assert_dead(witnesses[0], GONE_MS);
    witness_assert_dead(witnesses[1], GONE_MS);
    witness_free(witnesses[0]);
    witness_free(witnesses[1]);
    estate_free(&estate);
}

static void cgroups_that_members_made_are_removed(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_a_cgroup_below, witness);
    witness_ready(witness);
    estate_kill(&owner);
    struct seen seen = expect(&estate, PK_PRUNE_REMOVED);
    assert_int_equal(seen.last.killed, witness_total(witness));
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_free(&estate);
}

static void member_without_its_main_thread_is_killed(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one_without_its_main_thread, witness);
    witness_ready(witness);
    estate_kill(&owner);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_free(&estate);
}

static void dead_owner_in_a_living_group_is_found(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *outer = witness_new(), *inner = witness_new();
    struct estate_owner living = estate_owner(&estate, live_with_one, outer);
    witness_ready(outer);
    char group[PATH_MAX + 128];
    snprintf(group, sizeof(group), "%s/g0", living.path);
    struct estate_owner dead = estate_owner_in(group, live_with_one, inner);
    witness_ready(inner);
    estate_kill(&dead);

    struct seen seen = expect(&estate, PK_PRUNE_REMOVED);
    assert_string_equal(seen.path, dead.path);
    assert_int_equal(seen.report.count[PK_PRUNE_ALIVE], 1);
    witness_assert_dead(inner, GONE_MS);
    witness_assert_alive(outer);
    estate_kill(&living);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_free(inner);
    witness_free(outer);
    estate_free(&estate);
}

static void two_at_once_share_the_work(void **state)
{
    (void)state;
    enum { OWNERS = 12 };
    struct estate estate = estate_make();
    struct witness *witnesses[OWNERS];
    for (int i = 0; i < OWNERS; i++) {
        witnesses[i] = witness_new();
        struct estate_owner owner = estate_owner(&estate, live_with_a_tree, witnesses[i]);
        witness_ready(witnesses[i]);
        estate_kill(&owner);
    }
    int fds[2], removed = 0;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pids[2];
    for (int i = 0; i < 2; i++)
        if ((pids[i] = fork()) == 0) {
            struct seen seen;
            pk_error error;
            int r = prune(estate.path, false, &seen, &error);
            if (r < 0)
                printf("a prune fails: %s\n", error.message);
            int count = seen.report.count[PK_PRUNE_REMOVED];
            _exit(r == 0 && write(fds[1], &count, sizeof(count)) == sizeof(count) ? 0 : 1);
        }
    for (int i = 0; i < 2; i++) {
        int status, count;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
        assert_int_equal(read(fds[0], &count, sizeof(count)), sizeof(count));
        removed += count;
    }
    assert_int_equal(removed, OWNERS);
    close(fds[0]);
    close(fds[1]);
    for (int i = 0; i < OWNERS; i++) {
        witness_assert_dead(witnesses[i], GONE_MS);
        witness_free(witnesses[i]);
    }
    estate_free(&estate);
}

/* ---- The living, and what is not ours --------------------------------------------------------------------------- */

static void living_owner_is_left_alone(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    struct seen seen = expect(&estate, PK_PRUNE_ALIVE);
    assert_int_equal(seen.last.owner, owner.pid);
    assert_int_equal(seen.report.killed, 0);
    witness_assert_alive(witness);
    estate_kill(&owner);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_free(witness);
    estate_free(&estate);
}

static void spared_group_lives_on(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witnesses[] = {witness_new(), witness_new()};
    struct estate_owner owner = estate_owner(&estate, live_with_one_spared, witnesses);
    witness_ready(witnesses[0]);
    witness_ready(witnesses[1]);
    estate_kill(&owner);

    for (int i = 0; i < 2; i++) { /* again: the spared live on whoever comes */
        struct seen seen = expect(&estate, PK_PRUNE_SPARED);
        assert_int_equal(seen.last.groups, 2 - i);
        assert_int_equal(seen.last.spared, 1);
        assert_int_equal(seen.last.killed, i == 0 ? 3 : 0);
        witness_assert_dead(witnesses[1], GONE_MS);
        witness_assert_alive(witnesses[0]);
    }
    witness_free(witnesses[0]); /* kills them */
    expect_after(&estate, PK_PRUNE_SPARED, PK_PRUNE_REMOVED);
    witness_free(witnesses[1]);
    estate_free(&estate);
}

static void group_that_is_spared_no_more_is_killed(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one_spared_no_more, witness);
    witness_ready(witness);
    estate_kill(&owner);
    expect(&estate, PK_PRUNE_REMOVED);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_free(&estate);
}

static void dry_run_changes_nothing(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_a_tree, witness);
    witness_ready(witness);
    size_t total = witness_alive(witness);
    estate_kill(&owner);
    for (int i = 0; i < 2; i++) {
        struct seen seen;
        pk_error error;
        assert_ok(prune(estate.path, true, &seen, &error), error);
        assert_int_equal(seen.last.action, PK_PRUNE_WOULD_REMOVE);
        assert_int_equal(seen.last.killed, total);
        assert_int_equal(seen.last.groups, 1);
        witness_assert_alive(witness);
    }
    expect(&estate, PK_PRUNE_REMOVED);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_free(&estate);
}

/* ---- Arguments and failures ------------------------------------------------------------------------------------- */

static void watch_for(const pk_pruned *pruned, void *data)
{
    char *path = data;
    if (strcmp(pruned->path, path) == 0)
        *path = '\0';
}

static void whole_hierarchy_is_looked_into_by_default(void **state)
{
    (void)state;
    pk_error error;
    struct estate estate = estate_make();
    struct estate_owner owner = estate_owner(&estate, live_with_one, NULL);
    pk_prune_options options = PK_PRUNE_OPTIONS_INIT;
    char wanted[sizeof(owner.path)];
    strcpy(wanted, owner.path);
    options.dry_run = true;
    assert_ok(pk_prune(&options, watch_for, wanted, NULL, &error), error);
    assert_string_equal(wanted, "");
    estate_kill(&owner);
    expect(&estate, PK_PRUNE_REMOVED);
    estate_free(&estate);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    pk_error error;
    struct seen seen;
    pk_prune_options options = {0};
    assert_int_equal(pk_prune(&options, NULL, NULL, NULL, &error), -EINVAL);
    assert_int_equal(error.step, PK_STEP_ARGUMENTS);
    options.size = sizeof(options) + 8;
    assert_int_equal(pk_prune(&options, NULL, NULL, NULL, &error), -EINVAL);
    assert_int_equal(prune("/proc", false, &seen, &error), -EINVAL);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_int_equal(prune("/no/such/place", false, &seen, &error), -ENOENT);
    assert_string_equal(error.path, "/no/such/place");
    assert_string_equal(pk_prune_action_name((pk_prune_action)(PK_PRUNE_FAILED + 1)), "unknown");
}

static void members_that_cannot_be_killed_are_reported(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    estate_kill(&owner);

    pk_prune_options options = PK_PRUNE_OPTIONS_INIT;
    struct seen seen = {0};
    pk_error error;
    options.below = estate.path;
    options.patience = PK_MILLISECONDS(20);
    sys_fault_clear();
    sys_fault_set("cgroup.kill", 0, EIO);
    sys_fault_set("pidfd_send_signal", 0, EPERM);
    assert_int_equal(pk_prune(&options, see, &seen, &seen.report, &error), -EPERM);
    assert_int_equal(error.step, PK_STEP_KILL);
    assert_string_equal(error.path, owner.path);
    assert_int_equal(seen.last.action, PK_PRUNE_FAILED);
    assert_int_equal(seen.last.number, -EPERM);
    assert_int_equal(seen.report.count[PK_PRUNE_FAILED], 1);
    witness_assert_alive(witness);

    sys_fault_clear();
    expect(&estate, PK_PRUNE_REMOVED);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_free(&estate);
}

static void kill_that_failed_is_repeated(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    estate_kill(&owner);
    sys_fault_clear();
    sys_fault_set("cgroup.kill", 0, EIO);
    sys_fault_set("pidfd_send_signal", 1, EPERM);
    expect(&estate, PK_PRUNE_REMOVED);
    sys_fault_clear();
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
    estate_free(&estate);
}

static void live_with_a_storm(void *data)
{
    estate_group(data, "storm 3000 20000");
}

/* Before Linux 5.14 and 5.2: member by member, also those that fork as fast as they can. */
static void old_kernels_will_do(void **state)
{
    (void)state;
    static const char *const denied[][2] = {{"cgroup.kill", NULL}, {"cgroup.kill", "cgroup.freeze"}};
    for (size_t i = 0; i < 2; i++) {
        struct estate estate = estate_make();
        struct witness *witness = witness_new();
        struct estate_owner owner = estate_owner(&estate, live_with_a_storm, witness);
        witness_count(witness, 20);
        estate_kill(&owner);
        sys_fault_clear();
        for (size_t j = 0; j < 2 && denied[i][j]; j++)
            sys_fault_set(denied[i][j], 0, ENOENT);
        expect(&estate, PK_PRUNE_REMOVED);
        sys_fault_clear();
        witness_update(witness);
        witness_assert_dead(witness, GONE_MS);
        witness_free(witness);
        estate_free(&estate);
    }
}

/* ---- Every call ------------------------------------------------------------------------------------------------- */

struct scene {
    struct estate estate;
    struct estate_owner living;
    bool elsewhere; /* the lock has to decide */
};

static void make_remains(void *data)
{
    const struct scene *scene = data;
    struct estate_owner owner = estate_owner(&scene->estate, live_with_one, NULL);
    estate_kill(&owner);
    if (scene->elsewhere)
        rewrite_mark(owner.path, move_elsewhere);
}

static int run_prune(void *data, pk_error *error)
{
    const struct scene *scene = data;
    struct seen seen;
    return prune(scene->estate.path, false, &seen, error);
}

/* The living is untouched, whatever failed, and the next prune does what this one could not. */
static void check_scene(void *data, int result)
{
    const struct scene *scene = data;
    struct seen seen;
    pk_error error;
    char events[PATH_MAX + 128], text[64] = "";
    if (result == 0 && estate_count(scene->estate.path) > 1)
        print_message("left, and not said to be an error\n"); /* it was in use, as far as could be seen */
    assert_ok(prune(scene->estate.path, false, &seen, &error), error);
    assert_int_equal(estate_count(scene->estate.path), 1);
    snprintf(events, sizeof(events), "%s/g0/cgroup.events", scene->living.path);
    int fd = open(events, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_non_null(strstr(text, "populated 1"));
}

static void every_call_may_fail(void **state)
{
    struct scene scene = {.estate = estate_make(), .elsewhere = *state != NULL};
    scene.living = estate_owner(&scene.estate, live_with_one, NULL);
    every_call_fails(&(struct every_call){make_remains, run_prune, check_scene, &scene});
    estate_kill(&scene.living);
    expect(&scene.estate, PK_PRUNE_REMOVED);
    estate_free(&scene.estate);
}

#define CGROUP(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2, __VA_ARGS__)

static const struct test tests[] = {
    CGROUP(dead_owner_is_removed_with_all_it_started),
    PK_TEST_AS_DELEGATED_USER(dead_owner_is_removed_with_all_it_started),
    CGROUP(cgroups_that_members_made_are_removed),
    CGROUP(member_without_its_main_thread_is_killed),
    CGROUP(dead_owner_in_a_living_group_is_found),
    CGROUP(two_at_once_share_the_work),
    CGROUP(living_owner_is_left_alone),
    PK_TEST_AS_DELEGATED_USER(living_owner_is_left_alone),
    CGROUP(spared_group_lives_on),
    CGROUP(group_that_is_spared_no_more_is_killed),
    CGROUP(dry_run_changes_nothing),
    CGROUP(whole_hierarchy_is_looked_into_by_default),
    PK_TEST(wrong_arguments_are_refused),
    CGROUP(members_that_cannot_be_killed_are_reported),
    CGROUP(kill_that_failed_is_repeated),
    CGROUP(old_kernels_will_do, .deadline_s = 60),
    CGROUP(every_call_may_fail, .deadline_s = 120),
    PK_TEST_NAMED("every_call_may_fail/elsewhere", every_call_may_fail, .data = "elsewhere", .needs = NEEDS_CGROUP2,
                  .deadline_s = 120),
};

PK_TEST_MAIN(tests)
