/*
 * Detaching: a command that survives its owner, is found by its name, and ended by anybody with the rights.
 */
#include "cast.h"
#include "detaching.h"
#include "every-call.h"
#include "files.h"
#include "hierarchy.h"
#include "pruning.h"
#include "sys/fault.h"

#undef assert_ok /* the next has a better one */
#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* ---- Living and ending ------------------------------------------------------------------------------------------ */

static void detached_command_is_found_and_stopped(void **state)
{
    (void)state;
    pk_error error;
    pk_stop_report report;
    struct witness *witness = witness_new();
    pk_detached detached = detach(witness, "a", "wide 2");
    assert_string_equal(detached.name, name_of("a"));
    assert_int_equal(detached.pid, witness_pid(witness, 0));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* it is not our child */
    assert_int_equal(errno, ECHILD);

    struct wanted wanted = list(name_of("a"));
    assert_int_equal(wanted.count, 1);
    assert_int_equal(wanted.last.pid, detached.pid);
    assert_int_equal(wanted.last.members, 3);
    assert_string_equal(wanted.last.path, detached.path);
    assert_true(wanted.last.started > 1700000000);

    assert_ok(pk_detached_stop(name_of("a"), NULL, &report, &error), error);
    assert_int_equal(report.signal_sent, SIGTERM);
    assert_int_equal(report.members_before, 3);
    assert_true(report.drained);
    witness_assert_dead(witness, GONE_MS);
    assert_false(exists(detached.path));
    assert_int_equal(list(name_of("a")).count, 0);
    assert_error(pk_detached_stop(name_of("a"), NULL, NULL, &error), error, -ENOENT, PK_STEP_FIND_CGROUP);
    witness_free(witness);
}

static void nothing_escapes_the_stop(void **state)
{
    (void)state;
    pk_error error;
    pk_stop_report report;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    struct witness *witness = witness_new();
    detach(witness, "tree", "cgroup -- tree 12");
    options.grace = PK_MILLISECONDS(50);
    assert_ok(pk_detached_stop(name_of("tree"), &options, &report, &error), error);
    assert_true(report.escalated);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* The guardian ends what the owner contained, and lets live what it detached. */
static void detached_command_survives_its_owner(void **state)
{
    (void)state;
    pk_error error;
    struct estate estate = estate_make();
    struct witness *contained = witness_new(), *free_one = witness_new();
    char name[64];
    int ready[2];
    char byte;
    snprintf(name, sizeof(name), "%s", name_of("survivor"));
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t owner = fork();
    if (owner == 0) {
        if (!hierarchy_enter(estate.path))
            _exit(1);
        estate_group(contained, "wide 2");
        pk_command *command = cast_command(free_one, "wide 2");
        estate_must(pk_command_detach(command, name, NULL, &error), &error);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    witness_ready(contained);
    witness_ready(free_one);
    assert_int_equal(kill(owner, SIGKILL), 0);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    witness_assert_dead(contained, GONE_MS);
    witness_assert_alive(free_one);

    while (estate_count(estate.path) > 1) /* until the owner's directory is gone, too */
        sched_yield();
    expect(&estate, PK_PRUNE_DETACHED);
    witness_assert_alive(free_one);
    assert_ok(pk_detached_stop(name, NULL, NULL, &error), error);
    witness_assert_dead(free_one, GONE_MS);
    while (rmdir(estate.path) < 0 && errno == EBUSY) /* until the guardian is done as well */
        sched_yield();
    witness_free(contained);
    witness_free(free_one);
}

static void what_an_ended_one_left_is_pruned(void **state)
{
    (void)state;
    pk_error error;
    struct estate estate = estate_make();
    char name[64];
    snprintf(name, sizeof(name), "%s", name_of("short"));
    pid_t owner = fork();
    if (owner == 0) {
        pk_command *command = cast_command(NULL, "exit 0");
        bool done = hierarchy_enter(estate.path) && pk_command_detach(command, name, NULL, &error) == 0;
        _exit(done ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_int_equal(status, 0);
    expect_after(&estate, PK_PRUNE_DETACHED, PK_PRUNE_REMOVED);
    estate_free(&estate);
}

static void living_members_keep_it_when_the_leader_has_ended(void **state)
{
    (void)state;
    pk_error error;
    struct witness *witness = witness_new();
    detach(witness, "headless", "leave 0 -- hold");
    struct wanted wanted;
    do /* until the leader has been waited for, by nobody we know */
        wanted = list(name_of("headless"));
    while (wanted.last.pid != 0);
    wanted = list(name_of("headless")); /* that time, members were counted a moment before the leader was looked at */
    assert_int_equal(wanted.last.members, 1);
    assert_ok(pk_detached_stop(name_of("headless"), NULL, NULL, &error), error);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* ---- What it is born with --------------------------------------------------------------------------------------- */

static void birth_is_that_of_a_daemon(void **state)
{
    (void)state;
    pk_error error;
    pk_detached detached;
    struct witness *witness = witness_new();
    const char *output = scratch("described");
    assert_true(files_write(output, "", 0644));
    pk_auto(pk_command) command = reporting_adversary(witness, "--output", output, "describe", NULL);
    assert_ok(pk_command_detach(command, name_of("born"), &detached, &error), error);
    witness_ready(witness);
    assert_true(pidfd_is_dead(witness_pidfd(witness, 0), 20000));
    struct description *description = description_read(scratch("described"));
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", detached.pid ? detached.pid : witness_pid(witness, 0));
    assert_described(description, "sid", pid);
    assert_described(description, "pgid", pid);
    assert_int_equal(described_count(description, "fd."), 3);
    assert_non_null(strstr(described(description, "fd.0"), "/dev/null"));
    description_free(description);
    assert_ok(pk_detached_stop(name_of("born"), NULL, NULL, &error), error);
    witness_free(witness);
}

static void program_that_cannot_be_run_leaves_nothing(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_command) missing = pk_command_new("no-such-program", NULL);
    assert_error(pk_command_detach(missing, name_of("none"), NULL, &error), error, -ENOENT, PK_STEP_EXEC);
    assert_int_equal(error.kind, PK_ERROR_NOT_FOUND);
    assert_int_equal(list(name_of("none")).count, 0);
    pk_auto(pk_command) nowhere = cast_command(NULL, "hold");
    pk_command_chdir(nowhere, "/no/such/directory");
    assert_error(pk_command_detach(nowhere, name_of("none"), NULL, &error), error, -ENOENT, PK_STEP_CHDIR);
    assert_int_equal(list(name_of("none")).count, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* ---- Places ----------------------------------------------------------------------------------------------------- */

static void without_a_cgroup_it_is_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    int r = pk_command_detach(command, name_of("nowhere"), NULL, &error);
    assert_int_equal(r, -EOPNOTSUPP);
    assert_int_equal(error.kind, PK_ERROR_UNSUPPORTED);
    assert_non_null(strchr(error.message, '(')); /* what to do */
}

static void old_ways_of_cloning_will_do(void **state)
{
    (void)state;
    static const int numbers[] = {ENOSYS, EPERM};
    pk_error error;
    for (size_t i = 0; i < 4; i++) { /* again: what was learnt the first time must not lead astray */
        pk_auto(pk_command) command = cast_command(NULL, "hold");
        sys_fault_clear();
        sys_fault_set("clone3", 0, numbers[i % 2]);
        assert_ok(pk_command_detach(command, name_of("old"), NULL, &error), error);
        sys_fault_clear();
        assert_int_equal(list(name_of("old")).last.members, 1);
        assert_ok(pk_detached_stop(name_of("old"), NULL, NULL, &error), error);
    }
}

/* ---- Every call ------------------------------------------------------------------------------------------------- */

static int detach_and_stop(void *data, pk_error *error)
{
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    (void)data;
    options.grace = PK_MILLISECONDS(100);
    int r = pk_command_detach(command, name_of("fault"), NULL, error);
    if (r == 0)
        r = pk_detached_each(look, &(struct wanted){.name = ""}, error);
    return r < 0 ? r : pk_detached_stop(name_of("fault"), &options, NULL, error);
}

/* Nothing of it is left after a failed detach, and after a failed stop another one can end it. */
static void end_rest(void *data, int result)
{
    pk_error error;
    (void)data;
    int r = pk_detached_stop(name_of("fault"), NULL, NULL, &error);
    if (r != -ENOENT)
        assert_ok(r, error);
    if (result == 0 && r == 0)
        fail_msg("it was said to have ended, and was there");
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void every_call_may_fail(void **state)
{
    (void)state;
    every_call_fails(&(struct every_call){.run = detach_and_stop, .check = end_rest});
}

#define CGROUP(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2, __VA_ARGS__)

static const struct test tests[] = {
    CGROUP(detached_command_is_found_and_stopped),
    PK_TEST_AS_DELEGATED_USER(detached_command_is_found_and_stopped),
    CGROUP(nothing_escapes_the_stop),
    CGROUP(detached_command_survives_its_owner),
    CGROUP(what_an_ended_one_left_is_pruned),
    CGROUP(living_members_keep_it_when_the_leader_has_ended),
    CGROUP(birth_is_that_of_a_daemon),
    CGROUP(program_that_cannot_be_run_leaves_nothing),
    PK_TEST_AS_USER(without_a_cgroup_it_is_refused),
    CGROUP(old_ways_of_cloning_will_do),
    CGROUP(every_call_may_fail, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
