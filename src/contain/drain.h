/*
 * Waiting for a tree to become empty, without polling at fixed steps.
 *
 * The kernel reports emptiness by POLLPRI on cgroup.events, but at most every 10 ms per file; a tree that was killed
 * soon after it was started would be reported late. So one living member's pidfd is watched, the *sentinel*: when it
 * fires, the next look is taken. POLLPRI is the backstop, and a short, growing pause covers the moment in which the
 * last member is gone from the list but not from the count.
 */
#ifndef PK_CONTAIN_DRAIN_H
#define PK_CONTAIN_DRAIN_H

#include <processkit/group.h>
#include <processkit/time.h>

#include <poll.h>

struct drain {
    int events;   /* poll for `mask`; -1: none (yet) */
    short mask;   /* POLLPRI; POLLIN for one that is never late, and good for one wait only */
    int sentinel; /* poll for POLLIN; -1: none */
    pid_t sentinel_pid;
    bool killed;  /* just now: the end may be nearer than a wait can tell */
    pk_time wake; /* look again then in any case */
    pk_duration pause;
};

#define DRAIN_INIT                                       \
    {                                                    \
        .events = -1, .sentinel = -1, .wake = PK_FOREVER \
    }

/* 1 when the group is empty, 0 when not: then wait for one of the three. Needs the group's lock. */
int drain_look(struct drain *drain, pk_group *group, pk_time now);

/* The two descriptors for poll; a missing one is -1, which poll skips. */
void drain_poll(const struct drain *drain, struct pollfd fds[2]);

void drain_end(struct drain *drain);

#endif
