/*
 * What a reaper that was lost leaves behind.
 */
#ifndef PK_CONTAIN_ORPHANS_H
#define PK_CONTAIN_ORPHANS_H

#include "base/pids.h"
#include "contain/leader.h"

/*
 * Ends the leader and what is below it, and waits for that, but not for long. What had lost its own parent before is
 * init's by now, and not to be found.
 */
void orphans_end(const struct leader *leader);

/* Adds the leader, if it lives, and what is below it. */
int orphans_list(const struct leader *leader, struct pids *pids);

#endif
