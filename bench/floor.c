/*
 * clone3 and cgroup files by hand.
 */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/*
 * The child runs on the parent's stack without writing to it: it goes from one system call to the next in registers.
 * What it needs is loaded before the first one.
 */
#if defined(__x86_64__) && !defined(__ILP32__)

static long clone_and_exec(struct clone_args *args, char *const argv[], char *const environment[])
{
    long result;
    register const char *path __asm__("r12") = argv[0];
    register char *const *arguments __asm__("r13") = argv;
    register char *const *variables __asm__("r14") = environment;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %%r12, %%rdi\n\t"
                     "mov %%r13, %%rsi\n\t"
                     "mov %%r14, %%rdx\n\t"
                     "mov %[execve], %%eax\n\t"
                     "syscall\n\t"
                     "mov $127, %%edi\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(args), "S"(sizeof(*args)), "r"(path), "r"(arguments),
                       "r"(variables), [execve] "i"(SYS_execve), [exit] "i"(SYS_exit_group)
                     : "rcx", "rdx", "r11", "memory", "cc");
    return result;
}

#elif defined(__aarch64__)

static long clone_and_exec(struct clone_args *args, char *const argv[], char *const environment[])
{
    register long result __asm__("x0") = (long)args;
    register size_t length __asm__("x1") = sizeof(*args);
    register long number __asm__("x8") = SYS_clone3;
    register const char *path __asm__("x20") = argv[0];
    register char *const *arguments __asm__("x21") = argv;
    register char *const *variables __asm__("x22") = environment;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, x20\n\t"
                     "mov x1, x21\n\t"
                     "mov x2, x22\n\t"
                     "mov x8, %[execve]\n\t"
                     "svc #0\n\t"
                     "mov x0, #127\n\t"
                     "mov x8, %[exit]\n\t"
                     "svc #0\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(result)
                     : "r"(length), "r"(number), "r"(path), "r"(arguments),
                       "r"(variables), [execve] "i"(SYS_execve), [exit] "i"(SYS_exit_group)
                     : "x2", "memory", "cc");
    return result;
}

#else

static long clone_and_exec(struct clone_args *args, char *const argv[], char *const environment[])
{
    (void)args, (void)argv, (void)environment;
    return -ENOSYS;
}

#endif

int floor_spawn(int cgroup_fd, char *const argv[], char *const environment[], struct floor_child *child)
{
    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
        .pidfd = (uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    long r = clone_and_exec(&args, argv, environment);
    if (r < 0)
        return (int)r;
    *child = (struct floor_child){(pid_t)r, pidfd};
    return 0;
}

int floor_wait(struct floor_child *child)
{
    return floor_wait_status(child, 0);
}

int floor_wait_status(struct floor_child *child, int status)
{
    siginfo_t info;
    int r = waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED);
    close(child->pidfd);
    if (r < 0)
        return -errno;
    return info.si_code == CLD_EXITED && info.si_status == status ? 0 : -ECHILD;
}

/* ---- cgroups ---------------------------------------------------------------------------------------------------- */

/* The library's entries are two levels below the owner's own cgroup. */
int floor_place_open(const char *group_path, struct floor_place *place)
{
    char own[PATH_MAX];
    snprintf(own, sizeof(own), "%s", group_path);
    for (int level = 0; level < 2; level++) {
        char *slash = strrchr(own, '/');
        if (!slash)
            return -EINVAL;
        *slash = '\0';
    }
    int length = snprintf(place->directory, sizeof(place->directory), "%s/bench-floor-%d", own, getpid());
    if (length >= (int)sizeof(place->directory))
        return -ENAMETOOLONG;
    if (mkdir(place->directory, 0755) < 0)
        return -errno;
    place->fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return place->fd < 0 ? -errno : 0;
}

void floor_place_close(struct floor_place *place)
{
    close(place->fd);
    rmdir(place->directory);
}

int floor_cgroup_open(const struct floor_place *place, const char *name)
{
    if (mkdirat(place->fd, name, 0755) < 0)
        return -errno;
    int fd = openat(place->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int floor_cgroup_remove(const struct floor_place *place, const char *name, int fd)
{
    close(fd);
    return unlinkat(place->fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

bool floor_is_empty(int events)
{
    char text[128];
    ssize_t length = pread(events, text, sizeof(text) - 1, 0);
    if (length < 0)
        return true; /* the directory is gone */
    text[length] = '\0';
    return strstr(text, "populated 0") != NULL;
}
