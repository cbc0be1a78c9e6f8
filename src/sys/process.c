/*
 * System calls on processes, and those a child makes to become what the command says.
 *
 * The raw calls are used where the C library's function would do more: its setuid and friends make every thread of the
 * process change, and the child between clone and exec runs on its parent's thread structures.
 */
#include "sys/fault.h"
#include "sys/result.h"
#include "sys/sys.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* 32-bit ABIs keep calls with 16-bit ids under the plain names. */
#ifdef SYS_setgroups32
#define RAW_SETGROUPS SYS_setgroups32
#define RAW_SETRESGID SYS_setresgid32
#define RAW_SETRESUID SYS_setresuid32
#else
#define RAW_SETGROUPS SYS_setgroups
#define RAW_SETRESGID SYS_setresgid
#define RAW_SETRESUID SYS_setresuid
#endif

SYS_CHILD int sys_execve(const char *path, char *const argv[], char *const environment[])
{
    SYS_FAULT("execve");
    return (int)SYS_RESULT(syscall(SYS_execve, SYS_PATH(path), argv, environment));
}

SYS_CHILD int sys_fexecve(int fd, char *const argv[], char *const environment[])
{
    SYS_FAULT("execveat");
    enum { EMPTY_PATH = 0x1000 };
    return (int)SYS_RESULT(syscall(SYS_execveat, fd, "", argv, environment, EMPTY_PATH));
}

SYS_CHILD void sys_exit(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

SYS_CHILD int sys_wait_child(pid_t pid, int *status)
{
    int r;
    do
        r = (int)SYS_RESULT(syscall(SYS_wait4, pid, status, __WALL, NULL));
    while (r == -EINTR);
    return r;
}

int sys_waitid_pidfd(int pidfd, siginfo_t *info, int options, struct rusage *usage)
{
    SYS_FAULT("waitid");
    enum { BY_PIDFD = 3 }; /* P_PIDFD: not in every C library's headers */
    memset(info, 0, sizeof(*info));
    return (int)SYS_RESULT(syscall(SYS_waitid, BY_PIDFD, pidfd, info, options, usage));
}

int sys_pidfd_open(pid_t pid)
{
    SYS_FAULT("pidfd_open");
    return (int)SYS_RESULT(syscall(SYS_pidfd_open, pid, 0));
}

int sys_pidfd_send_signal(int pidfd, int signal_number)
{
    SYS_FAULT("pidfd_send_signal");
    return (int)SYS_RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0));
}

int sys_pidfd_signal_group(int pidfd, int signal_number)
{
    SYS_FAULT("pidfd_signal_group");
    enum { TO_PROCESS_GROUP = 1 << 2 }; /* PIDFD_SIGNAL_PROCESS_GROUP */
    return (int)SYS_RESULT(syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, TO_PROCESS_GROUP));
}

int sys_pidfd_exit_status(int pidfd, int *status)
{
    SYS_FAULT("pidfd_get_info");

    /* struct pidfd_info up to its exit code (the first 64 bytes, PIDFD_INFO_SIZE_VER0), written down here because the
     * headers of most systems are older than the kernels that know it. */
    struct {
        uint64_t mask;
        uint64_t cgroup_id;
        uint32_t ids[11];
        int32_t exit_code;
    } info = {.mask = UINT64_C(1) << 3};
    _Static_assert(sizeof(info) == 64, "as the kernel has it");

    int r = (int)SYS_RESULT(ioctl(pidfd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, sizeof(info)), &info));
    if (r < 0)
        return r;
    if (!(info.mask & (UINT64_C(1) << 3)))
        return -ENODATA;
    *status = info.exit_code;
    return 0;
}

int sys_kill(pid_t pid, int signal_number)
{
    SYS_FAULT("kill");
    return (int)SYS_RESULT(syscall(SYS_kill, pid, signal_number));
}

pid_t sys_getpid(void)
{
    return (pid_t)syscall(SYS_getpid);
}

pid_t sys_getppid(void)
{
    return (pid_t)syscall(SYS_getppid);
}

uid_t sys_getuid(void)
{
    return (uid_t)syscall(SYS_getuid);
}

uid_t sys_geteuid(void)
{
    return (uid_t)syscall(SYS_geteuid);
}

pid_t sys_getsid(void)
{
    return (pid_t)syscall(SYS_getsid, 0);
}

pid_t sys_getpgrp(void)
{
    return (pid_t)syscall(SYS_getpgid, 0);
}

int sys_getpgid(pid_t pid)
{
    return (int)SYS_RESULT(syscall(SYS_getpgid, pid));
}

int sys_setsid(void)
{
    SYS_FAULT("setsid");
    return (int)SYS_RESULT(syscall(SYS_setsid));
}

int sys_setpgid(pid_t pid, pid_t pgid)
{
    SYS_FAULT("setpgid");
    return (int)SYS_RESULT(syscall(SYS_setpgid, pid, pgid));
}

int sys_setgroups(size_t count, const gid_t *groups)
{
    SYS_FAULT("setgroups");
    return (int)SYS_RESULT(syscall(RAW_SETGROUPS, count, groups));
}

int sys_setgid(gid_t gid)
{
    SYS_FAULT("setgid");
    return (int)SYS_RESULT(syscall(RAW_SETRESGID, gid, gid, gid));
}

int sys_setuid(uid_t uid)
{
    SYS_FAULT("setuid");
    return (int)SYS_RESULT(syscall(RAW_SETRESUID, uid, uid, uid));
}

int sys_umask(mode_t mask)
{
    return (int)syscall(SYS_umask, mask);
}

int sys_chdir(const char *path)
{
    SYS_FAULT("chdir");
    return (int)SYS_RESULT(syscall(SYS_chdir, path));
}

int sys_setpriority(int value)
{
    SYS_FAULT("setpriority");
    return (int)SYS_RESULT(syscall(SYS_setpriority, PRIO_PROCESS, 0, value));
}

/* The kernel answers with 20 less the value, so that no answer looks like an error. */
int sys_getpriority(int *value)
{
    SYS_FAULT("getpriority");
    int r = (int)SYS_RESULT(syscall(SYS_getpriority, PRIO_PROCESS, 0));
    if (r >= 0)
        *value = 20 - r;
    return r;
}

enum { WHO_PROCESS = 1, CLASS_SHIFT = 13 };

int sys_ioprio_set(int io_class, int level)
{
    SYS_FAULT("ioprio_set");
    return (int)SYS_RESULT(syscall(SYS_ioprio_set, WHO_PROCESS, 0, io_class << CLASS_SHIFT | level));
}

int sys_ioprio_get(int *io_class, int *level)
{
    SYS_FAULT("ioprio_get");
    int r = (int)SYS_RESULT(syscall(SYS_ioprio_get, WHO_PROCESS, 0));
    if (r >= 0) {
        *io_class = r >> CLASS_SHIFT;
        *level = r & ((1 << CLASS_SHIFT) - 1);
    }
    return r;
}

int sys_sched_setaffinity(size_t size, const void *mask)
{
    SYS_FAULT("sched_setaffinity");
    return (int)SYS_RESULT(syscall(SYS_sched_setaffinity, 0, size, mask));
}

int sys_sched_getaffinity(size_t size, void *mask)
{
    SYS_FAULT("sched_getaffinity");
    memset(mask, 0, size); /* the kernel writes as much as it has processors for */
    return (int)SYS_RESULT(syscall(SYS_sched_getaffinity, 0, size, mask));
}

int sys_setrlimit(int resource, uint64_t soft, uint64_t hard)
{
    SYS_FAULT("setrlimit");
    uint64_t limit[2] = {soft, hard};
    return (int)SYS_RESULT(syscall(SYS_prlimit64, 0, resource, limit, NULL));
}

int sys_getrlimit(int resource, uint64_t *soft, uint64_t *hard)
{
    uint64_t limit[2];
    int r = (int)SYS_RESULT(syscall(SYS_prlimit64, 0, resource, NULL, limit));
    if (r >= 0) {
        *soft = limit[0];
        *hard = limit[1];
    }
    return r;
}

int sys_parent_death_signal(int signal_number)
{
    SYS_FAULT("prctl");
    return (int)SYS_RESULT(syscall(SYS_prctl, PR_SET_PDEATHSIG, signal_number, 0, 0, 0));
}

SYS_CHILD int sys_become_subreaper(void)
{
    SYS_FAULT("subreaper");
    return (int)SYS_RESULT(syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
}

SYS_CHILD int sys_unshare_descriptors(void)
{
    SYS_FAULT("unshare");
    return (int)SYS_RESULT(syscall(SYS_unshare, CLONE_FILES));
}

int sys_join_cgroup(int procs_fd)
{
    SYS_FAULT("join");
    ssize_t n = SYS_RESULT(syscall(SYS_write, procs_fd, "0", 1));
    if (n < 0)
        return (int)n;
    return n == 1 ? 0 : -EIO;
}
