/*
 * A batch that runs: from words to commands, and from what these have written to stdout.
 */
#ifndef PK_CLI_BATCH_RUN_H
#define PK_CLI_BATCH_RUN_H

#include "batch.h"
#include "outlet.h"
#include "signals.h"
#include "slots.h"

/* What the log knows of items that are not run again. */
struct before {
    size_t succeeded;
    size_t failed;
    size_t interrupted;
};

struct batch_run {
    const struct batch_request *request;
    pk_loop *loop;
    pk_batch *batch;
    struct signals signals;
    struct words words;
    struct slots slots;
    size_t most_slots; /* in use at once */
    struct outlet outlet;
    struct progress progress;
    struct joblog log;
    struct before before;
    struct item *next; /* is being gathered, or waits for a place to write to */
    bool waits;        /* the batch, until there may be a next item */
    bool wakes;        /* and now there may be one */
    bool ending;       /* nothing more is started */
    bool over;
    bool hurries;             /* what is not written yet will not be */
    pk_time wrote;            /* the last time, or when it was over */
    pk_batch_summary summary; /* when it is over */
    size_t dropped;           /* items whose output was not written */
    char trouble[1024];       /* why pk itself has failed; "": it has not */
};

/* batch-items.c: the callbacks of the batch and of the outlet. */
int items_next(pk_command **command, void **item_data, void *data);
void items_on_start(pk_batch *batch, const pk_batch_item *item, void *data);
void items_on_end(pk_batch *batch, const pk_batch_item *item, void *data);
void items_done(struct print *print, bool complete, void *data);

/* A line of pk's own, when its turn has come. */
void batch_tell(struct batch_run *run, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

/* Pk itself cannot go on: stops all. The first reason is kept. */
void batch_fail(struct batch_run *run, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));

/* How it stands. */
void batch_count(const struct batch_run *run, struct tally *tally);

/* batch-signals.c: reads what has come, and acts on it. */
void batch_signals(struct batch_run *run);

/* Everything, when the request is complete. How pk is to end: see ending.h. */
int batch_run(struct batch_run *run);

#endif
