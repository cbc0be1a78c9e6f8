/*
 * System calls on terminals. Those on the master of a pair are for its other side.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

int sys_unlock_terminal(int master)
{
    int locked = 0;
    SYS_FAULT("unlock_terminal");
    return (int)SYS_RESULT(ioctl(master, TIOCSPTLCK, &locked));
}

int sys_open_terminal(int master, int flags)
{
    SYS_FAULT("open_terminal");
    return (int)SYS_RESULT(ioctl(master, TIOCGPTPEER, flags | O_CLOEXEC));
}

int sys_take_terminal(int terminal)
{
    SYS_FAULT("take_terminal");
    return (int)SYS_RESULT(ioctl(terminal, TIOCSCTTY, 0));
}

int sys_get_terminal(int terminal, struct termios *settings)
{
    SYS_FAULT("get_terminal");
    return (int)SYS_RESULT(tcgetattr(terminal, settings));
}

int sys_set_terminal(int terminal, const struct termios *settings)
{
    SYS_FAULT("set_terminal");
    return (int)SYS_RESULT(tcsetattr(terminal, TCSANOW, settings));
}

int sys_resize_terminal(int terminal, unsigned columns, unsigned rows)
{
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    SYS_FAULT("resize_terminal");
    return (int)SYS_RESULT(ioctl(terminal, TIOCSWINSZ, &size));
}
