/*
 * Remains: one directory that may be all that is left of an owner.
 */
#ifndef PK_CONTAIN_REMAINS_H
#define PK_CONTAIN_REMAINS_H

#include <processkit/prune.h>

struct remains {
    int parent;       /* the directory it is in, */
    const char *name; /* under that name, */
    int dir;          /* and itself */
    bool dry_run;
    pk_duration patience;

    pk_pruned found; /* the answer, but for the path */
    pk_step step;    /* where it failed */
};

/* Finds out whether its owner is dead, and if so kills and removes what is in it, and it. What it does is described in
 * the public header. Does not close the descriptors. */
void remains_clear(struct remains *remains);

/* The same for the directory of a detached command: removes it if nothing lives in it, and kills nothing. */
void remains_clear_detached(struct remains *remains);

#endif
