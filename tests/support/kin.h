/*
 * Kin: the processes below another one, as /proc shows them.
 *
 * Only for a process that is a subreaper, or for its own children: what is orphaned above the next subreaper is not
 * below it any more.
 */
#ifndef PK_TESTS_KIN_H
#define PK_TESTS_KIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct kin {
    pid_t pid;
    pid_t parent;
    unsigned long long start; /* tells a recycled pid apart */
    char state;               /* as in /proc/PID/stat */
    bool dying;               /* has ended, or has SIGKILL and cannot come back */
    char name[32];
};

struct kin_list {
    struct kin *items;
    size_t count;
};

/* Everything below `root`, parents before children. */
struct kin_list kin_below(pid_t root);
void kin_free(struct kin_list *list);

/* Whether it was started after this process, as everything is that this process may have to kill. A pid that comes from
 * elsewhere may be wrong: reported from another pid namespace, or recycled. */
bool kin_is_younger(pid_t pid);

/* In another thread: returns once the main thread of this process is a zombie. Nothing but /proc tells everywhere: in a
 * forked process C libraries and sanitizers know no main thread that could be joined. */
void kin_await_end_of_main_thread(void);

/* Sends SIGKILL, to this very process and not to one that took over its pid. */
void kin_kill(const struct kin *kin);

#endif
