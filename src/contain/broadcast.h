/*
 * Sending a signal to every member of a cgroup directory, or of anything that can be listed.
 */
#ifndef PK_CONTAIN_BROADCAST_H
#define PK_CONTAIN_BROADCAST_H

#include "base/pids.h"

#include <stdbool.h>

/*
 * Freezes the tree meanwhile, unless `frozen` says that it stands still already or the signal is one that acts on
 * frozen processes anyway: nobody forks away unsignalled. Where it cannot be frozen in time, the list is read again
 * until a pass finds no new member. Returns the first error after all members were tried.
 */
int broadcast(int dir, int signal_number, bool frozen, pid_t skip_pgid);

/* Whom a list names: adds them, as often as it is asked. */
struct audience {
    int (*list)(const void *data, struct pids *pids);
    const void *data;
};

/* The same for them; `still`: none of them can fork. */
int broadcast_to(const struct audience *audience, int signal_number, bool still, pid_t skip_pgid);

/* Whether a process is of the process group that has the signal already; -1: of the caller's own, 0: of none. */
bool broadcast_skips(pid_t pid, pid_t skip_pgid);

/* Freezes, and waits a bounded time until everything stands still: 1 if so, 0 if not yet. */
int broadcast_freeze(int dir);

#endif
