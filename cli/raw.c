/*
 * The terminal that pk itself is at, while another one is shown in it.
 */
#include "raw.h"

#include "message.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct termios found;
static bool is_elsewhere; /* from a pause until it was taken again */
static bool is_raw;

bool raw_settings(struct termios *settings)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (tcgetattr(fd, settings) == 0)
            return true;
    return false;
}

bool raw_size(unsigned *columns, unsigned *rows)
{
    struct winsize size;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (ioctl(fd, TIOCGWINSZ, &size) < 0)
            continue;
        *columns = size.ws_col;
        *rows = size.ws_row;
        return size.ws_col > 0 && size.ws_row > 0;
    }
    return false;
}

static bool is_pending(int number)
{
    sigset_t pending;
    return sigpending(&pending) == 0 && sigismember(&pending, number) == 1;
}

/*
 * The terminal itself would stop pk in the background, again and again, and what pk is to end by would never be read.
 * So pk does that, and looks. False if it is to end.
 */
static bool await_foreground(void)
{
    pid_t holder;
    while ((holder = tcgetpgrp(STDIN_FILENO)) > 0 && holder != getpgrp()) {
        if (is_pending(SIGTERM) || is_pending(SIGHUP) || is_pending(SIGINT) || is_pending(SIGQUIT))
            return false;
        kill(0, SIGTTOU);
        if (!is_pending(SIGCONT)) /* nothing has stopped it: there is no shell, or the signal is ignored */
            break;
    }
    return true;
}

void raw_begin(void)
{
    is_elsewhere = !await_foreground();
    if (is_elsewhere)
        return;
    /* One that was stopped by SIGSTOP could not put it back, and goes on with what it found in the first place. */
    if (!is_raw && tcgetattr(STDIN_FILENO, &found) < 0)
        return;
    struct termios raw = found;
    cfmakeraw(&raw);
    is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    say_at_raw_terminal(is_raw);
}

void raw_end(void)
{
    if (!is_raw)
        return;
    is_raw = false;
    is_elsewhere = true;
    tcsetattr(STDIN_FILENO, TCSANOW, &found);
    say_at_raw_terminal(false);
}

bool raw_is_elsewhere(void)
{
    return is_elsewhere;
}
