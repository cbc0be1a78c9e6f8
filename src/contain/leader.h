/*
 * A leader: a process this library started and will wait for, or its reaper for it.
 *
 * It is shared by the group it was started in and the pk_process handle, either of which may go first; whoever looks
 * first after its end fetches the status. All functions but leader_new and leader_unref need the group's lock.
 */
#ifndef PK_CONTAIN_LEADER_H
#define PK_CONTAIN_LEADER_H

#include <processkit/time.h>

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

/* What is taken for a process without being one: src/testing. Called with the group's lock held. */
struct stand_in {
    /* Goes on with it. 1 when it has ended, 0 before; also called after that, for what it has left behind. */
    int (*look)(struct stand_in *stand_in, bool *signalled, int *value);

    /* How long until the next look at the latest; until it has ended, sooner if the pidfd is readable. */
    pk_duration (*interest)(const struct stand_in *stand_in);

    int (*signal)(struct stand_in *stand_in, int signal_number);
    void (*free)(struct stand_in *stand_in);
};

struct leader {
    struct leader *next; /* in its group */
    _Atomic unsigned references;
    pid_t pid;                  /* 0: not started */
    int pidfd;                  /* -1: not started. Of a stand-in: readable when it wants to be looked at */
    struct reaper_link *reaper; /* whose child it is; NULL: ours */
    struct stand_in *stand_in;  /* what it is instead of a process; NULL: it is one */
    bool ended;                 /* the fields below hold */
    bool reaped;                /* waited for, by us or by somebody else: the pid may be recycled */
    bool left;                  /* whatever becomes of it, it is to be taken away */
    bool lost;                  /* somebody else waited, and the kernel cannot tell the status any more */
    bool signalled;
    bool core_dumped;
    int value;            /* exit code or signal number */
    pk_duration cpu_user; /* of the leader and the descendants it waited for */
    pk_duration cpu_system;
};

/* Made before the child, so that a child can never be lost for want of memory. One reference. */
struct leader *leader_new(void);
struct leader *leader_ref(struct leader *leader);
void leader_unref(struct leader *leader);

/*
 * 1 when the leader has ended, 0 when not. With `keep` its zombie stays, and with it the pid and the process group
 * number, which cannot be recycled that long.
 */
int leader_look(struct leader *leader, bool keep);

/* What to poll for its end, and how long at most before looking again. */
pk_duration leader_interest(const struct leader *leader, struct pollfd *fd);

/*
 * Waits until it does not share memory with its parent any more: the kernel lets the parent of a vfork go on a moment
 * before. Who runs out of memory takes with it all that it shares memory with.
 */
int leader_wait_apart(const struct leader *leader);

/* Lets go of a kept zombie. */
void leader_reap(struct leader *leader);

/* The same at once for one that is known to be ending: waits a little if it must. */
void leader_collect(struct leader *leader, pk_time deadline);

/* What to poll for the end of its reaper, which must not come first; -1 without one, or after it. */
int leader_guard_fd(const struct leader *leader);

/* Whether its reaper was lost. */
bool leader_lost_reaper(const struct leader *leader);

/* For one that could not be collected in time: it is taken away after its last reference has gone, if it is our child.
 */
void leader_leave(struct leader *leader);

/* Sends a signal to exactly this process. -ESRCH once it was reaped. */
int leader_signal(const struct leader *leader, int signal_number);

/* For the pidfd of a child that exists: as sys_keep, but better a low descriptor than none. */
int pidfd_keep(int pidfd);

#endif
