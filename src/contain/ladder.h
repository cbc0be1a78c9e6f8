/*
 * The one ladder for every mechanism: soft signal, grace, hard kill, proof.
 *
 * It is a state machine without waiting of its own: ladder_advance does what is due now, and its owner waits, in a poll
 * or in a loop, until one of its descriptors fires or its time has come. It climbs when the *tree* is not empty,
 * whatever became of the leader.
 */
#ifndef PK_CONTAIN_LADDER_H
#define PK_CONTAIN_LADDER_H

#include "contain/drain.h"
#include "contain/leader.h"

#include <processkit/group.h>

#include <stdbool.h>

/* How long after the hard kill nothing may happen before those that are left are called unkillable. A tree that still
 * becomes smaller is not: many members on a slow machine take their time. */
#define LADDER_KILL_BOUND PK_SECONDS(5)

enum ladder_phase { LADDER_IDLE, LADDER_SOFT, LADDER_HARD, LADDER_OVER };

struct ladder {
    enum ladder_phase phase;
    pk_group *group;
    struct leader *only; /* reaches this leader instead of the whole group; NULL: the group */
    pk_stop_options options;
    bool count;
    bool repeat; /* one kill does not reach all: another follows each look */
    pk_time started;
    pk_time next;       /* end of the grace, or of the patience after the hard kill */
    bool patient;       /* a tree that becomes smaller gets more time */
    size_t left;        /* members, dying ones included, when last counted */
    pk_time progressed; /* when there had become fewer */
    struct drain drain;
    unsigned soft_signals; /* how many were sent */
    pk_stop_report report;
    int result; /* once over: 0, or -EBUSY if members are left after the hard kill */
};

/* Takes the first step. `only` as above. `count`: fill in the report's numbers of members, which costs a look at each.
 */
void ladder_begin(struct ladder *ladder, pk_group *group, struct leader *only, const pk_stop_options *options,
                  bool count);

/* Makes a running ladder harder: the new signal is sent, and the grace can only become shorter. */
void ladder_hasten(struct ladder *ladder, const pk_stop_options *options);

/* Does what is due. True once it is over. */
bool ladder_advance(struct ladder *ladder);

/* When to call ladder_advance if no descriptor fires before. */
pk_time ladder_wake(const struct ladder *ladder);

void ladder_end(struct ladder *ladder);

/* From beginning to end, waiting here. Returns the result. */
int ladder_run(struct ladder *ladder);

/* Kills the members, and waits for nothing. What the first kill did not reach, the next may. */
void ladder_kill(pk_group *group);

/* Waits until the group is empty. -ETIMEDOUT. */
int ladder_wait_empty(pk_group *group, pk_time deadline);

/* The last thing that happens to a group: unless spared, it is killed, waited for at most 100 ms, and its leaders are
 * reaped. */
void ladder_end_group(pk_group *group);

/* Fills in -EBUSY with the names of those left. Returns it. */
int ladder_explain(pk_group *group, int number, pk_error *error);

#endif
