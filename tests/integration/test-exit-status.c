/*
 * Exit statuses: exactly what the program said, whatever else the owner's program does about its children.
 */
#include "subject.h"
#include "sys/fault.h"

#include <processkit.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Compared with running it bare ------------------------------------------------------------------------------ */

static int run_bare(const char *verb, const char *argument)
{
    int status;
    const char *program = adversary_path();
    pid_t pid = fork();
    if (pid == 0) {
        execl(program, program, verb, argument, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static pk_result run_contained(const char *verb, const char *argument)
{
    pk_error error;
    pk_result result;
    pk_auto(pk_command) command = adversary(verb, argument, NULL);
    assert_ok(pk_command_status(command, &result, &error), error);
    return result;
}

static void assert_same(int bare, const pk_result *result)
{
    if (WIFEXITED(bare)) {
        assert_int_equal(result->verdict, PK_VERDICT_EXITED);
        assert_int_equal(result->leader_ending, PK_ENDING_EXITED);
        assert_int_equal(result->exit_code, WEXITSTATUS(bare));
        assert_int_equal(result->signal_number, 0);
    } else {
        assert_int_equal(result->verdict, PK_VERDICT_SIGNALLED);
        assert_int_equal(result->leader_ending, PK_ENDING_SIGNALLED);
        assert_int_equal(result->signal_number, WTERMSIG(bare));
        assert_int_equal(result->exit_code, 0);
    }
    assert_int_equal(result->core_dumped, WIFSIGNALED(bare) && WCOREDUMP(bare));
    assert_int_equal(pk_result_is_success(result), WIFEXITED(bare) && WEXITSTATUS(bare) == 0);
    assert_false(result->hard_killed);
    assert_int_equal(result->soft_signal, 0);
    assert_int_equal(result->leftover_count, 0);
}

static void all_exit_codes(void **state)
{
    char text[16];
    for (int code = 0; code < 256; code++) {
        snprintf(text, sizeof(text), "%d", code);
        pk_result result = run_contained("exit", text);
        assert_int_equal(result.exit_code, code);
        if (code % 16 == 0)
            assert_same(run_bare("exit", text), &result);
    }
}

/* Those that stop a process by default have no status to compare. */
static bool stops(int signal_number)
{
    return signal_number == SIGSTOP || signal_number == SIGTSTP || signal_number == SIGTTIN || signal_number == SIGTTOU;
}

static void all_signals(void **state)
{
    char text[16];
    int deadly = 0;
    for (int number = 1; number <= SIGRTMAX; number++) {
        if (stops(number))
            continue;
        snprintf(text, sizeof(text), "%d", number);
        int bare = run_bare("die", text);
        pk_result result = run_contained("die", text);
        assert_same(bare, &result);
        deadly += WIFSIGNALED(bare);
    }
    assert_int_equal(deadly, SIGRTMAX - 4 - 4); /* CHLD, CONT, URG and WINCH are harmless */
}

static void a_core_dump_is_noted(void **state)
{
    pk_error error;
    pk_result result;
    const char *script = "ulimit -c unlimited && kill -s ABRT $$";
    pid_t pid = fork();
    int bare;
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &bare, 0), pid);
    if (!WIFSIGNALED(bare) || !WCOREDUMP(bare))
        skip_test("a machine that dumps core");
    pk_auto(pk_command) command = pk_command_new("/bin/sh", "-c", script, NULL);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_same(bare, &result);
    assert_true(result.core_dumped);
}

/* ---- A status that somebody else has taken ---------------------------------------------------------------------- */

/* Whether the kernel can tell afterwards (PIDFD_GET_INFO with the exit status). */
static bool kernel_remembers(void)
{
    struct utsname name;
    int major = 0, minor = 0;
    uname(&name);
    sscanf(name.release, "%d.%d", &major, &minor);
    return major > 6 || (major == 6 && minor >= 15);
}

/* As on a kernel that cannot tell. */
static void make_kernel_forget(void)
{
    sys_fault_set("pidfd_get_info", 0, ENOTTY);
}

static void assert_lost(const pk_result *result)
{
    assert_true(sys_fault_count("pidfd_get_info") > 0);
    assert_int_equal(result->verdict, PK_VERDICT_LOST);
    assert_int_equal(result->leader_ending, PK_ENDING_LOST);
    assert_int_equal(result->exit_code, 0);
    assert_int_equal(result->signal_number, 0);
    assert_false(pk_result_is_success(result));
}

/* Where leaders are children of this process, and not of a reaper, which nobody can steal from. */
static pk_group_options with_own_children(void)
{
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    assert_ok(pk_group_create(NULL, &group, &error), error);
    options.mechanism = pk_group_mechanism(group);
    if (options.mechanism == PK_MECHANISM_REAPER)
        options.mechanism = PK_MECHANISM_PROCESS_GROUP;
    pk_group_free(group);
    return options;
}

/* The rest of the program waits for any child, and gets ours. */
static pk_result run_and_steal(pk_command *command)
{
    pk_error error;
    pk_result result;
    pk_process *process;
    int status;
    pk_group_options options = with_own_children();
    pk_command_contain(command, &options);
    assert_ok(pk_command_start(command, &process, &error), error);
    pid_t pid = pk_process_pid(process);
    assert_true(pidfd_is_dead(pk_process_pidfd(process), 10000));
    assert_int_equal(waitpid(-1, &status, 0), pid);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    return result;
}

static void a_stolen_status_is_recovered(void **state)
{
    if (!kernel_remembers())
        skip_test("Linux 6.15");
    pk_auto(pk_command) exits = adversary("exit", "37", NULL);
    pk_result result = run_and_steal(exits);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(result.exit_code, 37);
    pk_auto(pk_command) dies = adversary("die", "USR2", NULL);
    result = run_and_steal(dies);
    assert_int_equal(result.verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(result.signal_number, SIGUSR2);
}

static void a_stolen_status_is_lost_on_older_kernels(void **state)
{
    make_kernel_forget();
    pk_auto(pk_command) exits = adversary("exit", "0", NULL);
    pk_result result = run_and_steal(exits);
    assert_lost(&result);
}

/* Then the kernel reaps by itself, and there is nothing to wait for. */
static void ignored_children_are_recovered(void **state)
{
    if (!kernel_remembers())
        skip_test("Linux 6.15");
    signal(SIGCHLD, SIG_IGN);
    pk_result result = run_contained("exit", "41");
    assert_int_equal(result.exit_code, 41);
    result = run_contained("die", "KILL");
    assert_int_equal(result.verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(result.signal_number, SIGKILL);
    signal(SIGCHLD, SIG_DFL);
}

static void ignored_children_are_lost_on_older_kernels(void **state)
{
    make_kernel_forget();
    signal(SIGCHLD, SIG_IGN);
    pk_error error;
    pk_result result;
    pk_group_options options = with_own_children();
    pk_auto(pk_command) command = adversary("exit", "0", NULL);
    pk_command_contain(command, &options);
    assert_ok(pk_command_status(command, &result, &error), error);
    signal(SIGCHLD, SIG_DFL);
    assert_lost(&result);
}

/* ---- A thief at work -------------------------------------------------------------------------------------------- */

static _Atomic bool enough;

static void *steal_all(void *data)
{
    size_t *stolen = data;
    while (!enough)
        *stolen += waitpid(-1, NULL, WNOHANG) > 0;
    return NULL;
}

static void a_thief_in_another_thread_changes_nothing(void **state)
{
    pthread_t thief;
    size_t stolen = 0;
    if (!kernel_remembers())
        skip_test("Linux 6.15");
    assert_int_equal(pthread_create(&thief, NULL, steal_all, &stolen), 0);
    for (int i = 0; i < 100; i++) {
        pk_result result = run_contained("exit", "9");
        assert_int_equal(result.verdict, PK_VERDICT_EXITED);
        assert_int_equal(result.exit_code, 9);
    }
    enough = true;
    pthread_join(thief, NULL);
    printf("%zu of 100 were stolen\n", stolen);
    assert_true(stolen > 0);
}

/* The other way round: what the program started itself is not ours to wait for. */
static void foreign_children_are_left_alone(void **state)
{
    int status;
    pid_t foreign = fork();
    if (foreign == 0)
        _exit(23);
    pk_result result = run_contained("exit", "5");
    assert_int_equal(result.exit_code, 5);
    assert_int_equal(waitpid(foreign, &status, 0), foreign);
    assert_int_equal(WEXITSTATUS(status), 23);
}

static const struct test tests[] = {
    PK_TEST(all_exit_codes),
    PK_TEST_AS_USER(all_exit_codes),
    PK_TEST(all_signals),
    PK_TEST_AS_USER(all_signals),
    PK_TEST(a_core_dump_is_noted),
    PK_TEST(a_stolen_status_is_recovered),
    PK_TEST_AS_USER(a_stolen_status_is_recovered),
    PK_TEST(a_stolen_status_is_lost_on_older_kernels),
    PK_TEST_AS_USER(a_stolen_status_is_lost_on_older_kernels),
    PK_TEST(ignored_children_are_recovered),
    PK_TEST_AS_USER(ignored_children_are_recovered),
    PK_TEST(ignored_children_are_lost_on_older_kernels),
    PK_TEST(a_thief_in_another_thread_changes_nothing),
    PK_TEST(foreign_children_are_left_alone),
};

PK_TEST_MAIN(tests)
