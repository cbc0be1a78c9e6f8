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

static const uint64_t broken_pipe = UINT64_C(1) << (SIGPIPE - 1);

static bool is_pending(void)
{
    uint64_t pending = 0;
    return syscall(SYS_rt_sigpending, &pending, sizeof(pending)) == 0 && pending & broken_pipe;
}

/* What the signal mask was, and whether the signal was there before. */
struct quiet {
    uint64_t before;
    bool pending;
};

/* The signal goes to the thread that writes: blocked, it waits there, and is taken away if it was not there before. */
static int be_quiet(struct quiet *quiet)
{
    quiet->before = 0;
    if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &broken_pipe, &quiet->before, sizeof(quiet->before)) < 0)
        return -errno;
    quiet->pending = quiet->before & broken_pipe && is_pending();
    return 0;
}

static ssize_t be_loud(const struct quiet *quiet, ssize_t r)
{
    if (r == -EPIPE && !quiet->pending) {
        struct timespec at_once = {0};
        syscall(SYS_rt_sigtimedwait, &broken_pipe, NULL, &at_once, sizeof(broken_pipe));
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
