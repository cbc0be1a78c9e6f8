/*
 * The seam where tests inject faults: every wrapper in src/sys asks it first, in builds with PK_FAULTS. In all others
 * it is nothing at all.
 */
#ifndef PK_SYS_FAULT_H
#define PK_SYS_FAULT_H

#include <stdbool.h>

#ifdef PK_FAULTS

/* Returns 0, or the negative errno with which this call is to fail. Counts calls by name. Async-signal-safe. */
int sys_fault(const char *call);

/* Likewise, for a call that receives messages, which may also report an end too early: true if it is to do that. Counts
 * nothing. */
bool sys_fault_early_end(const char *call);

/* Likewise, for opening a file by this path. */
int sys_fault_file(const char *path);

/* From now on the n-th call (from 1) of that name fails with that errno; n 0: every call. With the name of a file, such
 * as "cgroup.kill", and n 0: every opening of a file of that name. Up to 8 at once. */
void sys_fault_set(const char *call, unsigned nth, int error_number);

/* From now on the n-th call (from 1) of that name, which receives messages, reports the end of them, and receives
 * nothing. 0: no longer; as after sys_fault_clear. */
void sys_fault_set_early_end(const char *call, unsigned nth);

/* No faults, all counts zero. */
void sys_fault_clear(void);

/* From now on another program is executed in the place of that one, by execve, or another socket connected to. NULL: no
 * longer. Both must last. */
void sys_fault_redirect(const char *from, const char *to);

/* What is taken in its place, or the same path. Async-signal-safe. */
const char *sys_fault_path(const char *path);

/* How often the call was made since sys_fault_clear, faults included. */
unsigned sys_fault_count(const char *call);

/* Calls back for every name that was called since sys_fault_clear, with its count. */
void sys_fault_each(void (*callback)(const char *call, unsigned count, void *data), void *data);

#define SYS_FAULT(call)                   \
    do {                                  \
        int sys_fault_ = sys_fault(call); \
        if (sys_fault_ < 0)               \
            return sys_fault_;            \
    } while (false)

#define SYS_FAULT_EARLY_END(call)      \
    do {                               \
        if (sys_fault_early_end(call)) \
            return 0;                  \
    } while (false)

#define SYS_FAULT_FILE(path)                   \
    do {                                       \
        int sys_fault_ = sys_fault_file(path); \
        if (sys_fault_ < 0)                    \
            return sys_fault_;                 \
    } while (false)

#define SYS_PATH(path) sys_fault_path(path)

#else
#define SYS_FAULT(call)           ((void)0)
#define SYS_FAULT_EARLY_END(call) ((void)0)
#define SYS_FAULT_FILE(path)      ((void)0)
#define SYS_PATH(path)            (path)
#endif

#endif
