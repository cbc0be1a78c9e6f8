/*
 * Pruning: what dead owners left is ended, and nothing else is touched.
 */
#include "cast.h"
#include "pruning.h"

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

/* Whoever daemonises leaves two processes behind, which end by themselves, in their own time. */
static void await_the_daemon(struct witness *witness)
{
    witness_ready(witness);
    assert_true(pidfd_is_dead(witness_pidfd(witness, 0), GONE_MS));
    assert_true(pidfd_is_dead(witness_pidfd(witness, 1), GONE_MS));
}

static void dead_owner_is_removed_with_all_it_started(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witnesses[] = {witness_new(), witness_new()};
    struct estate_owner owner = estate_owner(&estate, live_with_daemons, witnesses);
    witness_ready(witnesses[0]);
    await_the_daemon(witnesses[1]);
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
};

PK_TEST_MAIN(tests)
