/*
 * Owners in processes of their own.
 */
#include "testator.h"

#include "sys/fault.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

static int patience(void)
{
    return PATIENCE_MS * (int)test_slowness();
}

static int open_pidfd(pid_t pid)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_return_code(pidfd, errno);
    return pidfd;
}

void signal_pidfd(int pidfd, int signal_number)
{
    assert_return_code(syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0), errno);
}

/* ---- Beginning and ending --------------------------------------------------------------------------------------- */

struct testator *testator_begin(void (*live)(struct testator *testator, const void *data), const void *data)
{
    struct testator *testator = calloc(1, sizeof(*testator));
    assert_non_null(testator);
    testator->testament =
        mmap(NULL, sizeof(*testator->testament), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(testator->testament != MAP_FAILED);
    assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, testator->ends), errno);
    testator->guardian = -1;
    testator->pid = fork();
    assert_return_code(testator->pid, errno);
    if (testator->pid == 0) {
        close(testator->ends[0]);
        live(testator, data);
        _exit(99); /* it should have ended by itself */
    }
    close(testator->ends[1]);
    testator->owner = testator->pid;
    testator->pidfd = open_pidfd(testator->pid);
    return testator;
}

void testator_await_end(struct testator *testator)
{
    assert_true(pidfd_is_dead(testator->pidfd, patience()));
    assert_int_equal(waitpid(testator->pid, &testator->status, 0), testator->pid);
    testator->pid = 0;
}

void testator_signal(struct testator *testator, int signal_number)
{
    signal_pidfd(testator->pidfd, signal_number);
}

void testator_assert_nothing_left(struct testator *testator)
{
    assert_true(testator->guardian >= 0);
    assert_true(pidfd_is_dead(testator->guardian, patience()));
    assert_int_equal(cast_count_directories_of(testator->owner), 0);
}

void testator_close(struct testator *testator)
{
    if (testator->pid > 0) {
        testator_signal(testator, SIGKILL);
        testator_await_end(testator);
    }
    close(testator->pidfd);
    close(testator->ends[0]);
    if (testator->guardian >= 0)
        close(testator->guardian);
    munmap(testator->testament, sizeof(*testator->testament));
    free(testator);
}

/* ---- Saying and hearing ----------------------------------------------------------------------------------------- */

static void wait_for_word(int end)
{
    char byte;
    struct pollfd fd = {.fd = end, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, patience()), 1);
    assert_int_equal(read(end, &byte, 1), 1);
}

void testator_say(struct testator *testator)
{
    testator->testament->guardian = pk_guardian_pid();
    assert_int_equal(write(testator->ends[1], ".", 1), 1);
}

void testator_listen(struct testator *testator)
{
    wait_for_word(testator->ends[1]);
}

void testator_hear_of_no_guardian(struct testator *testator)
{
    wait_for_word(testator->ends[0]);
}

void testator_hear(struct testator *testator)
{
    wait_for_word(testator->ends[0]);
    if (testator->guardian >= 0)
        close(testator->guardian);
    testator->guardian = testator->testament->guardian > 0 ? open_pidfd(testator->testament->guardian) : -1;
}

void testator_tell(struct testator *testator)
{
    assert_int_equal(write(testator->ends[0], ".", 1), 1);
}

/* ---- Guardians -------------------------------------------------------------------------------------------------- */

int guardian_pidfd(void)
{
    assert_true(pk_guardian_pid() > 0);
    return open_pidfd(pk_guardian_pid());
}

/* There is no event for it that is not the kernel's of the very directory. */
bool path_vanishes(const char *path, int patience_ms)
{
    long deadline = clock_ms() + (long)patience_ms * test_slowness();
    while (access(path, F_OK) == 0) {
        if (clock_ms() > deadline)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

void guardian_is_asked(void)
{
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    char path[512];
    snprintf(path, sizeof(path), "%s", pk_group_path(group));
    assert_return_code(pk_group_kill(group, NULL), 0); /* no other group may have its directory */
    sys_fault_clear();
    sys_fault_set("unlinkat", 0, EBUSY);
    pk_group_free(group);
    sys_fault_clear();
    assert_true(path_vanishes(path, PATIENCE_MS));
}

/* ---- From nothing to nothing ------------------------------------------------------------------------------------ */

int testator_try_group(pk_group **group, pk_error *error)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    *group = NULL;
    *error = (pk_error){0};
    return pk_group_create(&options, group, error);
}

void testator_leave_and_compare(pk_group *group, int descriptors, const char *what)
{
    pk_group_free(group);
    pk_leave();
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
        fail_msg("%s: a child was left", what);
    if (cast_count_descriptors() != descriptors)
        fail_msg("%s: %d descriptors, and %d before", what, cast_count_descriptors(), descriptors);
    if (cast_count_directories() != 0)
        fail_msg("%s: a directory was left", what);
}
