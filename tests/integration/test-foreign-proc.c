/*
 * Where /proc is that of another pid namespace, or is not there: what it has under the numbers of members are
 * strangers.
 */
#include "cast.h"
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, FREE = 64 };

/* The first of many numbers that no process has out here, so that whoever asks this /proc for them hears of nobody. */
static int free_numbers(void)
{
    int first = 32000;
    for (int number = first; number > 1000 && first - number < FREE; number--)
        if (kill(number, 0) == 0 || errno != ESRCH)
            first = number - 1;
    return first - FREE;
}

static void continue_from(int number)
{
    char text[16];
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    int length = snprintf(text, sizeof(text), "%d", number);
    assert_int_equal(write(fd, text, (size_t)length), length);
    close(fd);
}

/* The first process of a namespace, whose children have numbers that mean nobody in /proc. */
static void live_abroad(void (*live)(const void *data), const void *data)
{
    int status, number = free_numbers();
    if (unshare(CLONE_NEWPID) < 0)
        _exit(SKIPPED);
    pid_t pid = fork();
    if (pid == 0) {
        continue_from(number);
        live(data);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static void live_without(void (*live)(const void *data), const void *data)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/proc", "tmpfs", 0, NULL) < 0)
        _exit(SKIPPED);
    live(data);
    _exit(0);
}

static void expect_well(void (*place)(void (*)(const void *), const void *), void (*live)(const void *),
                        const void *data)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        place(live, data);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        skip_test("namespaces of our own");
    assert_int_equal(status, 0);
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

static void count_members(const void *data)
{
    (void)data;
    pk_error error;
    pk_member members[8];
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    cast_adversary(group, NULL, "wide 3 -- setsid");
    while (pk_group_members(group, members, 8, &error) != 4)
        sched_yield(); /* until all are there */
    assert_string_equal(members[0].name, "");
    for (int i = 0; i < 4; i++)
        assert_int_equal(kill(members[i].pid, 0), 0);
    options.grace = 0;
    assert_ok(pk_group_stop(group, &options, NULL, &error), error);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    pk_group_free(group);
}

static void members_are_counted_without_their_names(void **state)
{
    (void)state;
    expect_well(live_abroad, count_members, NULL);
}

/* ---- A reaper --------------------------------------------------------------------------------------------------- */

static void ask_for_a_reaper(const void *data)
{
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, data));
}

static void a_reaper_is_refused(void **state)
{
    (void)state;
    expect_well(live_abroad, ask_for_a_reaper, "/proc is that of another pid namespace");
    expect_well(live_without, ask_for_a_reaper, "/proc is not mounted");
}

/* ---- A process group -------------------------------------------------------------------------------------------- */

static void run_in_a_process_group(const void *data)
{
    (void)data;
    pk_error error;
    pk_result result;
    pk_group *group = cast_group(PK_MECHANISM_PROCESS_GROUP);
    pk_process *process = NULL;
    pk_command *command = cast_command(NULL, "hold");
    pk_command_timeout(command, PK_MILLISECONDS(50));
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 1);
    assert_int_equal(pk_group_is_empty(group, &error), 0);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 0);
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    pk_process_free(process);
    pk_group_free(group);
    pk_command_free(command);
}

static void a_process_group_ends_with_its_leader(void **state)
{
    (void)state;
    expect_well(live_abroad, run_in_a_process_group, NULL);
    expect_well(live_without, run_in_a_process_group, NULL);
}

static const struct test tests[] = {
    PK_TEST_WITH(members_are_counted_without_their_names, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_reaper_is_refused, .needs = NEEDS_ROOT),
    PK_TEST_WITH(a_process_group_ends_with_its_leader, .needs = NEEDS_ROOT),
};

PK_TEST_MAIN(tests)
