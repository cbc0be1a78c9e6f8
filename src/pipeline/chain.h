/*
 * A chain: the stages of a pipeline that was started.
 */
#ifndef PK_PIPELINE_CHAIN_H
#define PK_PIPELINE_CHAIN_H

#include "io/relay.h"
#include "pipeline/pipefail.h"
#include "pipeline/pipeline.h"
#include "process/company.h"

/* What goes from a stage to the next, where somebody else gets it as well. */
struct joint {
    struct relay relay;
    struct loop_watch watches[RELAY_FDS];
    struct pollfd watched[RELAY_FDS];
    struct loop_timer again;
    struct chain *chain;
};

struct link {
    struct circumstances circumstances;
    struct joint *joint; /* to the next; NULL: a pipe and nothing else, or all of it is over */
    int tee_error;
};

struct chain {
    struct company company; /* first */
    pk_loop *loop;          /* carries all but the last */
    pk_duration patience;   /* with those after one that has failed */
    struct loop_timer settle;
    bool settling;
    struct link *links;
    enum fate *fates;
};

/* Without processes yet, and without a group. */
int chain_new(size_t count, pk_duration patience, struct chain **ret, pk_error *error);

/* Frees it, when there are no processes yet, or no more: freeing that of the last stage does so. */
void chain_free(struct chain *chain);

/* A stage was started, the last one first. It is the chain's now, which carries all but the last; which has the chain.
 */
int chain_take(struct chain *chain, size_t stage, pk_process *process, pk_error *error);

/* joint.c: passes on by the chain's loop what comes from `from` to `to`, and to `tee` as well. Both pipes are the
 * joint's, also after a failure. */
int joint_make(struct chain *chain, size_t stage, int from, int to, int tee, pk_error *error);

/* Takes NULL; returns NULL. */
struct joint *joint_free(struct joint *joint);

#endif
