/*
 * Making terminals, and what is said to them out of band.
 */
#include "io/pty.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* In a mount namespace whose /dev has no device, the one inside the file system of terminals does as well. */
static int open_master(void)
{
    int fd = sys_openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
    if (fd == -ENOENT)
        fd = sys_openat(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
    return sys_keep(fd);
}

static int arrange(int terminal, const struct pty_setup *setup)
{
    struct termios settings = setup->settings;
    int r = setup->has_settings ? 0 : sys_get_terminal(terminal, &settings);
    if (r < 0)
        return r;
    settings.c_lflag &= ~(tcflag_t)ECHO;
    if (setup->echo)
        settings.c_lflag |= ECHO;
    r = sys_set_terminal(terminal, &settings);
    return r < 0 ? r : sys_resize_terminal(terminal, setup->columns, setup->rows);
}

/* By the master, and not by a name: that may mean another one in the mount namespace of the caller. */
static int open_terminal(int master, const struct pty_setup *setup)
{
    int r = sys_unlock_terminal(master);
    if (r < 0)
        return r;
    int terminal = sys_keep(sys_open_terminal(master, O_RDWR | O_NOCTTY));
    if (terminal < 0)
        return terminal;
    r = arrange(terminal, setup);
    if (r < 0)
        sys_close(terminal);
    return r < 0 ? r : terminal;
}

int pty_open(const struct pty_setup *setup, int *master, int *terminal)
{
    int fd = open_master();
    if (fd < 0)
        return fd;
    int r = open_terminal(fd, setup);
    if (r < 0) {
        sys_close(fd);
        return r;
    }
    *master = fd;
    *terminal = r;
    return 0;
}

int pty_give(int terminal, uid_t user)
{
    return sys_fchown(terminal, user);
}

int pty_resize(int master, unsigned columns, unsigned rows)
{
    return sys_resize_terminal(master, columns, rows);
}

/* That there is room says nothing about more than one byte. */
static int put(int master, char byte)
{
    struct pollfd room = {.fd = master, .events = POLLOUT};
    struct timespec at_once = {0};
    int r = sys_ppoll(&room, 1, &at_once);
    if (r <= 0)
        return r < 0 ? r : -EAGAIN;
    ssize_t written = sys_write(master, &byte, 1);
    return written < 0 ? (int)written : written == 0 ? -EAGAIN : 0;
}

int pty_end_input(int master)
{
    struct termios settings;
    int r = sys_get_terminal(master, &settings);
    if (r < 0)
        return r;
    char end = (char)settings.c_cc[VEOF];
    if (end == _POSIX_VDISABLE) /* the child wants none */
        return 0;
    r = put(master, end);
    return r < 0 ? r : put(master, end);
}
