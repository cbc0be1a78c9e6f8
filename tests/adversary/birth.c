/*
 * Births, reports, readiness and the end of every process of an adversary.
 *
 * All its processes share two counters: how many were born, and how many stand. A process counts its children as born
 * before it forks them and stands only afterwards, so the counters are equal only when everybody is in place.
 */
#include "adversary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
    atomic_uint born;
    atomic_uint standing;
    atomic_uint ready;
    atomic_uint counter;
};

static struct shared *shared;
static struct timespec end_of_life;
static int report = -1;
static bool standing;

/* ---- Reports ---------------------------------------------------------------------------------------------------- */

static void report_line(const char *line)
{
    if (report < 0)
        return;
    while (write(report, line, strlen(line)) < 0 && errno == EINTR)
        ;
}

static void report_self(const char *separator, const char *text)
{
    char line[128];
    snprintf(line, sizeof(line), "%d%s%s\n", getpid(), separator, text);
    report_line(line);
}

void remark(const char *text)
{
    report_self(" ! ", text);
}

/* ---- Descriptors of our own ------------------------------------------------------------------------------------- */

static int aside[4];
static unsigned aside_count;

int open_aside(const char *path)
{
    int opened = open(path, O_WRONLY | O_CLOEXEC);
    if (opened < 0)
        give_up(path);
    int high = fcntl(opened, F_DUPFD_CLOEXEC, 200);
    if (high >= 0)
        close(opened);
    return aside[aside_count++ % 4] = high >= 0 ? high : opened;
}

bool is_aside(int fd)
{
    for (unsigned i = 0; i < aside_count; i++) {
        if (aside[i] == fd)
            return true;
    }
    return false;
}

/* ---- Lifetimes -------------------------------------------------------------------------------------------------- */

/* SIGKILL: no mask, no handler and no stop can delay it. Timers are not inherited, so each process arms its own. */
static void limit_life(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    struct itimerspec when = {.it_value = end_of_life};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 || timer_settime(timer, TIMER_ABSTIME, &when, NULL) < 0)
        give_up("cannot limit its own life");
}

void shape_begin(const char *where, unsigned life_s)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        give_up("no memory");
    shared->born = 1;
    clock_gettime(CLOCK_MONOTONIC, &end_of_life);
    end_of_life.tv_sec += life_s;
    limit_life();
    if (where)
        report = where[strspn(where, "0123456789")] ? open_aside(where) : (int)number(where);
    report_self(" ", "leader");
}

/* ---- Births ----------------------------------------------------------------------------------------------------- */

pid_t birth(const char *name)
{
    shared->born++;
    pid_t pid = fork();
    if (pid < 0) {
        shared->born--;
        return pid;
    }
    if (pid > 0)
        return pid;
    standing = false;
    limit_life();
    report_self(" ", name);
    return 0;
}

pid_t birth_orphaned(const char *name)
{
    pid_t between = fork();
    if (between < 0)
        return between;
    if (between == 0) {
        pid_t pid = birth(name);
        if (pid != 0)
            _exit(pid < 0);
        return 0;
    }
    int status;
    while (waitpid(between, &status, 0) < 0 && errno == EINTR)
        ;
    if (status != 0) {
        errno = EAGAIN;
        return -1;
    }
    return between;
}

unsigned count_up(void)
{
    return ++shared->counter;
}

/* ---- Standing --------------------------------------------------------------------------------------------------- */

static void futex(int operation, unsigned value)
{
    syscall(SYS_futex, &shared->ready, operation, value, NULL, NULL, 0);
}

void stand(void)
{
    if (standing)
        return;
    standing = true;
    if (++shared->standing != shared->born)
        return;
    report_line("ready\n");
    shared->ready = 1;
    futex(FUTEX_WAKE, INT_MAX);
}

void wait_ready(void)
{
    stand();
    while (!shared->ready)
        futex(FUTEX_WAIT, 0);
}

_Noreturn void hold(void)
{
    stand();
    for (;;)
        pause();
}

_Noreturn void leave(int code)
{
    stand();
    exit(code);
}
