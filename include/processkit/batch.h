/*
 * Batches: many commands, as many at a time as is good for the machine.
 *
 *     static void tell(pk_batch *batch, const pk_batch_item *item, void *data)
 *     {
 *         printf("%s: %s\n", (const char *)item->data, item->error ? item->error->message : "good");
 *     }
 *
 *     pk_auto(pk_batch) batch = pk_batch_new();
 *     pk_batch_jobs(batch, 8);
 *     pk_batch_on_end(batch, tell, NULL);
 *     for (size_t i = 0; i < count; i++)
 *         pk_batch_add(batch, commands[i], names[i]);
 *     if (pk_batch_run(batch, &summary, &error) < 0) ...
 *
 * Each item is a command (or a pipeline: pk_pipeline_command), run from its start to its end in a group of its own by
 * the rules of run.h: its deadline, retries, leftovers and success are what its command says. A batch is run once; it
 * belongs to one thread. Callbacks may do anything but free it: for that there is pk_batch_stop.
 *
 * Memory does not grow with the number of items if they come from a source (pk_batch_source): there are never more of
 * them than may run at once, and with PK_BATCH_IN_ORDER those that wait for the ones before them.
 */
#ifndef PROCESSKIT_BATCH_H
#define PROCESSKIT_BATCH_H

#include <processkit/cancel.h>
#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/loop.h>
#include <processkit/macros.h>
#include <processkit/run.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

typedef struct pk_batch pk_batch;

/* ---- Items ------------------------------------------------------------------------------------------------------ */

typedef struct pk_batch_item {
    size_t index; /* from 0, in the order they were given in */
    void *data;   /* what was given with it */
    const pk_command *command;
    const pk_error *error;   /* the error of a verb that wants success; NULL: it was one */
    const pk_output *output; /* NULL: it could not be started, or was not any more */
    bool stopped;            /* the batch has ended it, or kept it from being tried again */
    pk_time started;         /* its first attempt */
    pk_time ended;
    uint64_t reserved[4];
} pk_batch_item;

/* NULL only when memory ran out; all functions accept that NULL, and the run reports it. What is wrong with a setting
 * is remembered, and reported by the run as well. */
PK_API pk_batch *pk_batch_new(void);

/* Kills what runs, and calls nobody back. Not from a callback. Takes NULL; returns NULL. */
PK_API pk_batch *pk_batch_free(pk_batch *batch);

PK_DEFINE_CLEANUP(pk_batch);

/* One more item, before the run or during it; the command is copied. */
PK_API void pk_batch_add(pk_batch *batch, const pk_command *command, void *data);

/*
 * Where the next item comes from, when those that were added are used up: 1, and then *command is the batch's; 0: there
 * are no more; -EAGAIN: not now, pk_batch_wake tells when. Any other negative number ends the batch as
 * PK_BATCH_FINISH does, and is what the run returns.
 */
typedef int (*pk_batch_next)(pk_command **command, void **item_data, void *data);
PK_API void pk_batch_source(pk_batch *batch, pk_batch_next next, void *data);
PK_API void pk_batch_wake(pk_batch *batch);

/* ---- How many at a time ----------------------------------------------------------------------------------------- */

/* At most so many at once; 0: as many as there are processors for this process, which is the default. */
PK_API void pk_batch_jobs(pk_batch *batch, unsigned most);

/* At most so many starts in each such time, spread evenly. 0: any number. */
PK_API void pk_batch_rate(pk_batch *batch, unsigned starts, pk_duration time);

/*
 * Starts nothing while less memory than that is available to new programs (MemAvailable, and what is left of the memory
 * limits above this process); or while so many threads or more are running or waiting for a processor in the whole
 * system. Looked at before each start, and five times a second while held up by it. One item always runs. 0: any.
 */
PK_API void pk_batch_memory_floor(pk_batch *batch, uint64_t bytes);
PK_API void pk_batch_load(pk_batch *batch, unsigned most);

/* ---- What happens ----------------------------------------------------------------------------------------------- */

typedef enum pk_batch_order {
    PK_BATCH_AS_THEY_END, /* the default */
    PK_BATCH_IN_ORDER,    /* each after those before it; at most PK_BATCH_AHEAD items are further than the first that
                             runs */
} pk_batch_order;

#define PK_BATCH_AHEAD 256

typedef void (*pk_batch_callback)(pk_batch *batch, const pk_batch_item *item, void *data);

/* Called for each item that was taken, once: when it has ended, or will not be run any more. */
PK_API void pk_batch_on_end(pk_batch *batch, pk_batch_callback callback, void *data);
PK_API void pk_batch_deliver(pk_batch *batch, pk_batch_order order);

/* Called for each item right before its first attempt; of the item only index, data, command and started are there. */
PK_API void pk_batch_on_start(pk_batch *batch, pk_batch_callback callback, void *data);

/* Whether stdout and stderr are captured where a command says nothing about them, which is the default. Otherwise they
 * are the owner's. */
PK_API void pk_batch_capture(pk_batch *batch, bool captures);

/* What the first failure of an item means to the others. */
typedef enum pk_batch_failure {
    PK_BATCH_GO_ON,  /* nothing; the default */
    PK_BATCH_FINISH, /* nothing more is started */
    PK_BATCH_STOP,   /* and what runs is stopped, as its commands say */
} pk_batch_failure;

PK_API void pk_batch_on_failure(pk_batch *batch, pk_batch_failure failure);

/* A deadline for the whole batch, and a token for it: then everything is stopped. A timeout of 0 is invalid. */
PK_API void pk_batch_timeout(pk_batch *batch, pk_duration timeout);
PK_API void pk_batch_cancel(pk_batch *batch, pk_cancel *cancel);

/* One group around those of all items, made so: limits hold for all of them together. NULL: there is none, the default.
 */
PK_API void pk_batch_contain(pk_batch *batch, const pk_group_options *options);

/* ---- Running ---------------------------------------------------------------------------------------------------- */

/* Why it ended. */
typedef enum pk_batch_end {
    PK_BATCH_ENDED = 1, /* all items have ended */
    PK_BATCH_FAILED,    /* an item has failed, and that was to be its end */
    PK_BATCH_TIMED_OUT,
    PK_BATCH_CANCELLED, /* its token was cancelled */
    PK_BATCH_STOPPED,   /* by pk_batch_stop */
    PK_BATCH_NO_SOURCE, /* the source has failed */
} pk_batch_end;

/* "ended", "failed", "timed-out", "cancelled", "stopped", "no-source"; "unknown" otherwise. Static; any thread. */
PK_API const char *pk_batch_end_name(pk_batch_end end);

typedef struct pk_batch_summary {
    pk_batch_end end; /* 0: it has not */
    size_t succeeded;
    size_t failed;
    size_t stopped; /* by the batch, while they ran or before they were started */
    size_t running; /* now */
    size_t most;    /* that ran at once */
    pk_duration wall;
    pk_duration cpu; /* of those that have ended, where it is known */
    uint64_t reserved[8];
} pk_batch_summary;

/*
 * Runs it to its end; `summary` may be NULL. 0 whatever became of the items, and a negative errno when the batch itself
 * could not go on: -EINVAL for a setting or a second run, -ENOMEM, what the source returned.
 */
PK_API PK_NODISCARD int pk_batch_run(pk_batch *batch, pk_batch_summary *summary, pk_error *error);

/* Lets a loop run it, which must outlive it. The callback is called at the end, once, with what pk_batch_run would
 * return; `error` is NULL unless that is negative, and lasts as long as the call. It may free the batch. */
typedef void (*pk_batch_over)(pk_batch *batch, int number, const pk_error *error, void *data);
PK_API PK_NODISCARD int pk_batch_start(pk_batch *batch, pk_loop *loop, pk_batch_over over, void *data, pk_error *error);

/* Starts nothing more, and stops what runs: as `options` say, or NULL: as each command says. Once more can only make it
 * harder. Returns at once. */
PK_API void pk_batch_stop(pk_batch *batch, const pk_stop_options *options);

/* How it stands, now or at the end. */
PK_API void pk_batch_look(const pk_batch *batch, pk_batch_summary *summary);

PK_END_DECLS

#endif
