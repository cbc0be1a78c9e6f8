/*
 * Reading /proc.
 */
#include "contain/proc.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int proc_stat_parse(const char *text, struct proc_stat *stat)
{
    /* "PID (NAME) STATE PPID ...": a name may contain ") R 1", so the *last* parenthesis ends it. */
    const char *open = strchr(text, '(');
    const char *close = strrchr(text, ')');
    if (!open || !close || close < open || close[1] != ' ')
        return -EINVAL;

    *stat = (struct proc_stat){0};
    size_t length = (size_t)(close - open - 1);
    memcpy(stat->name, open + 1, length < sizeof(stat->name) ? length : sizeof(stat->name) - 1);

    int fields =
        sscanf(close + 2, "%c %d %d %d %*d %*d %u %*u %*u %*u %*u %lu %lu %lu %lu %*d %*d %d %*d %lu", &stat->state,
               &stat->parent, &stat->pgid, &stat->session, &stat->flags, &stat->user_ticks, &stat->system_ticks,
               &stat->waited_user_ticks, &stat->waited_system_ticks, &stat->threads, &stat->start_ticks);
    return fields == 11 ? 0 : -EINVAL;
}

int proc_stat_read(pid_t pid, struct proc_stat *stat)
{
    char path[32], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    ssize_t length = sys_read_file(AT_FDCWD, path, text, sizeof(text));
    if (length == -ENOENT)
        return -ESRCH;
    if (length < 0)
        return (int)length;
    return proc_stat_parse(text, stat);
}

bool proc_has_ended(const struct proc_stat *stat)
{
    /* A main thread that has ended looks like a zombie while others go on. */
    return (stat->state == 'Z' || stat->state == 'X') && stat->threads <= 1;
}

bool proc_has_execed(const struct proc_stat *stat)
{
    enum { PF_FORKNOEXEC = 0x40 }; /* the same: set by fork, and cleared by exec when it has replaced the memory */
    return !(stat->flags & PF_FORKNOEXEC);
}

bool proc_is_alive(const struct proc_stat *stat)
{
    enum { PF_EXITING = 0x4 }; /* include/linux/sched.h: set at the start of do_exit, before any cleaning up */
    return !proc_has_ended(stat) && (stat->threads > 1 || !(stat->flags & PF_EXITING));
}

int proc_memory_peak(pid_t pid, uint64_t *bytes)
{
    char path[32], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    ssize_t length = sys_read_file(AT_FDCWD, path, text, sizeof(text));
    if (length < 0)
        return (int)length;
    const char *line = strstr(text, "\nVmHWM:");
    unsigned long kib;
    if (!line || sscanf(line, "\nVmHWM: %lu kB", &kib) != 1)
        return -ENODATA;
    *bytes = (uint64_t)kib * 1024;
    return 0;
}

int proc_each(int (*callback)(pid_t pid, void *data), void *data)
{
    _Alignas(struct sys_entry) char buffer[8192];
    int dir = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return dir;
    int r = 0;
    ssize_t size;
    while (r == 0 && (size = sys_getdents(dir, buffer, sizeof(buffer))) != 0) {
        if (size < 0) {
            r = (int)size;
            break;
        }
        for (char *next = buffer; r == 0 && next < buffer + size; next += ((struct sys_entry *)next)->length) {
            pid_t pid = (pid_t)strtol(((struct sys_entry *)next)->name, NULL, 10);
            if (pid > 0)
                r = callback(pid, data);
        }
    }
    sys_close(dir);
    return r;
}

size_t proc_count_living(const struct pids *pids)
{
    size_t count = 0;
    for (size_t i = 0; i < pids->count; i++) {
        struct proc_stat stat;
        int known = proc_stat_read(pids->items[i], &stat);
        count += known == 0 ? proc_is_alive(&stat) : known != -ESRCH;
    }
    return count;
}

bool proc_holds_caller(const struct pids *members)
{
    enum { MOST_ANCESTORS = 4096 }; /* a chain read while it changes need not end */
    struct proc_stat stat = {.parent = sys_getppid()};
    if (pids_contains(members, sys_getpid()))
        return true;
    for (int i = 0; stat.parent > 0 && i < MOST_ANCESTORS; i++) {
        if (pids_contains(members, stat.parent))
            return true;
        if (proc_stat_read(stat.parent, &stat) < 0)
            return false;
    }
    return false;
}

uint64_t proc_tick(void)
{
    long ticks = sysconf(_SC_CLK_TCK);
    return 1000000000U / (uint64_t)(ticks > 0 ? ticks : 100);
}
