/*
 * Everything below the reaper: finding it, stopping it, killing it.
 */
#ifndef PK_GUARDIAN_REAP_TREE_H
#define PK_GUARDIAN_REAP_TREE_H

#include "calls.h"

/* Once, after everything inherited was closed. */
void tree_open(void);

/* Finds whom it can, stops them all, then kills them all. Nothing may be reaped while it runs. Some may be left, or
 * born meanwhile: whoever calls it reaps, and calls it again until no child is left. */
void tree_kill(void);

/* To be told of every process that was reaped. True if tree_kill had killed it. */
bool tree_forget(int pid);

/* How many of those that the last tree_kill killed are not reaped yet. */
size_t tree_dying(void);

#endif
