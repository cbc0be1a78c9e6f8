/*
 * The children that a spawner makes: its owner's own, born with what the owner has at the moment.
 */
#include "testator.h"

#undef assert_ok /* the next has a better one */
#include "spawning.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ORDINARY_USER = 65534 };

/* ---- The owner's own child -------------------------------------------------------------------------------------- */

static volatile sig_atomic_t deaths;

static void count_death(int signal_number, siginfo_t *info, void *context)
{
    deaths += info->si_code == CLD_EXITED;
}

static void the_child_is_its_owners(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    struct sigaction action = {.sa_sigaction = count_death, .sa_flags = SA_SIGINFO};
    struct description *child = spawning_describe(group, spawning_describer());
    assert_described(child, "ppid", spawning_format(getpid()));
    assert_described(child, "sid", spawning_format(getsid(0)));
    assert_described(child, "pgid", spawning_format(getpgrp()));
    assert_described(child, "blocked", "0000000000000000");
    assert_described(child, "ignored", "0000000000000000");
    assert_int_equal(described_count(child, "fd."), 3);
    description_free(child);

    sigaction(SIGCHLD, &action, NULL);
    pk_auto(pk_command) command = adversary("cpu", "50", "--", "exit", "37", NULL);
    pk_result result = spawning_run(group, command);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(result.exit_code, 37);
    assert_int_equal(deaths, 1);
    assert_true(result.usage.cpu_user + result.usage.cpu_system >= PK_MILLISECONDS(30));
    spawning_end(group, &spawner);
}

/* Whoever waits for any child gets this one as well; what is reported then is what is reported of direct children. */
static void a_stolen_status_is_known_or_known_to_be_lost(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    pk_result results[2];
    pk_error error;
    for (int direct = 0; direct < 2; direct++) {
        pk_auto(pk_command) command = adversary("exit", "37", NULL);
        pk_process *process;
        int status;
        spawning_divert(group, direct ? NULL : &spawner);
        assert_ok(pk_group_spawn(group, command, &process, &error), error);
        assert_int_equal(waitpid(-1, &status, 0), pk_process_pid(process));
        assert_int_equal(WEXITSTATUS(status), 37);
        assert_ok(pk_process_wait(process, PK_FOREVER, &results[direct], &error), error);
        pk_process_free(process);
    }
    assert_int_equal(results[0].leader_ending, results[1].leader_ending);
    assert_int_equal(results[0].exit_code, results[1].exit_code);
    spawning_end(group, &spawner);
}

/* ---- What it begins with ---------------------------------------------------------------------------------------- */

static void it_begins_with_what_the_owner_has_now(void **state)
{
    struct spawner spawner;
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(0, &processors);
    pk_group *group = spawning_group(&spawner);
    pk_command *command = spawning_describer();

    char place[PATH_MAX];
    assert_return_code(mkdir("below", 0755), errno);
    assert_return_code(chdir("below"), errno);
    assert_non_null(getcwd(place, sizeof(place)));
    umask(0135);
    assert_return_code(nice(3), errno);
    assert_return_code(sched_setaffinity(0, sizeof(processors), &processors), errno);
    assert_return_code(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 4096}), errno);
    assert_return_code(setrlimit(RLIMIT_NOFILE, &(struct rlimit){100, 200}), errno);
    setenv("PK_LATER", "yes", 1);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    pk_command_keep_ignored(command, SIGHUP);

    struct description *child = spawning_describe(group, command);
    assert_described(child, "cwd", place);
    assert_described(child, "umask", "0135");
    assert_described(child, "nice", "3");
    assert_described(child, "cpus", "0");
    assert_described(child, "rlimit.core", "0:4096");
    assert_described(child, "rlimit.nofile", "100:200");
    assert_described(child, "env.PK_LATER", "yes");
    assert_described(child, "ignored", "0000000000000001");
    description_free(child);
    spawning_end(group, &spawner);
}

static void change_process_group(struct testator *testator, const void *data)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    assert_return_code(setpgid(0, 0), errno);
    struct description *child = spawning_describe(group, spawning_describer());
    testator->testament->values[0] = strcmp(described(child, "pgid"), spawning_format(getpid())) == 0;
    description_free(child);
    spawning_end(group, &spawner);
    pk_leave();
    _exit(0);
}

static void it_joins_the_process_group_that_the_owner_has_now(void **state)
{
    struct testator *testator = testator_begin(change_process_group, NULL);
    testator_await_end(testator);
    assert_int_equal(testator->status, 0);
    assert_true(testator->testament->values[0]);
    testator_close(testator);
}

/* A command's own wish goes before what the owner has. */
static void a_commands_wishes_come_first(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    pk_command *command = spawning_describer();
    umask(0135);
    assert_return_code(nice(3), errno);
    assert_return_code(setrlimit(RLIMIT_CORE, &(struct rlimit){0, 4096}), errno);
    pk_command_umask(command, 0022);
    pk_command_nice(command, 7);
    pk_command_rlimit(command, RLIMIT_CORE, 10, 20);
    pk_command_chdir(command, "/");
    pk_command_setsid(command);
    struct description *child = spawning_describe(group, command);
    assert_described(child, "umask", "0022");
    assert_described(child, "nice", "7");
    assert_described(child, "rlimit.core", "10:20");
    assert_described(child, "cwd", "/");
    assert_string_equal(described(child, "sid"), described(child, "pid"));
    description_free(child);
    spawning_end(group, &spawner);
}

static void another_user_can_be_asked_for(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    pk_command *command = spawning_describer();
    assert_return_code(chmod(scratch("."), 0777), errno);
    pk_command_uid(command, ORDINARY_USER);
    pk_command_gid(command, ORDINARY_USER);
    pk_command_groups(command, (const gid_t[]){10, 20}, 2);
    struct description *child = spawning_describe(group, command);
    assert_described(child, "uid", "65534,65534,65534");
    assert_described(child, "gid", "65534,65534,65534");
    assert_described(child, "groups", "10,20");
    description_free(child);
    spawning_end(group, &spawner);
}

/* ---- What has changed ------------------------------------------------------------------------------------------- */

static void change_user(void)
{
    assert_return_code(setresuid(-1, 4242, -1), errno);
}

static void change_group(void)
{
    assert_return_code(setresgid(-1, 4242, -1), errno);
}

static void change_groups(void)
{
    assert_return_code(setgroups(1, (const gid_t[]){4242}), errno);
}

static void drop_capability(void)
{
    enum { SYS_BOOT = 22 };
    assert_return_code(prctl(PR_CAPBSET_DROP, SYS_BOOT), errno);
}

static void forgo_privileges(void)
{
    assert_return_code(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), errno);
}

static void change_session(void)
{
    assert_return_code(setsid(), errno);
}

/* With what the library itself needs. */
static void change_root(void)
{
    assert_return_code(unshare(CLONE_NEWNS), errno);
    assert_return_code(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
    assert_return_code(mkdir("root", 0755), errno);
    assert_return_code(mount("none", "root", "tmpfs", 0, NULL), errno);
    assert_return_code(mkdir("root/proc", 0755), errno);
    assert_return_code(mkdir("root/dev", 0755), errno);
    assert_return_code(mount("/proc", "root/proc", NULL, MS_BIND | MS_REC, NULL), errno);
    assert_return_code(mount("/dev", "root/dev", NULL, MS_BIND, NULL), errno);
    assert_return_code(chroot("root"), errno);
}

struct change {
    void (*make)(void);
    const char *words;
};

static const struct change changes[] = {
    {change_user, "user or groups"},   {change_group, "user or groups"}, {change_groups, "user or groups"},
    {drop_capability, "capabilities"}, {forgo_privileges, "seccomp"},    {change_session, "session"},
    {change_root, "root directory"},
};

static void refuse_after(struct testator *testator, const void *data)
{
    const struct change *change = data;
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    pk_auto(pk_command) command = pk_command_new("/bin/true", NULL);
    pk_process *process;
    pk_error error = {0};
    spawning_works(group);
    change->make();
    int r = pk_group_spawn(group, command, &process, &error);
    testator->testament->values[0] = r == -EPERM && error.step == PK_STEP_SPAWNER;
    testator->testament->values[1] = strstr(error.message, change->words) != NULL;
    snprintf(testator->testament->path, sizeof(testator->testament->path), "%s", error.message);
    _exit(0);
}

static void a_changed_owner_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct testator *testator = testator_begin(refuse_after, &changes[i]);
        testator_await_end(testator);
        print_message("%s\n", testator->testament->path);
        assert_int_equal(testator->status, 0);
        assert_true(testator->testament->values[0]);
        assert_true(testator->testament->values[1]);
        testator_close(testator);
    }
}

/* ---- A terminal ------------------------------------------------------------------------------------------------- */

/* As a shell would start it: the leader of the session of a terminal, in the foreground. */
static void run_at_a_terminal(struct testator *testator, const void *data)
{
    struct spawner spawner;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_return_code(grantpt(terminal), errno);
    assert_return_code(unlockpt(terminal), errno);
    assert_return_code(setsid(), errno);
    int end = open(ptsname(terminal), O_RDWR);
    assert_return_code(end, errno);
    assert_int_equal(tcgetpgrp(end), getpgrp());

    pk_group *group = spawning_group(&spawner);
    pk_auto(pk_command) command =
        pk_command_new("/bin/sh", "-c", "exec 3</dev/tty && read -r line <&3 && test \"$line\" = hello", NULL);
    pk_process *process;
    pk_result result;
    pk_error error;
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_int_equal(write(terminal, "hello\n", 6), 6);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    testator->testament->values[0] = pk_result_is_success(&result);
    testator->testament->values[1] = tcgetpgrp(end) == getpgrp();

    /* What the terminal sends with Ctrl-C reaches the command, and not the spawner. */
    signal(SIGINT, SIG_IGN);
    pk_auto(pk_command) sleeper = pk_command_new("/bin/sleep", "100", NULL);
    pk_process_free(process);
    assert_ok(pk_group_spawn(group, sleeper, &process, &error), error);
    assert_int_equal(write(terminal, "\003", 1), 1);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    testator->testament->values[2] = result.signal_number == SIGINT;
    testator->testament->values[3] = !spawner_is_lost(&spawner);
    pk_process_free(process);
    spawning_end(group, &spawner);
    pk_leave();
    _exit(0);
}

static void the_terminal_stays_the_owners_and_its_childrens(void **state)
{
    struct testator *testator = testator_begin(run_at_a_terminal, NULL);
    testator_await_end(testator);
    assert_int_equal(testator->status, 0);
    for (int i = 0; i < 4; i++)
        if (!testator->testament->values[i])
            fail_msg("value %d", i);
    testator_close(testator);
}

/* ---- Many ------------------------------------------------------------------------------------------------------- */

static pk_command *with_descriptors(int count)
{
    pk_command *command = spawning_describer();
    for (int fd = 3; fd < count; fd++)
        pk_command_fd(command, fd, 2);
    return command;
}

static void many_descriptors_are_passed_and_too_many_refused(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    struct description *child = spawning_describe(group, with_descriptors(SPAWNER_MOST_SOURCES));
    assert_int_equal(described_count(child, "fd."), SPAWNER_MOST_SOURCES);
    description_free(child);
    spawning_fails(group, with_descriptors(SPAWNER_MOST_SOURCES + 1), -E2BIG, PK_STEP_SPAWNER);
    spawning_works(group);
    spawning_end(group, &spawner);
}

/* Also with fewer descriptors than the spawner needs for its work. */
static void an_owner_with_few_descriptors_has_few_children_with_more(void **state)
{
    struct rlimit before;
    struct spawner spawner;
    getrlimit(RLIMIT_NOFILE, &before);
    pk_command *command = with_descriptors(20);
    struct rlimit small = {30, before.rlim_max};
    assert_return_code(setrlimit(RLIMIT_NOFILE, &small), errno);
    pk_group *group = spawning_group(&spawner);
    struct description *child = spawning_describe(group, command);
    assert_int_equal(described_count(child, "fd."), 20);
    assert_memory_equal(described(child, "rlimit.nofile"), "30:", 3);
    description_free(child);
    spawning_end(group, &spawner);
    setrlimit(RLIMIT_NOFILE, &before);
}

static void a_big_environment_is_passed(void **state)
{
    struct spawner spawner;
    pk_group *group = spawning_group(&spawner);
    pk_command *command = spawning_describer();
    char *value = malloc(100001), name[32];
    memset(value, 'x', 100000);
    value[100000] = '\0';
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "PK_BIG_%d", i);
        pk_command_setenv(command, name, value);
    }
    struct description *child = spawning_describe(group, command);
    assert_string_equal(described(child, "env.PK_BIG_9"), value);
    description_free(child);
    free(value);
    spawning_end(group, &spawner);
}

struct crowd {
    pk_group *group;
    struct spawner *spawner;
};

static void *start_some(void *data)
{
    struct crowd *crowd = data;
    spawning_divert(crowd->group, crowd->spawner);
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    for (int i = 0; i < 40; i++)
        if (spawning_run(crowd->group, command).exit_code != 5)
            return data;
    return NULL;
}

static void many_threads_may_ask_at_once(void **state)
{
    enum { THREADS = 6 };
    pthread_t threads[THREADS];
    struct crowd crowds[THREADS];
    struct spawner spawner;
    void *complaint;
    pk_group *group = spawning_group(&spawner);
    for (int i = 0; i < THREADS; i++) {
        pk_group_options options = PK_GROUP_OPTIONS_INIT;
        pk_error error;
        crowds[i].spawner = &spawner;
        assert_ok(pk_group_create(&options, &crowds[i].group, &error), error);
        assert_int_equal(pthread_create(&threads[i], NULL, start_some, &crowds[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
        crowds[i].group->backend = &backend_cgroup2;
        pk_group_free(crowds[i].group);
    }
    spawning_settle(&spawner);
    spawning_end(group, &spawner);
}

#define HERE(function)                              \
    PK_TEST_WITH(function, .needs = NEEDS_CGROUP2), \
        PK_TEST_NAMED(#function "@delegated", function, .as = TEST_AS_DELEGATED_USER)

static const struct test tests[] = {
    HERE(the_child_is_its_owners),
    HERE(a_stolen_status_is_known_or_known_to_be_lost),
    HERE(it_begins_with_what_the_owner_has_now),
    HERE(it_joins_the_process_group_that_the_owner_has_now),
    HERE(a_commands_wishes_come_first),
    PK_TEST_WITH(another_user_can_be_asked_for, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_WITH(a_changed_owner_is_refused, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    HERE(the_terminal_stays_the_owners_and_its_childrens),
    HERE(many_descriptors_are_passed_and_too_many_refused),
    HERE(an_owner_with_few_descriptors_has_few_children_with_more),
    PK_TEST_WITH(a_big_environment_is_passed, .needs = NEEDS_CGROUP2),
    HERE(many_threads_may_ask_at_once),
};

PK_TEST_MAIN(tests)
