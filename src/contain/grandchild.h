/*
 * A child of a child: made like any other, in the memory of this process and before the call returns, but not one of
 * its children. The process between has ended by then, so the new one belongs to init or to the nearest subreaper, and
 * no wait of the program that embeds the library ever sees it.
 */
#ifndef PK_CONTAIN_GRANDCHILD_H
#define PK_CONTAIN_GRANDCHILD_H

#include <stdint.h>
#include <sys/types.h>

struct grandchild {
    int cgroup_fd;      /* the cgroup it is born into (CLONE_INTO_CGROUP), or -1 */
    int (*run)(void *); /* what it does: async-signal-safe, marked SYS_CHILD, ends in exec or sys_exit */
    void *data;         /* for `run` and `between` */

    /* NULL, or what the process between does when the new one has exec'd or ended, and is not waited for yet. It shares
     * our descriptors: a pidfd that it opens is ours. A negative errno is returned to the caller. */
    int (*between)(void *data, pid_t pid);

    pid_t pid; /* result: 0 if it never ran */
};

/*
 * Returns when the new process has exec'd or ended, or has been killed. All signals are blocked in it; they stay so
 * across exec unless `run` changes that. The errno of the clone that failed; -ECANCELED if the process between was
 * killed before it could make the other, or before `between` was done.
 */
int grandchild_make(struct grandchild *grandchild);

/* Waits until the kernel has cleared the word of a child in shared memory (CLONE_CHILD_CLEARTID). */
void absence_wait(_Atomic int *present);

#endif
