/*
 * The child between clone and exec.
 */
#ifndef PK_PROCESS_CHILD_H
#define PK_PROCESS_CHILD_H

#include "process/plan.h"

/* What parent and child share. */
struct birth {
    const struct plan *plan;
    int join_fd;   /* cgroup.procs to enter by writing; -1: born in the right place */
    int lease_fd;  /* stays open until exec, as a sign to who has its other end; -1: there is none */
    int count_fd;  /* pids.current, to be looked at after that; -1: no need */
    uint64_t most; /* and what it may say */
    bool own_pgid; /* the mechanism needs a process group of its own */
    bool own_session;
    pid_t owner_pid; /* as the child sees its parent: to notice that it died before the parent-death signal was armed */

    /* Written by the child. PK_STEP_NONE: it never ran. PK_STEP_EXEC without an error: it has become the program. */
    volatile pk_step step;
    volatile int error;
    volatile size_t candidate; /* the path the error is about */
};

/* The candidates that were tried so far, and were not it. */
struct attempts {
    int error;    /* what there is to say if none is; begins as -ENOENT */
    size_t about; /* the candidate that it is about */
};

/* One more was not it, with this errno. Whether the next is to be tried. Async-signal-safe. */
bool child_goes_on(struct attempts *attempts, size_t candidate, int error);

/* Does not return. For sys_clone3 and sys_clone. */
int child_run(void *data);

#endif
