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

/* ---- Whose numbers ---------------------------------------------------------------------------------------------- */

bool proc_has_one_number(const char *status)
{
    const char *numbers = strstr(status, "\nNSpid:");
    if (!numbers)
        return true; /* a kernel without such namespaces */
    numbers += strlen("\nNSpid:");
    char *end;
    strtol(numbers, &end, 10);
    return end != numbers && *end == '\n';
}

/* By chance a process can have the same number in two namespaces. */
static int check_no_chance(void)
{
    static _Atomic uint64_t known; /* the epoch for which it is; not so it may become, when the right one is mounted */
    char text[8192];
    uint64_t epoch = sys_epoch();
    if (known == epoch)
        return 0;
    ssize_t length = sys_read_file(AT_FDCWD, "/proc/thread-self/status", text, sizeof(text));
    if (length < 0)
        return (int)length;
    if (!proc_has_one_number(text))
        return -EOPNOTSUPP;
    known = epoch;
    return 0;
}

int proc_check(void)
{
    char link[16] = "";
    ssize_t length = sys_readlinkat(AT_FDCWD, "/proc/self", link, sizeof(link) - 1);
    if (length == -ENOENT)
        return -EOPNOTSUPP;
    if (length < 0)
        return (int)length;
    return strtol(link, NULL, 10) == sys_getpid() ? check_no_chance() : -EOPNOTSUPP;
}

/* ---- Processes -------------------------------------------------------------------------------------------------- */

int proc_stat_read_listed(pid_t pid, struct proc_stat *stat)
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

int proc_stat_read(pid_t pid, struct proc_stat *stat)
{
    int r = proc_check();
    return r < 0 ? r : proc_stat_read_listed(pid, stat);
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
    int r = proc_check();
    if (r < 0)
        return r;
    int dir = sys_openat(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return dir;
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
