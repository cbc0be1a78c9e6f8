/*
 * Starting a leader together with the reaper that is to end its tree.
 */
#ifndef PK_CONTAIN_REAPER_BIRTH_H
#define PK_CONTAIN_REAPER_BIRTH_H

#include <processkit/error.h>

#include <sys/types.h>

struct reaper_link;

struct reaper_birth {
    int (*run)(void *); /* what the leader does: as for grandchild_make */
    void *data;
    void *stack;   /* for the leader */
    pid_t *parent; /* where the leader looks who its parent is */

    /* Results, for a leader that ran. */
    pid_t pid;
    int pidfd;
    struct reaper_link *link;
};

/*
 * Returns when the leader has exec'd or ended, with its reaper at work. The leader is the reaper's child, but in the
 * session and the process group of this process. An error is explained, and leaves no process. Signals must be blocked.
 */
int reaper_give_birth(struct reaper_birth *birth, pk_error *error);

#endif
