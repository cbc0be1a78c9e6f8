/*
 * Directories of groups that ended by themselves, kept for the next ones.
 *
 * One that has become empty without having been killed is as good as new, but for what it has counted. To make and to
 * remove one costs the kernel some 35 us and an RCU grace period, a tenth of a short run; to find it empty costs 2.
 * All functions need the owner's lock.
 */
#ifndef PK_CONTAIN_IDLE_H
#define PK_CONTAIN_IDLE_H

#include "contain/owner.h"

enum { IDLE_MOST = 8 };

struct idle {
    struct owner_entry entries[IDLE_MOST];
    unsigned count;
};

/* Takes over the entry with its descriptors. False: there are enough. */
bool idle_park(struct idle *idle, const struct owner_entry *entry);

/* The one that was parked last. False: there is none. */
bool idle_take(struct idle *idle, struct owner_entry *entry);

/* Removes all from the owner directory `dir`; or, with -1, only closes them. */
void idle_drop(struct idle *idle, int dir);

#endif
