/*
 * The library's src/sys for the helper: those of its functions that a child calls before it becomes the program, so
 * that src/process/child.c runs here as it does in the library.
 */
#include "entry.h"
#include "sys/sigaction.h"
#include "sys/sys.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/prctl.h>

/* ---- Files and descriptors -------------------------------------------------------------------------------------- */

int sys_openat(int dir, const char *path, int flags, mode_t mode)
{
    return (int)CALL4(openat, dir, path, flags | O_CLOEXEC, mode);
}

int sys_close(int fd)
{
    return (int)CALL1(close, fd);
}

ssize_t sys_getdents(int dir, void *buffer, size_t size)
{
    return CALL3(getdents64, dir, buffer, size);
}

int sys_dup3(int fd, int target, int flags)
{
    return (int)CALL3(dup3, fd, target, flags);
}

ssize_t sys_pread(int fd, void *buffer, size_t size, off_t offset)
{
    return CALL4(pread64, fd, buffer, size, offset);
}

int sys_fcntl(int fd, int operation, long argument)
{
    return (int)CALL3(fcntl, fd, operation, argument);
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
    return (int)CALL3(close_range, first, last, flags);
}

int sys_chdir(const char *path)
{
    return (int)CALL1(chdir, path);
}

int sys_umask(mode_t mask)
{
    return (int)CALL1(umask, mask);
}

int sys_join_cgroup(int procs_fd)
{
    return (int)CALL3(write, procs_fd, "0", 1);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

int sys_signal_default(int signal_number)
{
    struct kernel_sigaction action = {.handler = SIG_DFL};
    return (int)CALL4(rt_sigaction, signal_number, &action, NULL, sizeof(uint64_t));
}

int sys_signal_is_ignored(int signal_number)
{
    struct kernel_sigaction action = {.handler = SIG_DFL};
    int r = (int)CALL4(rt_sigaction, signal_number, NULL, &action, sizeof(uint64_t));
    return r < 0 ? r : action.handler == SIG_IGN;
}

int sys_restore_signals(uint64_t previous)
{
    return (int)CALL4(rt_sigprocmask, SIG_SETMASK, &previous, NULL, sizeof(previous));
}

int sys_parent_death_signal(int signal_number)
{
    return (int)CALL5(prctl, PR_SET_PDEATHSIG, signal_number, 0, 0, 0);
}

/* ---- Who it is -------------------------------------------------------------------------------------------------- */

pid_t sys_getppid(void)
{
    return (pid_t)CALL0(getppid);
}

int sys_setsid(void)
{
    return (int)CALL0(setsid);
}

int sys_take_terminal(int terminal)
{
    return (int)CALL3(ioctl, terminal, TIOCSCTTY, 0);
}

int sys_setpgid(pid_t pid, pid_t pgid)
{
    return (int)CALL2(setpgid, pid, pgid);
}

int sys_setgroups(size_t count, const gid_t *groups)
{
    return (int)CALL2(setgroups, count, groups);
}

int sys_setgid(gid_t gid)
{
    return (int)CALL3(setresgid, gid, gid, gid);
}

int sys_setuid(uid_t uid)
{
    return (int)CALL3(setresuid, uid, uid, uid);
}

/* ---- What it may use -------------------------------------------------------------------------------------------- */

int sys_setpriority(int value)
{
    return (int)CALL3(setpriority, PRIO_PROCESS, 0, value);
}

int sys_ioprio_set(int io_class, int level)
{
    enum { WHO_PROCESS = 1, CLASS_SHIFT = 13 };
    return (int)CALL3(ioprio_set, WHO_PROCESS, 0, io_class << CLASS_SHIFT | level);
}

int sys_sched_setaffinity(size_t size, const void *mask)
{
    return (int)CALL3(sched_setaffinity, 0, size, mask);
}

int sys_setrlimit(int resource, uint64_t soft, uint64_t hard)
{
    uint64_t limit[2] = {soft, hard};
    return (int)CALL4(prlimit64, 0, resource, limit, NULL);
}

/* ---- Its end ---------------------------------------------------------------------------------------------------- */

int sys_execve(const char *path, char *const argv[], char *const environment[])
{
    return (int)CALL3(execve, path, argv, environment);
}

void sys_exit(int status)
{
    for (;;)
        CALL1(exit_group, status);
}
