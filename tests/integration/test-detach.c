/*
 * Detaching: a command that survives its owner, is found by its name, and ended by anybody with the rights.
 */
#include "cast.h"
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

/* A name that no other test has. */
static const char *name_of(const char *word)
{
    static char name[64];
    snprintf(name, sizeof(name), "test-%d.%s", getpid(), word);
    return name;
}

static pk_detached detach(struct witness *witness, const char *word, const char *words)
{
    pk_error error;
    pk_detached detached;
    pk_auto(pk_command) command = cast_command(witness, words);
    assert_ok(pk_command_detach(command, name_of(word), &detached, &error), error);
    if (witness)
        witness_ready(witness);
    return detached;
}

struct wanted {
    const char *name;
    int count;
    pk_detached last;
};

static int look(const pk_detached *detached, void *data)
{
    struct wanted *wanted = data;
    if (strcmp(detached->name, wanted->name) == 0) {
        wanted->count++;
        wanted->last = *detached;
    }
    return 0;
}

static struct wanted list(const char *name)
{
    pk_error error;
    struct wanted wanted = {.name = name};
    assert_ok(pk_detached_each(look, &wanted, &error), error);
    return wanted;
}

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

/* ---- Names and arguments ---------------------------------------------------------------------------------------- */

static void name_is_taken_as_long_as_members_live(void **state)
{
    (void)state;
    pk_error error;
    struct witness *witness = witness_new();
    pk_detached first = detach(witness, "same", "hold");
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    assert_error(pk_command_detach(command, name_of("same"), NULL, &error), error, -EEXIST, PK_STEP_MAKE_CGROUP);
    witness_assert_alive(witness);
    assert_int_equal(kill(first.pid, SIGKILL), 0);
    assert_true(pidfd_is_dead(witness_pidfd(witness, 0), 20000));
    int r;
    do /* until it has left its cgroup */
        r = pk_command_detach(command, name_of("same"), NULL, &error);
    while (r == -EEXIST);
    assert_ok(r, error);
    assert_int_equal(list(name_of("same")).count, 1);
    assert_ok(pk_detached_stop(name_of("same"), NULL, NULL, &error), error);
    witness_free(witness);
}

/* It is marked and still empty: its owner lives, or died just then. */
static void one_that_is_just_being_started_is_left_alone(void **state)
{
    (void)state;
    pk_error error;
    struct mark mark;
    struct estate estate = estate_make();
    char own[PATH_MAX], path[PATH_MAX + 128], name[64];
    snprintf(name, sizeof(name), "%s", name_of("starting"));
    assert_true(hierarchy_own(own));
    assert_true(hierarchy_enter(estate.path));
    snprintf(path, sizeof(path), "%s/processkit-detached-%s", estate.path, name);
    assert_int_equal(mkdir(path, 0755), 0);
    int dir = open_directory(path);
    mark_self(&mark);
    assert_int_equal(mark_write_detached(dir, &mark), 0);

    pk_auto(pk_command) command = cast_command(NULL, "hold");
    assert_error(pk_command_detach(command, name, NULL, &error), error, -EEXIST, PK_STEP_MAKE_CGROUP);
    expect(&estate, PK_PRUNE_ALIVE);
    mark.start--;
    assert_int_equal(mark_write_detached(dir, &mark), 0);
    close(dir);
    assert_ok(pk_command_detach(command, name, NULL, &error), error);
    assert_int_equal(list(name).last.members, 1);
    assert_ok(pk_detached_stop(name, NULL, NULL, &error), error);
    assert_true(hierarchy_enter(own));
    estate_free(&estate);
}

static void wrong_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",    ".",        ".a",  "a/b",
        "a b", "\303\244", "a\n", "01234567890123456789012345678901234567890123456789012345678901234",
    };
    pk_error error;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_error(pk_command_detach(command, names[i], NULL, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
        int r = pk_detached_stop(names[i], NULL, NULL, &error);
        assert_true(r == -EINVAL || (r == -ENOENT && strchr(names[i], '/')));
    }
    assert_error(pk_command_detach(command, NULL, NULL, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
}

static void ask_for_a_pipe(pk_command *command)
{
    pk_command_pipe(command, 1);
}

static void ask_for_a_timeout(pk_command *command)
{
    pk_command_timeout(command, PK_SECONDS(1));
}

static void ask_for_leftovers(pk_command *command)
{
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
}

static void what_needs_an_owner_is_refused(void **state)
{
    (void)state;
    static void (*const asks[])(pk_command *) = {ask_for_a_pipe, ask_for_a_timeout, ask_for_leftovers,
                                                 pk_command_kill_on_parent_death};
    pk_error error;
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        pk_auto(pk_command) command = cast_command(NULL, "hold");
        asks[i](command);
        assert_error(pk_command_detach(command, name_of("owned"), NULL, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    }
    assert_int_equal(list(name_of("owned")).count, 0);
}

static pid_t detach_in(const char *path, const char *name, struct witness *witness)
{
    pk_error error;
    pid_t pid = fork();
    if (pid == 0) {
        pk_command *command = cast_command(witness, "hold");
        if (!hierarchy_enter(path))
            _exit(1);
        estate_must(pk_command_detach(command, name, NULL, &error), &error);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    witness_ready(witness);
    return pid;
}

static void one_name_in_several_places(void **state)
{
    (void)state;
    pk_error error;
    struct estate estates[2] = {estate_make(), estate_make()};
    struct witness *witnesses[3] = {witness_new(), witness_new(), witness_new()};
    char name[64], path[PATH_MAX + 128];
    snprintf(name, sizeof(name), "%s", name_of("twin"));
    detach_in(estates[0].path, name, witnesses[0]);
    detach_in(estates[1].path, name, witnesses[1]);
    assert_error(pk_detached_stop(name, NULL, NULL, &error), error, -ENOTUNIQ, PK_STEP_FIND_CGROUP);

    detach(witnesses[2], "twin", "hold"); /* here: this is the one that is meant */
    assert_ok(pk_detached_stop(name, NULL, NULL, &error), error);
    witness_assert_dead(witnesses[2], GONE_MS);
    witness_assert_alive(witnesses[0]);
    witness_assert_alive(witnesses[1]);

    snprintf(path, sizeof(path), "%s/processkit-detached-%s/", estates[0].path, name);
    assert_ok(pk_detached_stop(path, NULL, NULL, &error), error);
    witness_assert_dead(witnesses[0], GONE_MS);
    witness_assert_alive(witnesses[1]);
    assert_ok(pk_detached_stop(name, NULL, NULL, &error), error); /* the only one now */
    witness_assert_dead(witnesses[1], GONE_MS);
    for (int i = 0; i < 3; i++)
        witness_free(witnesses[i]);
    estate_free(&estates[0]);
    estate_free(&estates[1]);
}

/* ---- Rights and places ------------------------------------------------------------------------------------------ */

static void who_is_in_it_cannot_stop_it(void **state)
{
    (void)state;
    pk_error error;
    struct witness *witness = witness_new();
    pk_detached detached = detach(witness, "self", "hold");
    pid_t pid = fork();
    if (pid == 0)
        _exit(hierarchy_enter(detached.path) && pk_detached_stop(detached.path, NULL, NULL, NULL) == -EDEADLK ? 0 : 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    witness_assert_alive(witness);
    assert_ok(pk_detached_stop(name_of("self"), NULL, NULL, &error), error);
    witness_free(witness);
}

static void stranger_can_list_it_and_not_stop_it(void **state)
{
    (void)state;
    pk_error error;
    struct witness *witness = witness_new();
    pk_detached detached = detach(witness, "foreign", "hold");
    char name[64];
    snprintf(name, sizeof(name), "%s", name_of("foreign"));
    pid_t pid = fork();
    if (pid == 0) {
        if (setresuid(65534, 65534, 65534) < 0)
            _exit(1);
        struct wanted wanted = {.name = name};
        bool listed =
            pk_detached_each(look, &wanted, NULL) == 0 && wanted.count == 1 && wanted.last.pid == detached.pid;
        _exit(listed && pk_detached_stop(name, NULL, NULL, NULL) == -EACCES ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    witness_assert_alive(witness);
    assert_ok(pk_detached_stop(name, NULL, NULL, &error), error);
    witness_free(witness);
}

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
    CGROUP(name_is_taken_as_long_as_members_live),
    CGROUP(one_that_is_just_being_started_is_left_alone),
    CGROUP(wrong_names_are_refused),
    CGROUP(what_needs_an_owner_is_refused),
    CGROUP(one_name_in_several_places),
    CGROUP(who_is_in_it_cannot_stop_it),
    PK_TEST_WITH(stranger_can_list_it_and_not_stop_it, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_AS_USER(without_a_cgroup_it_is_refused),
    CGROUP(old_ways_of_cloning_will_do),
    CGROUP(every_call_may_fail, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
