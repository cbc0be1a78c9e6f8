/*
 * Names of signals.
 */
#include "base/error.h"

#include <processkit/parse.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    int number;
    const char *name;
} names[] = {
    {SIGHUP, "HUP"},       {SIGINT, "INT"},     {SIGQUIT, "QUIT"}, {SIGILL, "ILL"},   {SIGTRAP, "TRAP"},
    {SIGABRT, "ABRT"},     {SIGBUS, "BUS"},     {SIGFPE, "FPE"},   {SIGKILL, "KILL"}, {SIGUSR1, "USR1"},
    {SIGSEGV, "SEGV"},     {SIGUSR2, "USR2"},   {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"}, {SIGTERM, "TERM"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT"},
#endif
    {SIGCHLD, "CHLD"},     {SIGCONT, "CONT"},   {SIGSTOP, "STOP"}, {SIGTSTP, "TSTP"}, {SIGTTIN, "TTIN"},
    {SIGTTOU, "TTOU"},     {SIGURG, "URG"},     {SIGXCPU, "XCPU"}, {SIGXFSZ, "XFSZ"}, {SIGVTALRM, "VTALRM"},
    {SIGPROF, "PROF"},     {SIGWINCH, "WINCH"}, {SIGIO, "IO"},     {SIGPWR, "PWR"},   {SIGSYS, "SYS"},
    {SIGABRT, "IOT"},      {SIGCHLD, "CLD"},    {SIGIO, "POLL"}, /* other names of the same */
};

/* Digits only, at most 1000; -1 otherwise. */
static int parse_digits(const char *text)
{
    int number = 0;
    if (*text == '\0')
        return -1;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
        if (number > 1000)
            return -1;
    }
    return *text == '\0' ? number : -1;
}

/* "RTMIN", "RTMIN+n", "RTMAX-n"; 0 for anything else. */
static int parse_realtime(const char *text)
{
    bool from_least = strncasecmp(text, "RTMIN", 5) == 0;
    if (!from_least && strncasecmp(text, "RTMAX", 5) != 0)
        return 0;
    text += 5;
    if (*text == '\0')
        return from_least ? SIGRTMIN : SIGRTMAX;
    if (*text != (from_least ? '+' : '-'))
        return 0;
    int n = parse_digits(text + 1);
    if (n < 0 || n > SIGRTMAX - SIGRTMIN)
        return 0;
    return from_least ? SIGRTMIN + n : SIGRTMAX - n;
}

int pk_parse_signal(const char *text, int *signal_number, pk_error *error)
{
    int number = parse_digits(text);
    if (number < 0) {
        const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
        number = parse_realtime(name);
        for (size_t i = 0; number == 0 && i < sizeof(names) / sizeof(names[0]); i++)
            if (strcasecmp(names[i].name, name) == 0)
                number = names[i].number;
    }
    if (number < 1 || number > SIGRTMAX)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid signal '%s': a name such as TERM or a number from 1 to %d is expected", text,
                         SIGRTMAX);
    *signal_number = number;
    return 0;
}

const char *pk_format_signal(int signal_number, char *buffer, size_t size)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].number == signal_number) {
            snprintf(buffer, size, "%s", names[i].name);
            return buffer;
        }
    if (signal_number == SIGRTMIN)
        snprintf(buffer, size, "RTMIN");
    else if (signal_number > SIGRTMIN && signal_number <= SIGRTMAX)
        snprintf(buffer, size, "RTMIN+%d", signal_number - SIGRTMIN);
    else
        snprintf(buffer, size, "%d", signal_number);
    return buffer;
}
