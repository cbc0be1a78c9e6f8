/*
 * What a mechanism without a list in the kernel keeps track of: leaders and what belongs to each, and adopted
 * processes.
 */
#ifndef PK_CONTAIN_TRACKED_H
#define PK_CONTAIN_TRACKED_H

#include "contain/leader.h"

#include <processkit/group.h>

struct tracked {
    struct tracked *next;
    struct leader *leader; /* NULL: an adopted process. Of a process group: its zombie is kept as long as the number
                              must not be recycled */
    pid_t pid;
    int pidfd; /* of an adopted process; -1 */
};

/* What is needed once a child exists is allocated before, and put on the list of the group then; of a branch, and on
 * that of its trunk. */
int tracked_reserve(pk_group *group, pk_error *error);
void tracked_add(pk_group *group, struct leader *leader);

/* Adds a process, of which only the pidfd is known, and duplicated. */
int tracked_adopt(struct tracked **list, pid_t pid, int pidfd);

/* Of an adopted one. */
bool tracked_has_ended(const struct tracked *one);

/* Takes one off the list. A zombie that was kept is let go. */
void tracked_forget(struct tracked **link);

/* All of them, and the reserve. */
void tracked_clear(struct tracked **list, struct tracked **reserve);

#endif
