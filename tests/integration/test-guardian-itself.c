/*
 * The guardian as a process: what it has and what it has not, when there is one, and when it goes.
 */
#include "hierarchy.h"
#include "testator.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- What it is ------------------------------------------------------------------------------------------------- */

static void read_text(char *text, size_t size, pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void read_target(char *text, size_t size, pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    ssize_t length = readlink(path, text, size - 1);
    assert_return_code(length, errno);
    text[length] = '\0';
}

/* It has done its first steps once it does what it is asked. */
static pid_t settled_guardian(void)
{
    guardian_is_asked();
    assert_true(pk_guardian_pid() > 0);
    return pk_guardian_pid();
}

static void it_is_nobodys_child(void **state)
{
    (void)state;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    assert_true(pk_guardian_pid() > 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
    /* Nor any later: its end is not reported here either. */
    int pidfd = guardian_pidfd();
    pk_group_free(group);
    pk_leave();
    assert_true(pidfd_is_dead(pidfd, 10000));
    assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
    assert_int_equal(errno, ECHILD);
    close(pidfd);
}

static int count_descriptors(pid_t pid)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    DIR *fds = opendir(path);
    assert_non_null(fds);
    for (struct dirent *entry; (entry = readdir(fds));)
        count += entry->d_name[0] != '.';
    closedir(fds);
    return count;
}

/* It closes what it has opened for what it was asked a moment after that can be seen to be done. */
static void assert_descriptors(pid_t pid, int expected)
{
    long deadline = clock_ms() + 10000L * test_slowness();
    int count;
    while ((count = count_descriptors(pid)) != expected && clock_ms() < deadline)
        sched_yield();
    assert_int_equal(count, expected);
}

static void it_has_nothing_of_the_owner(void **state)
{
    (void)state;
    char text[4096], own[4096];
    int pipes[2];
    assert_return_code(pipe(pipes), errno); /* without close-on-exec */
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pid_t pid = settled_guardian();

    assert_descriptors(pid, 4);
    read_target(text, sizeof(text), pid, "fd/0");
    assert_int_equal(strncmp(text, "socket:", 7), 0);
    read_target(text, sizeof(text), pid, "fd/1");
    assert_non_null(strstr(text, "pidfd"));
    assert_true(hierarchy_own(own));
    read_target(text, sizeof(text), pid, "fd/2");
    assert_string_equal(text, own);
    read_target(text, sizeof(text), pid, "fd/3");
    assert_int_equal(strncmp(text, own, strlen(own)), 0);
    assert_non_null(strstr(text, "/processkit-"));

    read_target(text, sizeof(text), pid, "cwd");
    assert_string_equal(text, "/");
    read_text(text, sizeof(text), pid, "environ");
    assert_string_equal(text, "");
    read_text(text, sizeof(text), pid, "comm");
    assert_string_equal(text, "pk-guardian\n");
    assert_int_equal(getsid(pid), pid);
    assert_int_equal(getpgid(pid), pid);
    close(pipes[0]);
    close(pipes[1]);
    pk_group_free(group);
}

static void it_is_in_no_group(void **state)
{
    (void)state;
    char text[4096], own[4096];
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    read_text(text, sizeof(text), settled_guardian(), "cgroup");
    read_text(own, sizeof(own), getpid(), "cgroup");
    assert_string_equal(strstr(text, "0::"), strstr(own, "0::"));
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 0);
    pk_group_free(group);
}

static void no_signal_reaches_it(void **state)
{
    (void)state;
    char text[4096];
    unsigned long long blocked;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pid_t pid = settled_guardian();
    int pidfd = guardian_pidfd();
    read_text(text, sizeof(text), pid, "status");
    assert_int_equal(sscanf(strstr(text, "SigBlk:"), "SigBlk: %llx", &blocked), 1);
    unsigned long long unblockable = 1ULL << (SIGKILL - 1) | 1ULL << (SIGSTOP - 1);
    assert_true((blocked | unblockable) == UINT64_MAX);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number != SIGKILL && number != SIGSTOP)
            syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0); /* the C library's own among them */
    guardian_is_asked();
    assert_false(pidfd_is_dead(pidfd, 0));
    assert_int_equal(pk_guardian_pid(), pid);
    assert_int_equal(pk_guardian_losses(), 0);
    close(pidfd);
    pk_group_free(group);
}

/* ---- When it goes ----------------------------------------------------------------------------------------------- */

/* When pk_leave returns, it is gone: who contains this process would take it for something that was left behind. Only
 * where it is not scheduled for long it may go later. */
static bool is_gone(int pidfd)
{
    return pidfd_is_dead(pidfd, test_slowness() > 1 ? GONE_MS : 0);
}

static void it_is_gone_when_the_owner_has_left(void **state)
{
    (void)state;
    for (int round = 0; round < 30; round++) {
        pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
        int pidfd = guardian_pidfd();
        pk_group_free(group);
        pk_leave();
        assert_int_equal(pk_guardian_pid(), 0);
        assert_true(is_gone(pidfd));
        assert_int_equal(cast_count_directories(), 0);
        close(pidfd);
    }
    assert_int_equal(pk_guardian_losses(), 0);
}

static void leave_with_a_group(struct testator *testator, const void *data)
{
    cast_start(cast_group(PK_MECHANISM_CGROUP2), data, "wide 3 -- ignore TERM");
    testator_say(testator);
    testator_listen(testator);
    pk_leave();
    testator_say(testator);
    testator_listen(testator);
    _exit(0);
}

static void leaving_ends_groups_that_were_not_freed(void **state)
{
    (void)state;
    struct witness *witness = witness_new();
    struct testator *testator = testator_begin(leave_with_a_group, witness);
    testator_hear(testator);
    int guardian = dup(testator->guardian);
    witness_ready(witness);
    testator_tell(testator);
    testator_hear(testator);
    assert_int_equal(testator->testament->guardian, 0);
    witness_assert_dead(witness, GONE_MS);
    assert_true(is_gone(guardian));
    assert_int_equal(cast_count_directories_of(testator->owner), 0);
    testator_tell(testator);
    testator_await_end(testator);
    close(guardian);
    testator_close(testator);
    witness_free(witness);
}

/* ---- When there is none ----------------------------------------------------------------------------------------- */

static void process_groups_have_none(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_PROCESS_GROUP;
    pk_group *group = cast_group(PK_MECHANISM_PROCESS_GROUP);
    assert_int_equal(pk_guardian_pid(), 0);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    pk_command_contain(command, &options);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(pk_guardian_pid(), 0);
    pk_group_free(group);
}

static void it_can_be_switched_off(void **state)
{
    (void)state;
    pk_error error;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    options.require = PK_GUARANTEE_OWNER_DEATH;
    assert_ok(pk_guardian_enable(false, &error), error);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2), *refused = NULL;
    assert_int_equal(pk_guardian_pid(), 0);
    assert_false(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_non_null(strstr(pk_group_refusal(group), "switched off"));
    assert_int_equal(pk_group_create(&options, &refused, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "owner-death"));
    assert_non_null(strstr(error.message, "switched off"));

    assert_int_equal(pk_guardian_enable(true, &error), -EBUSY);
    assert_int_equal(error.number, -EBUSY);
    assert_ok(pk_guardian_enable(false, &error), error); /* nothing to change */
    pk_group_free(group);
    assert_int_equal(pk_guardian_enable(true, &error), -EBUSY); /* the directory is still there */

    pk_leave();
    assert_ok(pk_guardian_enable(true, &error), error);
    group = cast_group(PK_MECHANISM_CGROUP2);
    assert_true(pk_guardian_pid() > 0);
    assert_true(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH);
    assert_null(pk_group_refusal(group));
    assert_int_equal(pk_guardian_enable(false, &error), -EBUSY);
    pk_group_free(group);
}

/* ---- Forked copies ---------------------------------------------------------------------------------------------- */

static void own_a_group_in_the_copy(struct testator *testator, const void *data)
{
    bool inherited = pk_guardian_pid() != 0 || pk_guardian_losses() != 0;
    cast_start(cast_group(PK_MECHANISM_CGROUP2), data, "wide 2");
    testator->testament->values[0] = inherited;
    testator_say(testator);
    testator_listen(testator);
    exit(0); /* its copies of the handles of its parent are none of its business */
}

static void a_forked_copy_has_its_own(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    struct witness *mine = witness_new(), *its = witness_new();
    pk_process *process = cast_adversary(group, mine, "wide 2");
    int lost = guardian_pidfd();
    signal_pidfd(lost, SIGKILL);
    assert_true(pidfd_is_dead(lost, 10000));
    close(lost);
    pk_group *next = cast_group(PK_MECHANISM_CGROUP2);
    assert_int_equal(pk_guardian_losses(), 1); /* which are not the copy's */
    int guardian = guardian_pidfd();

    struct testator *testator = testator_begin(own_a_group_in_the_copy, its);
    testator_hear(testator);
    witness_ready(its);
    assert_int_equal(testator->testament->values[0], 0);
    assert_int_not_equal(testator->testament->guardian, pk_guardian_pid());
    testator_tell(testator);
    testator_assert_nothing_left(testator);
    witness_assert_dead(its, GONE_MS);
    guardian_is_asked();
    assert_false(pidfd_is_dead(guardian, 0));
    witness_assert_alive(mine);
    assert_int_equal(pk_guardian_losses(), 1);
    testator_close(testator);

    assert_ok(pk_group_kill(group, &error), error);
    pk_process_free(process);
    pk_group_free(group);
    pk_group_free(next);
    close(guardian);
    witness_free(mine);
    witness_free(its);
}

/* ---- Limits that the owner has ---------------------------------------------------------------------------------- */

/* The image is written to a file in memory, and SIGXFSZ would be the program's end. */
static void a_limit_of_file_size_is_not_deadly(void **state)
{
    (void)state;
    const struct rlimit little = {512, RLIM_INFINITY};
    assert_return_code(setrlimit(RLIMIT_FSIZE, &little), errno);
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    if (!(pk_group_guarantees(group) & PK_GUARANTEE_OWNER_DEATH))
        assert_non_null(strstr(pk_group_refusal(group), strerror(EFBIG)));
    pk_group_free(group);
}

static const struct test tests[] = {
    PK_TEST_WITH(it_is_nobodys_child, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(it_has_nothing_of_the_owner, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(it_is_in_no_group, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(no_signal_reaches_it, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(it_is_gone_when_the_owner_has_left, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(leaving_ends_groups_that_were_not_freed, .needs = NEEDS_CGROUP2),
    PK_TEST(process_groups_have_none),
    PK_TEST_WITH(it_can_be_switched_off, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_forked_copy_has_its_own, .needs = NEEDS_CGROUP2),
    PK_TEST_WITH(a_limit_of_file_size_is_not_deadly, .needs = NEEDS_CGROUP2),
};

PK_TEST_MAIN(tests)
