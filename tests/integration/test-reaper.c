/*
 * The reaper mechanism beside what every mechanism does: when it is chosen, what a leader is born as, and how it
 * ended.
 */
#include "cast.h"
#include "process/spawn.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Choosing --------------------------------------------------------------------------------------------------- */

static void deny_helper(void)
{
    sys_fault_clear();
    sys_fault_set("execveat", 0, EACCES);
    sys_fault_set("execve", 0, ENOENT);
}

static void without_the_helper_there_is_a_process_group(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    deny_helper();
    sys_fault_set("mkdirat", 0, EROFS);
    assert_ok(pk_group_create(NULL, &group, &error), error);
    sys_fault_clear();
    assert_int_equal(pk_group_mechanism(group), PK_MECHANISM_PROCESS_GROUP);
    print_message("%s\n", pk_group_refusal(group));
    assert_non_null(strstr(pk_group_refusal(group), "cgroup"));
    assert_non_null(strstr(pk_group_refusal(group), "no reaper can be started"));
    assert_non_null(strstr(pk_group_refusal(group), "install processkit-helper"));
    pk_group_free(group);
}

static void asked_for_by_name_it_is_refused_with_the_reason(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    deny_helper();
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    sys_fault_clear();
    assert_int_equal(error.kind, PK_ERROR_UNSUPPORTED);
    assert_int_equal(error.step, PK_STEP_GUARDIAN);
    assert_non_null(strstr(error.message, "vm.memfd_noexec"));
    assert_ok(pk_group_create(&options, &group, &error), error); /* a refusal is not for ever */
    pk_group_free(group);
}

static void a_shortage_is_no_refusal(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    sys_fault_clear();
    sys_fault_set("mkdirat", 0, EROFS);
    sys_fault_set("memfd_create", 1, EMFILE);
    assert_int_equal(pk_group_create(NULL, &group, &error), -EMFILE);
    sys_fault_clear();
}

static void limits_are_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    options.limits.pids_max = 10;
    assert_int_equal(pk_group_create(&options, &group, &error), -EOPNOTSUPP);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
}

/* The helper could be run when the group was made, and cannot any more: no program is left running. */
static void spawn_fails_without_the_helper(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = NULL;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    deny_helper();
    assert_int_equal(pk_group_spawn(group, command, &process, &error), -EOPNOTSUPP);
    sys_fault_clear();
    assert_int_equal(error.step, PK_STEP_GUARDIAN);
    assert_non_null(strstr(error.message, "no reaper can be started"));
    assert_int_equal(pk_group_is_empty(group, &error), 1);
    sys_fault_set("setsid", 0, EPERM);
    assert_int_equal(pk_group_spawn(group, command, &process, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "no seccomp filter that refuses setsid"));
    sys_fault_clear();
    pk_group_free(group);
}

static int spawn_elsewhere(void)
{
    pk_error error;
    pk_process *process = NULL;
    pk_group *group = cast_group(PK_MECHANISM_REAPER), *other = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    pk_command *command = cast_command(NULL, "hold");
    if (unshare(CLONE_NEWPID) < 0)
        return 77;
    if (pk_group_spawn(group, command, &process, &error) != -EOPNOTSUPP)
        return 1;
    if (pk_group_create(&options, &other, &error) != -EOPNOTSUPP)
        return 2;
    return strstr(error.message, "pid namespace") ? 0 : 3;
}

/* Their numbers would be those of the other namespace, and the reaper its init. */
static void children_elsewhere_are_refused(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(spawn_elsewhere());
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip_test("a pid namespace");
    assert_int_equal(status, 0);
}

static void lives_without_clone3(void **state)
{
    pk_error error;
#ifdef __SANITIZE_THREAD__
    skip_test("the C library's clone, which ThreadSanitizer takes for a fork");
#endif
    sys_fault_clear();
    sys_fault_set("clone3", 0, *(const int *)*state);
    for (int round = 0; round < 2; round++) {
        pk_group *group = cast_group(PK_MECHANISM_REAPER);
        struct witness *witness = witness_new();
        pk_process *process = cast_adversary(group, witness, "tree 20");
        assert_ok(pk_group_kill(group, &error), error);
        witness_assert_dead(witness, GONE_MS);
        pk_process_free(process);
        pk_group_free(group);
        witness_free(witness);
    }
    sys_fault_clear();
}

/* ---- What a leader is born as ----------------------------------------------------------------------------------- */

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512] = {0};
    int parent = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(strrchr(text, ')') + 1, " %*c %d", &parent), 1);
    return parent;
}

static void leader_is_in_the_owners_session_and_its_reaper_is_not(void **state)
{
    (void)state;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    pid_t leader = pk_process_pid(process), reaper = parent_of(leader);
    assert_int_equal(parent_of(reaper), getpid());
    assert_int_equal(getsid(leader), getsid(0));
    assert_int_equal(getpgid(leader), getpgid(0));
    assert_int_equal(getsid(reaper), reaper);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* ---- How it ended ----------------------------------------------------------------------------------------------- */

struct ending {
    const char *words;
    pk_verdict verdict;
    int exit_code, signal_number;
};

static const struct ending endings[] = {
    {"exit 0", PK_VERDICT_EXITED, 0, 0},
    {"exit 3", PK_VERDICT_EXITED, 3, 0},
    {"exit 255", PK_VERDICT_EXITED, 255, 0},
    {"die TERM", PK_VERDICT_SIGNALLED, 0, SIGTERM},
    {"die SEGV", PK_VERDICT_SIGNALLED, 0, SIGSEGV},
    {"die KILL", PK_VERDICT_SIGNALLED, 0, SIGKILL},
};

static void assert_endings(void)
{
    pk_error error;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        pk_result result;
        pk_auto(pk_command) command = cast_command(NULL, endings[i].words);
        pk_command_contain(command, &options);
        assert_ok(pk_command_status(command, &result, &error), error);
        assert_int_equal(result.verdict, endings[i].verdict);
        assert_int_equal(result.exit_code, endings[i].exit_code);
        assert_int_equal(result.signal_number, endings[i].signal_number);
        assert_int_equal(result.mechanism, PK_MECHANISM_REAPER);
        assert_int_equal(result.guarantees, PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH);
        assert_int_equal(result.guard_losses, 0);
    }
}

static void endings_are_told_exactly(void **state)
{
    (void)state;
    assert_endings();
}

/* Trap 17. */
static void ignored_children_are_no_obstacle(void **state)
{
    (void)state;
    signal(SIGCHLD, SIG_IGN);
    assert_endings();
}

static atomic_bool thief_may_go;

static void *steal_all(void *data)
{
    while (!thief_may_go)
        if (waitpid(-1, NULL, WNOHANG) <= 0)
            sched_yield();
    return data;
}

/* Trap 16: what there is to steal is the reaper, and that tells nothing. */
static void foreign_wait_steals_no_status(void **state)
{
    (void)state;
    pthread_t thief;
    assert_int_equal(pthread_create(&thief, NULL, steal_all, NULL), 0);
    for (int round = 0; round < 10; round++)
        assert_endings();
    thief_may_go = true;
    pthread_join(thief, NULL);
}

static void usage_counts_members_that_have_ended(void **state)
{
    (void)state;
    pk_error error;
    pk_usage usage;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = cast_command(NULL, "leave 0 -- cpu 200");
    pk_process *process = NULL;
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    pk_process *holding = cast_adversary(group, witness, "child -- child -- hold");
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    for (;;) { /* until the burner has ended: it is nobody's that we know */
        assert_ok(pk_group_usage(group, &usage, &error), error);
        if (usage.members == 3)
            break;
        sched_yield();
    }
    assert_int_equal(usage.members, 3);
    assert_int_equal(usage.cpu_source, PK_SOURCE_REAPER);
    assert_true(usage.cpu_user + usage.cpu_system >= PK_MILLISECONDS(150));
    assert_string_equal(pk_source_name(usage.cpu_source), "reaper");
    pk_process_free(process);
    pk_process_free(holding);
    pk_group_free(group);
    witness_free(witness);
}

/* A kernel without CONFIG_PROC_CHILDREN: everybody is asked for its parent. */
static void members_are_found_without_lists_of_children(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "catch USR1 -- wide 4 -- setsid");
    pk_process *other = cast_adversary(group, NULL, "leave 0 -- hold");
    assert_ok(pk_process_wait(other, PK_FOREVER, NULL, &error), error);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 6);
    sys_fault_clear();
    sys_fault_set("faccessat", 0, ENOENT);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 6);
    assert_ok(pk_group_signal(group, SIGUSR1, &error), error);
    sys_fault_clear();
    witness_remark(witness, "got USR1");
    pk_process_free(process);
    pk_process_free(other);
    pk_group_free(group);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void note_event(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(unsigned *)data |= 1U << event;
}

/* ---- Several at once -------------------------------------------------------------------------------------------- */

static void *spawn_fifty(void *data)
{
    (void)data;
    uintptr_t good = 0;
    for (int i = 0; i < 50; i++) {
        pk_result result;
        pk_group_options options = PK_GROUP_OPTIONS_INIT;
        options.mechanism = PK_MECHANISM_REAPER;
        pk_auto(pk_command) command = cast_command(NULL, "exit 7");
        pk_command_contain(command, &options);
        good += pk_command_status(command, &result, NULL) == 0 && result.exit_code == 7;
    }
    return (void *)good;
}

static void two_threads_spawn(void **state)
{
    (void)state;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, spawn_fifty, NULL), 0);
    for (int i = 0; i < 2; i++) {
        void *good;
        pthread_join(threads[i], &good);
        assert_int_equal((uintptr_t)good, 50);
    }
}

/* Who looks at the group reads what a reaper has said of a leader; whoever waits for that leader learns it too. */
static void looking_at_the_group_hides_no_end(void **state)
{
    (void)state;
    pk_error error;
    unsigned events = 0;
    pk_loop *loop = NULL;
    pk_group *group = cast_group(PK_MECHANISM_REAPER);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "leave 0 -- hold");
    assert_true(pidfd_is_dead(witness_pidfd(witness, 0), 5000));
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, note_event, &events, &error), error);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(pk_group_is_empty(group, &error), 0);
        usleep(500);
    }
    for (int i = 0; i < 100 && !(events & 1U << PK_EVENT_ENDED); i++)
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_MILLISECONDS(100)), &error), error);
    assert_true(events & 1U << PK_EVENT_ENDED);
    pk_process_free(process);
    pk_loop_free(loop);
    pk_group_free(group);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static const int not_there = ENOSYS, not_allowed = EPERM;

static const struct test tests[] = {
    PK_TEST(without_the_helper_there_is_a_process_group),
    PK_TEST_AS_USER(without_the_helper_there_is_a_process_group),
    PK_TEST(asked_for_by_name_it_is_refused_with_the_reason),
    PK_TEST_WITH(a_shortage_is_no_refusal, .needs = NEEDS_CGROUP2),
    PK_TEST(limits_are_refused),
    PK_TEST(spawn_fails_without_the_helper),
    PK_TEST_WITH(children_elsewhere_are_refused, .needs = NEEDS_ROOT),
    PK_TEST_NAMED("lives_without_clone3/ENOSYS", lives_without_clone3, .data = &not_there),
    PK_TEST_NAMED("lives_without_clone3/EPERM", lives_without_clone3, .data = &not_allowed),
    PK_TEST(leader_is_in_the_owners_session_and_its_reaper_is_not),
    PK_TEST_AS_USER(leader_is_in_the_owners_session_and_its_reaper_is_not),
    PK_TEST(endings_are_told_exactly),
    PK_TEST_AS_USER(endings_are_told_exactly),
    PK_TEST(ignored_children_are_no_obstacle),
    PK_TEST(foreign_wait_steals_no_status),
    PK_TEST(usage_counts_members_that_have_ended),
    PK_TEST(members_are_found_without_lists_of_children),
    PK_TEST(two_threads_spawn),
    PK_TEST(looking_at_the_group_hides_no_end),
};

PK_TEST_MAIN(tests)
