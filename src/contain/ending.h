/*
 * Ending what is in a cgroup directory that no handle stands for.
 */
#ifndef PK_CONTAIN_ENDING_H
#define PK_CONTAIN_ENDING_H

#include <processkit/time.h>

#include <stdbool.h>

/* Kills all members: 1 if that went member by member, and may have missed some. */
int ending_kill(int dir);

/* Kills them again and again until none is left. -EBUSY if the deadline passed first. */
int ending_wait(int dir, pk_time deadline);

#endif
