/*
 * Tests that go wrong, each in one way: what test-harness.c runs.
 */
#include "harness.h"
#include "witness.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void good(void **state)
{
    assert_int_equal(close(open(scratch("own"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
}

static void wrong(void **state)
{
    printf("before it\n");
    assert_int_equal(1, 2);
}

static void wrong_in_lines(void **state)
{
    printf("not ok 7 - forged\n\033[31mred\n");
    fail();
}

static void skips(void **state)
{
    skip_test("a machine with %d processors", 1000);
}

static void skips_silently(void **state)
{
    skip();
}

static void needs_controllers(void **state)
{
}

static void leaks_fd(void **state)
{
    assert_return_code(open("/dev/zero", O_RDONLY | O_CLOEXEC), 0);
}

static void closes_stdin(void **state)
{
    close(STDIN_FILENO);
}

static void leaks_child(void **state)
{
    if (fork() == 0)
        pause();
}

static void leaks_zombie(void **state)
{
    siginfo_t info;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
}

/* Returns the pid of a process that is nobody's child here, ignores what it can, and lives until it is killed. */
static void start_orphan(void (*become)(void))
{
    int ready[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (fork() > 0)
            _exit(0);
        become();
        assert_int_equal(write(ready[1], "x", 1), 1);
        close(ready[1]);
        for (;;)
            pause();
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
}

static void become_stubborn(void)
{
    setsid();
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

static void become_subreaper(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    start_orphan(become_stubborn);
}

static void leaks_orphan(void **state)
{
    start_orphan(become_stubborn);
}

static void leaks_subreaper(void **state)
{
    start_orphan(become_subreaper);
}

static void *wait_for_ever(void *data)
{
    pause();
    return data;
}

static void leaks_thread(void **state)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, NULL), 0);
}

static void leaks_file(void **state)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/forgotten", getenv("TMPDIR"));
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
}

static void leaks_cgroup(void **state)
{
    char command[256];
    snprintf(command, sizeof(command),
             "mkdir -p \"$(awk '$0 ~ / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)"
             "$(sed -n 's/^0:://p' /proc/self/cgroup)/processkit-%d-0/g0\"",
             getpid());
    assert_int_equal(system(command), 0);
}

static void is_killed(void **state)
{
    raise(SIGKILL);
}

static void crashes(void **state)
{
    raise(SIGSEGV);
}

static void exits(void **state)
{
    exit(0);
}

static void hangs(void **state)
{
    start_orphan(become_subreaper);
    pause();
}

static void is_ordinary(void **state)
{
    assert_int_not_equal(getuid(), 0);
    assert_int_equal(setuid(0), -1);
    assert_int_equal(access(".", W_OK), 0);
    assert_int_equal(access(getenv("TMPDIR"), W_OK), 0);
    assert_int_equal(access(adversary_path(), X_OK), 0);
}

static void kills_what_it_did_not_start(void **state)
{
    struct witness *witness = witness_new();
    FILE *report = fopen(witness_path(witness), "we");
    fprintf(report, "1 not-ours\nready\n");
    fclose(report);
    witness_ready(witness);
}

static const struct test tests[] = {
    PK_TEST(good),
    PK_TEST(wrong),
    PK_TEST(wrong_in_lines),
    PK_TEST(skips),
    PK_TEST(skips_silently),
    PK_TEST_WITH(needs_controllers, .needs = NEEDS_CONTROLLERS),
    PK_TEST_AS_USER(needs_controllers, .needs = NEEDS_CGROUP2),
    PK_TEST(leaks_fd),
    PK_TEST(closes_stdin),
    PK_TEST(leaks_child),
    PK_TEST(leaks_zombie),
    PK_TEST(leaks_orphan),
    PK_TEST(leaks_subreaper),
    PK_TEST(leaks_thread),
    PK_TEST(leaks_file),
    PK_TEST_WITH(leaks_cgroup, .needs = NEEDS_CGROUP2),
    PK_TEST(is_killed),
    PK_TEST(crashes),
    PK_TEST(exits),
    PK_TEST_WITH(hangs, .deadline_s = 1),
    PK_TEST_AS_USER(is_ordinary),
    PK_TEST_AS_DELEGATED_USER(is_ordinary, .needs = NEEDS_CGROUP2),
    PK_TEST(kills_what_it_did_not_start),
};

PK_TEST_MAIN(tests)
