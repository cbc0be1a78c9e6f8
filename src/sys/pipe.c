/*
 * System calls for what goes through pipes.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t broken_pipe = UINT64_C(1) << (SIGPIPE - 1);

static bool is_pending(void)
{
    uint64_t pending = 0;
    return syscall(SYS_rt_sigpending, &pending, sizeof(pending)) == 0 && pending & broken_pipe;
}

/* The signal goes to the thread that writes: blocked, it waits there, and is taken away if it was not there before. */
ssize_t sys_write_quietly(int fd, const void *bytes, size_t size)
{
    SYS_FAULT("write");
    uint64_t before = 0;
    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &broken_pipe, &before, sizeof(before)) < 0)
        return -errno;
    bool pending = before & broken_pipe && is_pending();
    ssize_t r = SYS_RESULT(write(fd, bytes, size));
    if (r == -EPIPE && !pending) {
        struct timespec at_once = {0};
        syscall(SYS_rt_sigtimedwait, &broken_pipe, NULL, &at_once, sizeof(broken_pipe));
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
    return r;
}

int sys_readable_bytes(int fd, int *count)
{
    SYS_FAULT("ioctl");
    return (int)SYS_RESULT(ioctl(fd, FIONREAD, count));
}

int sys_eventfd(void)
{
    SYS_FAULT("eventfd");
    return (int)SYS_RESULT(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}
