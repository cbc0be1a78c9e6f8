/*
 * The controlling terminal.
 */
#include "terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static bool was_foreground;

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

void terminal_restore(void)
{
    int terminal = was_foreground ? open_terminal() : -1;
    if (terminal < 0)
        return;
    if (tcgetpgrp(terminal) != getpgrp()) {
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
