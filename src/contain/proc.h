/*
 * What /proc tells about a process.
 *
 * A /proc may be that of another pid namespace, as after unshare(CLONE_NEWPID) until another is mounted: what it has
 * under a number is a stranger. Then nothing is known, as if there were none.
 */
#ifndef PK_CONTAIN_PROC_H
#define PK_CONTAIN_PROC_H

#include "base/pids.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    char name[16];
    char state; /* R, S, D, Z, X, ... */
    pid_t parent;
    pid_t pgid;
    pid_t session;
    unsigned flags;
    int threads;
    unsigned long user_ticks;
    unsigned long system_ticks;
    unsigned long waited_user_ticks; /* of children it waited for, with theirs */
    unsigned long waited_system_ticks;
    unsigned long start_ticks;
};

/* Takes the text of /proc/PID/stat apart. -EINVAL if it is not one. The name may hold spaces and parentheses. */
int proc_stat_parse(const char *text, struct proc_stat *stat);

/* 0 if /proc has the numbers that this process knows. -EOPNOTSUPP if it has others, or is not there. */
int proc_check(void);

/* Whether a process has no other number than the one /proc has for it, by its /proc/PID/status. */
bool proc_has_one_number(const char *status);

/* -ESRCH if there is no such process. -EOPNOTSUPP as for proc_check(). */
int proc_stat_read(pid_t pid, struct proc_stat *stat);

/* By the number that /proc itself has for it, which is told by what else is read there. */
int proc_stat_read_listed(pid_t pid, struct proc_stat *stat);

/* Whether it has ended, and is only waited for. */
bool proc_has_ended(const struct proc_stat *stat);

/* Whether the process can still do something: not a zombie, and not on its way out of the kernel. */
bool proc_is_alive(const struct proc_stat *stat);

/* Whether it is a program by now, in memory of its own, and not what its parent forked, which may share the parent's.
 */
bool proc_has_execed(const struct proc_stat *stat);

/* The peak of its resident memory in bytes (VmHWM). -ENODATA for a process without memory of its own. */
int proc_memory_peak(pid_t pid, uint64_t *bytes);

/* Calls back with every process there is; stops when that returns non-zero, and returns it. */
int proc_each(int (*callback)(pid_t pid, void *data), void *data);

/* How many of them can still do something; those that are hidden count. */
size_t proc_count_living(const struct pids *pids);

/* Whether this process, or one that it descends from, is in the list, which is sorted; as far as they can be seen. */
bool proc_holds_caller(const struct pids *pids);

/* Nanoseconds per clock tick. */
uint64_t proc_tick(void);

#endif
