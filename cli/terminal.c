/*
 * The controlling terminal.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static bool was_foreground;
static pid_t foreground; /* when pk was stopped, if that was not its own; 0: it was, or there is none */

static int open_terminal(void)
{
    return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
}

bool terminal_is_there(void)
{
    int terminal = open_terminal();
    if (terminal >= 0)
        close(terminal);
    return terminal >= 0;
}

void terminal_remember(void)
{
    int terminal = open_terminal();
    if (terminal < 0)
        return;
    was_foreground = tcgetpgrp(terminal) == getpgrp();
    close(terminal);
}

/* Whoever is there may be a shell that has continued pk in the background. */
static bool is_left_to_nobody(int terminal)
{
    pid_t holder = tcgetpgrp(terminal);
    return holder > 0 && holder != getpgrp() && killpg(holder, 0) < 0 && errno == ESRCH;
}

void terminal_restore(void)
{
    int terminal = was_foreground ? open_terminal() : -1;
    if (terminal < 0)
        return;
    if (is_left_to_nobody(terminal)) {
        /* From the background this would stop pk, were the signal not blocked. */
        sigset_t background, previous;
        sigemptyset(&background);
        sigaddset(&background, SIGTTOU);
        sigprocmask(SIG_BLOCK, &background, &previous);
        tcsetpgrp(terminal, getpgrp());
        sigprocmask(SIG_SETMASK, &previous, NULL);
    }
    close(terminal);
}

void terminal_pause(void)
{
    int terminal = open_terminal();
    if (terminal < 0)
        return;
    pid_t holder = tcgetpgrp(terminal);
    foreground = holder > 0 && holder != getpgrp() ? holder : 0;
    close(terminal);
}

/* Not from the background, where it is not pk's to give. */
void terminal_resume(void)
{
    int terminal = foreground ? open_terminal() : -1;
    if (terminal < 0)
        return;
    if (tcgetpgrp(terminal) == getpgrp())
        tcsetpgrp(terminal, foreground); /* fails if nobody of it is left */
    close(terminal);
}

bool terminal_reads_keys(void)
{
    struct termios settings;
    int terminal = open_terminal();
    if (terminal < 0)
        return false;
    bool keys = tcgetattr(terminal, &settings) == 0 && !(settings.c_lflag & ICANON);
    close(terminal);
    return keys;
}
