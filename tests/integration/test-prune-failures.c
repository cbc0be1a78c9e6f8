/*
 * Pruning: arguments, what cannot be killed, old kernels, and every system call failing once.
 */
#include "cast.h"
#include "every-call.h"
#include "pruning.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* As in an uninterruptible sleep: every kill succeeds, and they are still there. */
static void members_that_do_not_go_are_waited_for_and_reported(void **state)
{
    (void)state;
    struct estate estate = estate_make();
    struct witness *witness = witness_new();
    struct estate_owner owner = estate_owner(&estate, live_with_one, witness);
    witness_ready(witness);
    estate_kill(&owner);

    pk_prune_options options = PK_PRUNE_OPTIONS_INIT;
    pk_error error;
    options.below = estate.path;
    options.patience = PK_MILLISECONDS(50);
    sys_fault_clear();
    sys_fault_set("cgroup.kill", 0, EIO);
    sys_fault_set("pidfd_open", 0, ESRCH);
    pk_time began = pk_now();
    assert_int_equal(pk_prune(&options, NULL, NULL, NULL, &error), -EBUSY);
    assert_true(pk_now() - began >= options.patience);
    assert_int_equal(error.step, PK_STEP_DRAIN);
    assert_int_equal(error.kind, PK_ERROR_TEARDOWN);
    sys_fault_clear();
    witness_assert_alive(witness);
    expect(&estate, PK_PRUNE_REMOVED);
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
    estate_group(data, cast_storm());
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

/* Of the whole hierarchy, so nothing but a dry run. */
static int look_everywhere(void *data, pk_error *error)
{
    struct seen seen;
    (void)data;
    return prune(NULL, true, &seen, error);
}

static void every_call_of_a_look_everywhere_may_fail(void **state)
{
    (void)state;
    struct estate estate = estate_make(); /* or there may be nothing to find */
    struct estate_owner living = estate_owner(&estate, live_with_one, NULL);
    every_call_fails(&(struct every_call){.run = look_everywhere});
    estate_kill(&living);
    expect(&estate, PK_PRUNE_REMOVED);
    estate_free(&estate);
}

#define CGROUP(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2, __VA_ARGS__)

static const struct test tests[] = {
    CGROUP(whole_hierarchy_is_looked_into_by_default),
    PK_TEST(wrong_arguments_are_refused),
    CGROUP(members_that_cannot_be_killed_are_reported),
    CGROUP(members_that_do_not_go_are_waited_for_and_reported),
    CGROUP(kill_that_failed_is_repeated),
    CGROUP(old_kernels_will_do, .deadline_s = 60),
    CGROUP(every_call_of_a_look_everywhere_may_fail),
    CGROUP(every_call_may_fail, .deadline_s = 120),
    PK_TEST_NAMED("every_call_may_fail/elsewhere", every_call_may_fail, .data = "elsewhere", .needs = NEEDS_CGROUP2,
                  .deadline_s = 120),
};

PK_TEST_MAIN(tests)
