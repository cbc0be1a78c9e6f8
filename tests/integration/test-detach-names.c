/*
 * Detached commands by their names: who has one, which is meant, and who may stop it.
 */
#include "cast.h"
#include "detaching.h"
#include "hierarchy.h"
#include "pruning.h"

#undef assert_ok /* the next has a better one */
#include "subject.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- Rights ----------------------------------------------------------------------------------------------------- */

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

#define CGROUP(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2, __VA_ARGS__)

static const struct test tests[] = {
    CGROUP(name_is_taken_as_long_as_members_live),
    CGROUP(one_that_is_just_being_started_is_left_alone),
    CGROUP(wrong_names_are_refused),
    CGROUP(what_needs_an_owner_is_refused),
    CGROUP(one_name_in_several_places),
    CGROUP(who_is_in_it_cannot_stop_it),
    PK_TEST_WITH(stranger_can_list_it_and_not_stop_it, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
};

PK_TEST_MAIN(tests)
