/*
 * System calls for what goes through pipes.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A broken pipe, and a file that would become larger than the process may make one. */
static const uint64_t broken_pipe = UINT64_C(1) << (SIGPIPE - 1), too_large = UINT64_C(1) << (SIGXFSZ - 1);

static uint64_t pending_signals(void)
{
    uint64_t pending = 0;
    return syscall(SYS_rt_sigpending, &pending, sizeof(pending)) == 0 ? pending : 0;
}

/* What the signal mask was, and which of the signals were there before. */
struct quiet {
    uint64_t before, pending;
};

/* The signals go to the thread that writes: blocked, one waits there, and is taken away if it was not there before. */
static int be_quiet(struct quiet *quiet)
{
    const uint64_t both = broken_pipe | too_large;
    quiet->before = 0;
    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &both, &quiet->before, sizeof(quiet->before)) < 0)
        return -errno;
    quiet->pending = quiet->before & both ? quiet->before & pending_signals() : 0;
    return 0;
}

static ssize_t be_loud(const struct quiet *quiet, ssize_t r)
{
    const uint64_t sent = r == -EPIPE ? broken_pipe : r == -EFBIG ? too_large : 0;
    if (sent & ~quiet->pending) {
        struct timespec at_once = {0};
        syscall(SYS_rt_sigtimedwait, &sent, NULL, &at_once, sizeof(sent));
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &quiet->before, NULL, sizeof(quiet->before));
    return r;
}

ssize_t sys_write_quietly(int fd, const void *bytes, size_t size)
{
    SYS_FAULT("write");
    struct quiet quiet;
    int r = be_quiet(&quiet);
    return r < 0 ? r : be_loud(&quiet, SYS_RESULT(write(fd, bytes, size)));
}

ssize_t sys_tee(int from, int to, size_t size)
{
    SYS_FAULT("tee");
    struct quiet quiet;
    int r = be_quiet(&quiet);
    return r < 0 ? r : be_loud(&quiet, SYS_RESULT(tee(from, to, size, SPLICE_F_NONBLOCK)));
}

ssize_t sys_splice(int from, int to, size_t size)
{
    SYS_FAULT("splice");
    struct quiet quiet;
    int r = be_quiet(&quiet);
    return r < 0 ? r : be_loud(&quiet, SYS_RESULT(splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK)));
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

int sys_kept_pipe(int ends[2])
{
    int r = sys_pipe(ends, 0);
    if (r < 0)
        return r;
    ends[0] = sys_keep(ends[0]);
    ends[1] = sys_keep(ends[1]);
    r = ends[0] < 0 ? ends[0] : ends[1];
    if (r >= 0)
        return 0;
    sys_close_safe(ends[0]);
    sys_close_safe(ends[1]);
    return r;
}
