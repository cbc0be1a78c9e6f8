/*
 * The adversary itself: a test that runs against a harmless child proves nothing.
 */
#include "harness.h"
#include "hierarchy.h"
#include "lines.h"
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 16 };

/* Without the library. The report comes first, then the words. */
static pid_t start(const struct witness *witness, const char *const words[])
{
    const char *arguments[MOST_WORDS + 4] = {adversary_path(), "--report", witness_path(witness)};
    for (int i = 0; words[i]; i++)
        arguments[3 + i] = words[i];
    pid_t pid = fork();
    if (pid == 0) {
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

#define START(witness, ...) start((witness), (const char *const[]){__VA_ARGS__, NULL})

static int reap(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void end(struct witness *witness, pid_t leader)
{
    kill(leader, SIGKILL);
    reap(leader);
    witness_free(witness);
}

/* The field of /proc/PID/status as text. */
static const char *status_of(pid_t pid, const char *field)
{
    static char line[256];
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) && strncmp(line, field, strlen(field)) != 0)
        ;
    fclose(status);
    line[strcspn(line, "\n")] = '\0';
    return line + strlen(field) + 2;
}

static bool has_signal(pid_t pid, const char *field, int number)
{
    return strtoull(status_of(pid, field), NULL, 16) >> (number - 1) & 1;
}

/* ---- Shapes ----------------------------------------------------------------------------------------------------- */

static void a_tree_is_of_all_kinds(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "tree", "23");
    witness_ready(witness);
    assert_int_equal(witness_total(witness), 23);
    witness_assert_alive(witness);
    assert_int_equal(witness_pid(witness, 0), leader);
    int kinds = 0;
    for (size_t i = 1; i < witness_total(witness); i++) {
        const char *name = witness_name(witness, i);
        pid_t pid = witness_pid(witness, i);
        assert_int_equal(getsid(pid) == pid, strstr(name, "setsid") != NULL);
        assert_int_equal(has_signal(pid, "SigIgn", SIGTERM), strstr(name, "ignore-TERM") != NULL);
        assert_int_equal(has_signal(pid, "SigBlk", SIGTERM), strstr(name, "block-all") != NULL);
        kinds |= strstr(name, "double-fork") ? 1 : strstr(name, "plain") ? 2 : 0;
    }
    assert_int_equal(kinds, 3);
    end(witness, leader);
}

static void numbers_are_kept(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "wide", "5", "--", "deep", "3", "--", "hold");
    witness_ready(witness);
    assert_int_equal(witness_total(witness), 1 + 5 + 5 * 3);
    witness_assert_alive(witness);
    end(witness, leader);
}

static void a_daemon_is_nobodys_child(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "daemonise", "--", "hold");
    assert_int_equal(reap(leader), 0);
    witness_ready(witness);
    assert_int_equal(witness_total(witness), 3);
    assert_true(pidfd_is_dead(witness_pidfd(witness, 1), 5000)); /* it stood, and was about to exit */
    assert_int_equal(witness_alive(witness), 1);
    pid_t pid = witness_pid(witness, witness_find(witness, "daemon"));
    assert_int_not_equal(getsid(pid), getsid(0));
    assert_int_not_equal(atoi(status_of(pid, "PPid")), getpid());
    witness_free(witness);
}

static void a_leader_leaves_only_when_all_stand(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "leave", "9", "--", "wide", "3", "--", "hold");
    assert_int_equal(reap(leader), 9);
    witness_update(witness);
    assert_int_equal(witness_total(witness), 5);
    assert_int_equal(witness_alive(witness), 4);
    witness_free(witness);

    witness = witness_new();
    assert_int_equal(reap(START(witness, "leave-by", "KILL", "--", "hold")), -SIGKILL);
    witness_ready(witness);
    assert_int_equal(witness_alive(witness), 1);
    witness_free(witness);
}

static void a_child_passes_its_status_on(void **state)
{
    struct witness *witness = witness_new();
    assert_int_equal(reap(START(witness, "child", "--", "setsid", "--", "exit", "44")), 44);
    witness_free(witness);
}

/* ---- Storms ----------------------------------------------------------------------------------------------------- */

static void a_storm_is_bounded(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "storm", "40", "5000");
    witness_count(witness, 41);
    witness_ready(witness);
    assert_int_equal(witness_total(witness), 41);
    witness_assert_alive(witness);
    end(witness, leader);
}

static void a_hopper_is_never_the_same(void **state)
{
    char life_s[16];
    struct witness *witness = witness_new();
    snprintf(life_s, sizeof(life_s), "%u", test_slowness());
    pid_t leader = START(witness, "--life", life_s, "hop", "60000");
    witness_count(witness, 50);
    assert_true(witness_alive(witness) < 10);
    assert_int_equal(reap(leader), -SIGKILL);
    witness_assert_dead(witness, 5000);
    witness_free(witness);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void signals_are_caught_and_answered(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "catch", "USR1", "--", "fork-on", "USR2", "--", "catch-exit", "TERM", "7");
    witness_ready(witness);
    kill(leader, SIGUSR1);
    assert_int_equal(witness_remark(witness, "got USR1"), leader);
    kill(leader, SIGUSR2);
    assert_int_equal(witness_remark(witness, "got USR2"), leader);
    witness_count(witness, 2);
    witness_find(witness, "forked-late");
    kill(leader, SIGTERM);
    assert_int_equal(reap(leader), 7);
    witness_free(witness);
}

static void a_stopped_one_stands_still(void **state)
{
    int status;
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "stop", "--", "exit", "3");
    witness_ready(witness);
    assert_int_equal(waitpid(leader, &status, WUNTRACED), leader);
    assert_true(WIFSTOPPED(status));
    kill(leader, SIGCONT);
    assert_int_equal(reap(leader), 3);
    assert_int_equal(witness_remark(witness, "continued"), leader);
    witness_free(witness);
}

/* Whatever they block, and even stopped: nothing of an adversary stays forever. */
static void lives_are_limited(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "--life", "1", "tree", "7", "--", "block-all", "--", "stop");
    witness_ready(witness);
    witness_assert_dead(witness, 5000);
    assert_int_equal(reap(leader), -SIGKILL);
    witness_free(witness);
}

/* ---- Resources -------------------------------------------------------------------------------------------------- */

static void memory_and_threads_are_there(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "memory", "64", "--", "threads", "5", "--", "hold");
    witness_ready(witness);
    assert_true(atol(status_of(leader, "VmRSS")) > 64 * 1024);
    assert_int_equal(atoi(status_of(leader, "Threads")), 6);
    end(witness, leader);
}

static void a_process_can_lose_its_main_thread(void **state)
{
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "lose-main-thread");
    witness_ready(witness);
    assert_int_equal(status_of(leader, "State")[0], 'Z');
    witness_assert_alive(witness);
    end(witness, leader);
}

static void a_cgroup_of_its_own(void **state)
{
    char path[64], line[512] = "";
    struct witness *witness = witness_new();
    pid_t leader = START(witness, "cgroup", "--", "hold");
    witness_ready(witness);
    snprintf(path, sizeof(path), "/proc/%d/cgroup", witness_pid(witness, 1));
    FILE *file = fopen(path, "re");
    while (fgets(line, sizeof(line), file) && strncmp(line, "0::", 3) != 0)
        ;
    fclose(file);
    assert_non_null(strstr(line, "/adversary-"));
    end(witness, leader);
}

/* ---- The terminal ----------------------------------------------------------------------------------------------- */

static _Noreturn void be_a_shell(const char *terminal, const struct witness *witness)
{
    setsid();
    int fd = open(terminal, O_RDWR); /* becomes the controlling terminal */
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
        _exit(1);
    START(witness, "steal-terminal", "--", "note", "stolen", "--", "hold");
    for (;;)
        pause();
}

static void the_terminal_can_be_stolen(void **state)
{
    struct witness *witness = witness_new();
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        skip_test("a pseudoterminal");
    pid_t shell = fork();
    if (shell == 0)
        be_a_shell(ptsname(master), witness);
    pid_t thief = witness_remark(witness, "stolen");
    assert_int_equal(tcgetpgrp(master), thief);
    assert_int_not_equal(thief, shell);
    close(master);
    end(witness, shell);
}

/* ---- Streams ---------------------------------------------------------------------------------------------------- */

static void lines_and_bytes_are_counted(void **state)
{
    struct report output = {0};
    struct witness *witness = witness_new();
    int pipe[2], saved = dup(1);
    assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
    dup2(pipe[1], 1);
    pid_t leader = START(witness, "lines", "2", "--", "bytes", "5000", "--", "half-line", "--", "exit", "0");
    dup2(saved, 1);
    close(saved);
    close(pipe[1]);
    assert_true(read_to_end(pipe[0], &output, 10000));
    close(pipe[0]);
    assert_int_equal(reap(leader), 0);
    assert_int_equal(output.length, 14 + 5000 + 11);
    assert_memory_equal(output.bytes, "line 1\nline 2\nxxx", 17);
    assert_string_equal(output.bytes + 14 + 5000, "half a line");
    report_free(&output);
    witness_free(witness);
}

static const struct test tests[] = {
    PK_TEST(a_tree_is_of_all_kinds),
    PK_TEST(numbers_are_kept),
    PK_TEST(a_daemon_is_nobodys_child),
    PK_TEST(a_leader_leaves_only_when_all_stand),
    PK_TEST(a_child_passes_its_status_on),
    PK_TEST(a_storm_is_bounded),
    PK_TEST(a_hopper_is_never_the_same),
    PK_TEST(signals_are_caught_and_answered),
    PK_TEST(a_stopped_one_stands_still),
    PK_TEST(lives_are_limited),
    PK_TEST(memory_and_threads_are_there),
    PK_TEST(a_process_can_lose_its_main_thread),
    PK_TEST_WITH(a_cgroup_of_its_own, .needs = NEEDS_CGROUP2),
    PK_TEST(the_terminal_can_be_stolen),
    PK_TEST(lines_and_bytes_are_counted),
};

PK_TEST_MAIN(tests)
