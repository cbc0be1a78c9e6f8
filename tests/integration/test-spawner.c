/*
 * Spawners: they start commands and guardians where their owner may not, keep nothing of it, and end with it.
 */
#include "filter.h"
#include "hierarchy.h"
#include "sys/fault.h"
#include "sys/sys.h"
#include "testator.h"

#undef assert_ok /* the next has a better one */
#include "spawning.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ORDINARY_USER = 65534 };

/* ---- Where the owner may not ------------------------------------------------------------------------------------ */

/* Directories of an ordinary user who lives outside: what a service manager gives away. */
struct scope {
    char home[PATH_MAX];
    char leaf[PATH_MAX + 16];  /* for the spawner */
    char group[PATH_MAX + 16]; /* for commands */
};

static struct placement elsewhere;

static int place_elsewhere(pk_group *group, struct placement *placement, pk_error *error)
{
    int r = backend_process_group.place(group, placement, error);
    placement->cgroup_fd = elsewhere.cgroup_fd;
    placement->spawner = elsewhere.spawner;
    return r;
}

static void become_ordinary(void)
{
    assert_return_code(setgroups(0, NULL), errno);
    assert_return_code(setresgid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER), errno);
    assert_return_code(setresuid(ORDINARY_USER, ORDINARY_USER, ORDINARY_USER), errno);
    prctl(PR_SET_DUMPABLE, 1);
}

static void start_in_scope(struct testator *testator, const void *data)
{
    const struct scope *scope = data;
    static struct backend diverted;
    struct spawner spawner;
    pk_error error;
    become_ordinary();
    spawning_start(&spawner);
    testator->testament->values[0] = spawner.pid;
    testator_say(testator);
    testator_listen(testator); /* the spawner has been moved */

    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group;
    options.mechanism = PK_MECHANISM_PROCESS_GROUP;
    assert_ok(pk_group_create(&options, &group, &error), error);
    elsewhere.cgroup_fd = open(scope->group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_return_code(elsewhere.cgroup_fd, errno);
    diverted = backend_process_group;
    diverted.place = place_elsewhere;
    group->backend = &diverted;
    spawning_fails(group, pk_command_new("/bin/true", NULL), -EACCES, PK_STEP_CLONE);

    elsewhere.spawner = &spawner;
    struct description *child = spawning_describe(group, spawning_describer());
    testator->testament->values[1] = strcmp(strrchr(described(child, "cgroup"), '/'), "/group") == 0;
    testator->testament->values[2] = strcmp(described(child, "ppid"), spawning_format(getpid())) == 0;
    description_free(child);
    group->backend = &backend_process_group;
    pk_group_free(group);
    spawning_stop(&spawner);
    _exit(0);
}

static void make_for_user(const char *path, bool with_processes)
{
    char file[PATH_MAX + 64];
    assert_return_code(mkdir(path, 0755), errno);
    assert_return_code(chown(path, ORDINARY_USER, ORDINARY_USER), errno);
    snprintf(file, sizeof(file), "%s/cgroup.procs", path);
    if (with_processes)
        assert_return_code(chown(file, ORDINARY_USER, ORDINARY_USER), errno);
}

static void move(pid_t pid, const char *path)
{
    char file[PATH_MAX + 64];
    snprintf(file, sizeof(file), "%s/cgroup.procs", path);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(write(fd, spawning_format(pid), strlen(spawning_format(pid))) > 0);
    close(fd);
}

static void a_spawner_starts_where_its_owner_may_not(void **state)
{
    struct scope scope;
    char own[PATH_MAX];
    assert_true(hierarchy_own(own));
    assert_true(hierarchy_delegate(own, ORDINARY_USER, scope.home));
    snprintf(scope.leaf, sizeof(scope.leaf), "%s/leaf", scope.home);
    snprintf(scope.group, sizeof(scope.group), "%s/group", scope.home);
    make_for_user(scope.leaf, true);
    make_for_user(scope.group, true);
    assert_return_code(chmod(scratch("."), 0777), errno);

    struct testator *testator = testator_begin(start_in_scope, &scope);
    testator_hear_of_no_guardian(testator);
    move((pid_t)testator->testament->values[0], scope.leaf);
    testator_tell(testator);
    testator_await_end(testator);
    assert_int_equal(testator->status, 0);
    assert_true(testator->testament->values[1]);
    assert_true(testator->testament->values[2]);
    testator_close(testator);
    hierarchy_remove(scope.home);
}

/* ---- The spawner itself ----------------------------------------------------------------------------------------- */

static void it_keeps_nothing_of_its_owner_and_sleeps(void **state)
{
    struct spawner spawner;
    char path[64], cwd[64] = "";
    pk_group *group = spawning_group(&spawner);
    spawning_works(group);
    snprintf(path, sizeof(path), "/proc/%d/cwd", spawner.pid);
    assert_true(readlink(path, cwd, sizeof(cwd) - 1) > 0);
    assert_string_equal(cwd, "/");
    spawning_settle(&spawner);
    assert_int_equal(getpgid(spawner.pid), spawner.pid);
    assert_int_equal(getsid(spawner.pid), getsid(0));
    assert_true(spawning_status_number(spawner.pid, "VmRSS:") < 128);
    for (int s = 1; s <= SIGRTMAX; s++) /* nothing but the two that nobody can refuse */
        if (s != SIGKILL && s != SIGSTOP)
            assert_return_code(kill(spawner.pid, s), errno);

    long before = spawning_status_number(spawner.pid, "voluntary_ctxt_switches:");
    pk_auto(pk_command) command = pk_command_new("/bin/sleep", "0.3", NULL);
    spawning_divert(group, NULL);
    spawning_run(group, command);
    assert_int_equal(spawning_status_number(spawner.pid, "voluntary_ctxt_switches:"), before);
    spawning_divert(group, &spawner);
    spawning_works(group);
    spawning_end(group, &spawner);
}

static void start_and_live(struct testator *testator, const void *data)
{
    struct spawner spawner;
    spawning_start(&spawner);
    testator->testament->values[0] = spawner.pid;
    pid_t copy = strcmp(data, "copy") == 0 ? fork() : -1;
    if (copy == 0) { /* holds on to everything else, but knows that it is a copy */
        spawner_forget(&spawner);
        testator->testament->values[1] = getpid();
        testator_say(testator);
        for (;;)
            pause();
    }
    if (copy < 0)
        testator_say(testator);
    testator_listen(testator);
    if (strcmp(data, "leave") == 0)
        _exit(0);
    execl("/bin/sleep", "sleep", "100", NULL);
    _exit(1);
}

static void it_ends_with_its_owner(void **state)
{
    assert_return_code(prctl(PR_SET_CHILD_SUBREAPER, 1), errno); /* the copy comes here in the end */
    struct testator *testator = testator_begin(start_and_live, *state);
    testator_hear_of_no_guardian(testator);
    int pidfd = sys_pidfd_open((pid_t)testator->testament->values[0]);
    assert_return_code(pidfd, errno);
    assert_false(pidfd_is_dead(pidfd, 0));
    if (strcmp(*state, "killed") == 0)
        testator_signal(testator, SIGKILL);
    else
        testator_tell(testator);
    assert_true(pidfd_is_dead(pidfd, 5000));
    close(pidfd);
    pid_t copy = (pid_t)testator->testament->values[1];
    testator_close(testator);
    if (copy > 0)
        assert_return_code(kill(copy, SIGKILL), errno);
    while (waitpid(-1, NULL, 0) > 0) /* it, and the spawner */
        continue;
}

static void a_stopped_spawner_is_taken_away(void **state)
{
    struct spawner spawner;
    spawning_start(&spawner);
    assert_return_code(kill(spawner.pid, SIGSTOP), errno);
    spawning_stop(&spawner);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    spawner_stop(&spawner); /* again: nothing */
}

/* ---- Other ways than the best ----------------------------------------------------------------------------------- */

/* Some kernels kill at birth what comes from a cgroup that was once killed. */
static void a_spawner_in_a_killed_cgroup_makes_its_children_join(void **state)
{
    struct spawner spawner;
    char own[PATH_MAX], killed[PATH_MAX + 32], file[PATH_MAX + 64];
    pk_group *group = spawning_group(&spawner);
    assert_true(hierarchy_own(own));
    snprintf(killed, sizeof(killed), "%s/killed-%d", own, getpid());
    assert_return_code(mkdir(killed, 0755), errno);
    snprintf(file, sizeof(file), "%s/cgroup.kill", killed);
    int kill_file = open(file, O_WRONLY | O_CLOEXEC);
    bool kills = kill_file >= 0 && write(kill_file, "1", 1) == 1;
    close(kill_file);
    move(spawner.pid, killed);
    sys_fault_clear();
    spawning_works(group);
    int way = spawner.way;
    bool poisoned = sys_fault_count("sendmsg") == 2; /* not by every kernel: then the first child was killed at birth */
    spawning_end(group, &spawner);
    hierarchy_remove(killed);
    if (!kills)
        skip_test("a kernel with cgroup.kill");
    assert_int_equal(way, poisoned);
    print_message(poisoned ? "this kernel has the poison\n" : "this kernel has no poison\n");
}

static void old_kernels_and_filters_will_do(void **state)
{
    struct spawner spawner;
    filter_new_calls();
    pk_group *group = spawning_group(&spawner);
    struct description *child = spawning_describe(group, spawning_describer());
    assert_described(child, "ppid", spawning_format(getpid()));
    assert_string_equal(strrchr(described(child, "cgroup"), '/'), strrchr(pk_group_path(group), '/'));
    assert_int_equal(described_count(child, "fd."), 3);
    description_free(child);
    assert_int_equal(spawner.way, 2);
    spawning_works(group);
    spawning_fails(group, pk_command_new("/no/such/program", NULL), -ENOENT, PK_STEP_EXEC);
    spawning_settle(&spawner);
    spawning_end(group, &spawner);
}

/* ---- A child that hangs before exec ----------------------------------------------------------------------------- */

struct crowd {
    pk_group *group;
    struct spawner *spawner;
};

static void *start_in_frozen(void *data)
{
    struct crowd *crowd = data;
    spawning_divert(crowd->group, crowd->spawner);
    spawning_works(crowd->group);
    return NULL;
}

static void write_attribute(pk_group *group, const char *name, const char *text)
{
    char file[600];
    snprintf(file, sizeof(file), "%s/%s", pk_group_path(group), name);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    assert_return_code(fd, errno);
    assert_true(write(fd, text, strlen(text)) > 0);
    close(fd);
}

/* Born into a frozen cgroup it does not come to exec; others are started meanwhile. */
static void a_child_that_hangs_keeps_nobody_else_waiting(void **state)
{
    struct spawner spawner;
    struct pollfd never = {.fd = -1};
    pthread_t thread;
    pk_error error;
    pk_group *group = spawning_group(&spawner), *frozen;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    assert_ok(pk_group_create(&options, &frozen, &error), error);
    struct crowd crowd = {frozen, &spawner};
    write_attribute(frozen, "cgroup.freeze", "1");
    assert_int_equal(pthread_create(&thread, NULL, start_in_frozen, &crowd), 0);
    while (pk_group_members(frozen, NULL, 0, &error) == 0)
        poll(&never, 1, 1);
    for (int i = 0; i < 10; i++)
        spawning_works(group);
    write_attribute(frozen, "cgroup.freeze", "0");
    pthread_join(thread, NULL);
    frozen->backend = &backend_cgroup2;
    pk_group_free(frozen);
    spawning_end(group, &spawner);
}

/* ---- Guardians -------------------------------------------------------------------------------------------------- */

static void a_guardian_outlives_its_spawner(void **state)
{
    struct spawner spawner;
    struct guardian guardian, other;
    char name[64];
    pk_error error;
    int parent = spawning_open_place();
    snprintf(name, sizeof(name), "guarded-%d", getpid());
    spawning_start(&spawner);
    assert_ok(spawner_start_guardian(&spawner, &guardian, parent, name, true, &error), error);
    assert_true(guardian.pid > 0);
    assert_int_equal(getsid(guardian.pid), guardian.pid);
    assert_int_equal(spawning_status_number(guardian.pid, "PPid:"), spawner.pid);
    while (spawning_count_descriptors(guardian.pid) != 4) /* three, and the directory it guards */
        sched_yield();
    assert_false(guardian_is_lost(&guardian));
    assert_int_equal(mkdirat(parent, name, 0755), -1);
    assert_int_equal(errno, EEXIST);

    assert_error(spawner_start_guardian(&spawner, &other, parent, name, true, &error), error, -EEXIST,
                 PK_STEP_MAKE_CGROUP);
    assert_int_equal(other.control, -1);
    spawning_stop(&spawner);
    assert_false(guardian_is_lost(&guardian));
    assert_int_equal(guardian_tell(&guardian, GUARDIAN_SPARE, "g1"), 0);

    int pidfd = guardian_open(&guardian);
    assert_return_code(pidfd, errno);
    close(guardian.control); /* the owner is gone */
    assert_true(pidfd_is_dead(pidfd, 5000));
    assert_int_equal(faccessat(parent, name, F_OK, 0), -1);
    close(pidfd);
    close(parent);
}

/* A lost one is replaced without making the directory. None of them is left as a zombie. */
static void guardians_come_and_go(void **state)
{
    struct spawner spawner;
    struct guardian guardian;
    char name[64];
    pk_error error;
    int parent = spawning_open_place();
    snprintf(name, sizeof(name), "guarded-%d", getpid());
    spawning_start(&spawner);
    for (int i = 0; i < 20; i++) {
        assert_ok(spawner_start_guardian(&spawner, &guardian, parent, name, i == 0, &error), error);
        if (i == 19)
            break;
        guardian_kill(&guardian);
        assert_true(guardian_is_lost(&guardian));
        close(guardian.control);
    }
    spawning_settle(&spawner);
    int pidfd = guardian_open(&guardian);
    close(guardian.control);
    assert_true(pidfd_is_dead(pidfd, 5000));
    assert_error(spawner_start_guardian(&spawner, &guardian, parent, "a/b", true, &error), error, -EPROTO,
                 PK_STEP_SPAWNER);
    spawning_stop(&spawner);
    assert_error(spawner_start_guardian(&spawner, &guardian, parent, name, true, &error), error, -EPIPE,
                 PK_STEP_SPAWNER);
    assert_int_equal(faccessat(parent, name, F_OK, 0), -1);
    close(pidfd);
    close(parent);
}

#define HERE(function)                              \
    PK_TEST_WITH(function, .needs = NEEDS_CGROUP2), \
        PK_TEST_NAMED(#function "@delegated", function, .as = TEST_AS_DELEGATED_USER)

static const struct test tests[] = {
    PK_TEST_WITH(a_spawner_starts_where_its_owner_may_not, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    HERE(it_keeps_nothing_of_its_owner_and_sleeps),
    PK_TEST_NAMED("it_ends_with_its_owner/exec", it_ends_with_its_owner, .data = "exec"),
    PK_TEST_NAMED("it_ends_with_its_owner/copy", it_ends_with_its_owner, .data = "copy"),
    PK_TEST_NAMED("it_ends_with_its_owner/leave", it_ends_with_its_owner, .data = "leave"),
    PK_TEST_NAMED("it_ends_with_its_owner/killed", it_ends_with_its_owner, .data = "killed"),
    PK_TEST(a_stopped_spawner_is_taken_away),
    PK_TEST_WITH(a_spawner_in_a_killed_cgroup_makes_its_children_join, .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    HERE(old_kernels_and_filters_will_do),
    HERE(a_child_that_hangs_keeps_nobody_else_waiting),
    HERE(a_guardian_outlives_its_spawner),
    HERE(guardians_come_and_go),
};

PK_TEST_MAIN(tests)
