/*
 * Small things all verbs use: complaints, numbers, signals, time.
 */
#include "adversary.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Noreturn void give_up(const char *what)
{
    if (errno)
        fprintf(stderr, "adversary: %s: %s\n", what, strerror(errno));
    else
        fprintf(stderr, "adversary: %s\n", what);
    exit(120);
}

long number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < 0) {
        errno = 0;
        give_up("not a number");
    }
    return value;
}

static const char *const signal_names[] = {
    [SIGHUP] = "HUP",       [SIGINT] = "INT",   [SIGQUIT] = "QUIT",   [SIGILL] = "ILL",   [SIGTRAP] = "TRAP",
    [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",     [SIGKILL] = "KILL", [SIGUSR1] = "USR1",
    [SIGSEGV] = "SEGV",     [SIGUSR2] = "USR2", [SIGPIPE] = "PIPE",   [SIGALRM] = "ALRM", [SIGTERM] = "TERM",
    [SIGSTKFLT] = "STKFLT", [SIGCHLD] = "CHLD", [SIGCONT] = "CONT",   [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
    [SIGTTIN] = "TTIN",     [SIGTTOU] = "TTOU", [SIGURG] = "URG",     [SIGXCPU] = "XCPU", [SIGXFSZ] = "XFSZ",
    [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH", [SIGIO] = "IO",     [SIGPWR] = "PWR",
    [SIGSYS] = "SYS",
};

enum { NAMED_SIGNALS = sizeof(signal_names) / sizeof(signal_names[0]) };

int signal_of(const char *text)
{
    for (int i = 1; i < NAMED_SIGNALS; i++) {
        if (signal_names[i] && strcmp(signal_names[i], text) == 0)
            return i;
    }
    return (int)number(text);
}

const char *signal_text(int signal_number)
{
    static char digits[16];
    if (signal_number > 0 && signal_number < NAMED_SIGNALS && signal_names[signal_number])
        return signal_names[signal_number];
    snprintf(digits, sizeof(digits), "%d", signal_number);
    return digits;
}

void die_by(int signal_number)
{
    struct rlimit none = {0, 0};
    sigset_t set;
    setrlimit(RLIMIT_CORE, &none);
    signal(signal_number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    kill(getpid(), signal_number);
}

void sleep_ms(long milliseconds)
{
    struct timespec left = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

long monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
