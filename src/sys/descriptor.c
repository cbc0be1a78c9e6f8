/*
 * System calls on descriptors: pipes, duplication, waiting.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int sys_pipe(int fds[2], int flags)
{
    SYS_FAULT("pipe");
    return (int)SYS_RESULT(pipe2(fds, flags | O_CLOEXEC));
}

int sys_dup3(int fd, int target, int flags)
{
    SYS_FAULT("dup3");
    return (int)SYS_RESULT(syscall(SYS_dup3, fd, target, flags));
}

int sys_fcntl(int fd, int operation, long argument)
{
    SYS_FAULT("fcntl");
    return (int)SYS_RESULT(syscall(SYS_fcntl, fd, operation, argument));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    SYS_FAULT("close_range");
    return (int)SYS_RESULT(syscall(SYS_close_range, first, last, flags));
}

int sys_ppoll(struct pollfd *fds, size_t count, const struct timespec *timeout)
{
    SYS_FAULT("ppoll");
    return (int)SYS_RESULT(ppoll(fds, count, timeout, NULL));
}

int sys_set_non_blocking(int fd)
{
    SYS_FAULT("ioctl");
    int on = 1;
    return (int)SYS_RESULT(ioctl(fd, FIONBIO, &on));
}

bool sys_is_readable(int fd)
{
    struct pollfd poll = {.fd = fd, .events = POLLIN};
    struct timespec at_once = {0};
    return sys_ppoll(&poll, 1, &at_once) > 0;
}

bool sys_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int sys_epoll_create(void)
{
    SYS_FAULT("epoll_create");
    return (int)SYS_RESULT(epoll_create1(EPOLL_CLOEXEC));
}

int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (operation != EPOLL_CTL_DEL) /* which fails only for what is not there */
        SYS_FAULT("epoll_ctl");
    return (int)SYS_RESULT(epoll_ctl(epoll, operation, fd, event));
}

int sys_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout_ms)
{
    SYS_FAULT("epoll_wait");
    return (int)SYS_RESULT(epoll_wait(epoll, events, capacity, timeout_ms));
}

int sys_timerfd_create(void)
{
    SYS_FAULT("timerfd_create");
    return (int)SYS_RESULT(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

int sys_timerfd_settime(int timer, const struct itimerspec *when)
{
    SYS_FAULT("timerfd_settime");
    return (int)SYS_RESULT(timerfd_settime(timer, TFD_TIMER_ABSTIME, when, NULL));
}
