/*
 * Running a test process, keeping its deadline, and ending whatever it left behind.
 *
 * The runner is a subreaper: what a test starts stays below it, however it was orphaned, so that "no children" (ECHILD)
 * proves that nothing is left.
 */
#include "trial.h"

#include "body.h"
#include "kin.h"
#include "lines.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEFAULT_DEADLINE_S = 30,
    END_PATIENCE_MS = 250,    /* for the descendants of a test to come to their own end */
    KILL_PATIENCE_MS = 10000, /* for killed ones to be gone */
};

static int interrupts = -1; /* signalfd */
static sigset_t child_signal;

void trial_prepare(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    interrupts = signalfd(-1, &ends, SFD_CLOEXEC);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* ---- The test process ------------------------------------------------------------------------------------------- */

static _Noreturn void become_test(const struct test *test, const struct sandbox *sandbox, int output, const char *self)
{
    char runner[16];
    sigset_t none;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int program = open(self, O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    setsid();
    umask(022);
    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL); /* in the background of a shell, some are ignored */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    snprintf(runner, sizeof(runner), "%d", getppid());
    setenv("PK_TEST_RUNNER", runner, 1);
    sandbox_enter(sandbox);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* in case the runner is killed; after the change of user, which clears it */

    const char *const arguments[] = {self, "--in-process", test->name, NULL};
    if (sandbox->changes_user) /* who may not be able to reach the file by its path */
        fexecve(program, (char *const *)(uintptr_t)arguments, environ);
    else
        execv(self, (char *const *)(uintptr_t)arguments);
    fprintf(stderr, "cannot run %s: %s\n", self, strerror(errno));
    _exit(EXIT_FAILED);
}

enum { ENDED, TIMED_OUT, INTERRUPTED };

static int wait_for_end(int pidfd, unsigned deadline_s)
{
    struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = interrupts, .events = POLLIN}};
    long deadline = clock_ms() + 1000L * deadline_s;
    for (;;) {
        long left = deadline - clock_ms();
        if (left <= 0)
            return TIMED_OUT;
        if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents)
            return ENDED;
        if (fds[1].revents)
            return INTERRUPTED;
    }
}

static void describe_kin(const struct kin_list *kin, struct report *output)
{
    for (size_t i = 0; i < kin->count; i++)
        report_add(output, "  %d (%s), child of %d, state %c\n", kin->items[i].pid, kin->items[i].name,
                   kin->items[i].parent, kin->items[i].state);
}

static void describe_end(const siginfo_t *info, struct report *output)
{
    if (info->si_code == CLD_EXITED) {
        if (info->si_status != EXIT_PASSED && info->si_status != EXIT_FAILED && info->si_status != EXIT_SKIPPED)
            report_add(output, "the test ended before its body did, with exit status %d\n", info->si_status);
    } else {
        report_add(output, "the test process was ended by signal %d (%s)\n", info->si_status,
                   strsignal(info->si_status));
    }
}

/* ---- What it left ----------------------------------------------------------------------------------------------- */

/* Reaps until there are no children, but not longer than that. False if there still are some. */
static bool reap_all(int patience_ms)
{
    const struct timespec step = {.tv_nsec = 20000000};
    long deadline = clock_ms() + patience_ms;
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0)
            return true;
        if (pid > 0)
            continue;
        if (clock_ms() >= deadline)
            return false;
        sigtimedwait(&child_signal, NULL, &step);
    }
}

static void kill_all(struct report *output)
{
    long deadline = clock_ms() + KILL_PATIENCE_MS;
    do {
        struct kin_list kin = kin_below(getpid());
        for (size_t i = 0; i < kin.count; i++)
            kin_kill(&kin.items[i]);
        kin_free(&kin);
        if (reap_all(1))
            return;
    } while (clock_ms() < deadline);
    report_add(output, "LEAK: some processes could not be killed\n");
}

/* A process that was killed is no leak, it only has not been scheduled yet. */
static int sweep_processes(bool is_leak, struct report *output)
{
    int leaks = 0;
    if (reap_all(is_leak ? END_PATIENCE_MS : 0))
        return 0;
    struct kin_list kin = kin_below(getpid());
    for (size_t i = 0; i < kin.count && is_leak; i++) {
        if (kin.items[i].dying)
            continue;
        report_add(output, "LEAK: process %d (%s) outlived the test\n", kin.items[i].pid, kin.items[i].name);
        leaks++;
    }
    kin_free(&kin);
    kill_all(output);
    return leaks;
}

/* ---- Judgement -------------------------------------------------------------------------------------------------- */

static void read_output(int fd, struct report *output)
{
    char buffer[4096];
    ssize_t length;
    off_t size = lseek(fd, 0, SEEK_END), most = 65536;
    for (off_t at = size > most ? size - most : 0; (length = pread(fd, buffer, sizeof(buffer), at)) > 0; at += length) {
        for (ssize_t i = 0; i < length; i++)
            buffer[i] = buffer[i] == '\0' ? '?' : buffer[i];
        report_append(output, buffer, (size_t)length);
    }
    if (output->length > 0 && output->bytes[output->length - 1] != '\n')
        report_add(output, "\n");
}

static void find_missing(const struct report *output, struct report *missing)
{
    const char *line = output->bytes ? strstr(output->bytes, SKIP_MARK) : NULL;
    if (line)
        report_add(missing, "%.*s", (int)strcspn(line + strlen(SKIP_MARK), "\n"), line + strlen(SKIP_MARK));
    else
        report_add(missing, "something that it does not name");
}

static void judge(struct verdict *verdict, int end, const siginfo_t *info, const struct report *leaks)
{
    if (end == INTERRUPTED)
        verdict->outcome = OUTCOME_INTERRUPTED;
    else if (end == TIMED_OUT || info->si_code != CLD_EXITED || leaks->length > 0)
        verdict->outcome = OUTCOME_FAILED;
    else if (info->si_status == EXIT_SKIPPED)
        verdict->outcome = OUTCOME_SKIPPED;
    else
        verdict->outcome = info->si_status == EXIT_PASSED ? OUTCOME_PASSED : OUTCOME_FAILED;
    if (verdict->outcome == OUTCOME_SKIPPED)
        find_missing(&verdict->output, &verdict->missing);
}

static void attend(struct verdict *verdict, const struct test *test, pid_t pid, int output, struct sandbox *sandbox)
{
    siginfo_t info = {0};
    struct report remarks = {0}, leaks = {0};
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    unsigned deadline_s = (test->deadline_s ? test->deadline_s : DEFAULT_DEADLINE_S) * test_slowness();
    int end = wait_for_end(pidfd, deadline_s);
    if (end != ENDED) {
        struct kin_list kin = kin_below(getpid());
        report_add(&remarks, end == TIMED_OUT ? "not finished after %u s; killed with:\n" : "interrupted\n",
                   deadline_s);
        describe_kin(&kin, &remarks);
        kin_free(&kin);
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    }
    waitid(P_PID, (id_t)pid, &info, WEXITED);
    close(pidfd);
    if (end == ENDED)
        describe_end(&info, &remarks);

    /* A test that failed had no chance to clean up. */
    bool is_leak = end == ENDED && info.si_code == CLD_EXITED && info.si_status != EXIT_FAILED;
    sweep_processes(is_leak, &leaks);
    sandbox_remove(sandbox, pid, is_leak ? &leaks : &remarks);
    read_output(output, &verdict->output);
    judge(verdict, end, &info, &leaks);
    report_add(&verdict->output, "%s%s", remarks.bytes ? remarks.bytes : "", leaks.bytes ? leaks.bytes : "");
    report_free(&remarks);
    report_free(&leaks);
}

struct verdict trial_run(const struct test *test, const char *self)
{
    struct verdict verdict = {0};
    struct sandbox sandbox;
    const char *missing = sandbox_make(&sandbox, test->as);
    if (missing) {
        struct report unused = {0};
        sandbox_remove(&sandbox, 0, &unused);
        report_free(&unused);
        report_add(&verdict.missing, "%s", missing);
        verdict.outcome = OUTCOME_SKIPPED;
        return verdict;
    }
    int output = memfd_create("output", MFD_CLOEXEC);
    fcntl(output, F_SETFL, O_APPEND);
    pid_t pid = fork();
    if (pid == 0)
        become_test(test, &sandbox, output, self);
    if (pid < 0)
        abort();
    attend(&verdict, test, pid, output, &sandbox);
    close(output);
    return verdict;
}

void verdict_free(struct verdict *verdict)
{
    report_free(&verdict->missing);
    report_free(&verdict->output);
}
