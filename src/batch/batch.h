/*
 * What a pk_batch is inside.
 */
#ifndef PK_BATCH_BATCH_H
#define PK_BATCH_BATCH_H

#include "base/problem.h"
#include "batch/admission.h"
#include "process/branching.h"
#include "process/task.h"

#include <processkit/batch.h>

/* One command on its way through. */
struct item {
    pk_batch *batch;
    struct item *previous, *next; /* in the order they were given in */
    pk_batch_item told;
    pk_command *command; /* what it was given as; the task has a copy */
    pk_task *task;       /* NULL: it was not started */
    pk_error error;
    bool over;
};

/* What was added and not taken yet. */
struct added {
    struct added *next;
    pk_command *command;
    void *data;
};

enum batch_phase { BATCH_BUILT, BATCH_RUNNING, BATCH_OVER };

struct pk_batch {
    struct problem problem;

    struct added *added, **added_end;
    pk_batch_next source;
    void *source_data;
    bool source_rests; /* until pk_batch_wake */
    bool source_ended;
    int source_error;

    unsigned jobs; /* 0: by the processors */
    unsigned processors;
    struct admission admission;
    pk_batch_callback on_start, on_end;
    void *start_data, *end_data;
    pk_batch_order order;
    pk_batch_failure failure;
    bool captures;
    pk_duration timeout;
    pk_cancel *cancel;
    pk_group_options *contain;

    enum batch_phase phase;
    pk_loop *loop;
    struct loop_timer timer; /* when there is something to do beside what tasks say */
    struct loop_watch token;
    int token_fd; /* a copy; -1 */
    pk_time began, deadline;
    pk_group *trunk; /* NULL: each by itself */
    struct branching branching;
    struct item *first, *last;
    size_t taken;
    bool stopping; /* nothing more is started */
    bool busy;     /* callbacks are being called */
    pk_batch_summary summary;
    pk_batch_over over;
    void *over_data;
};

/* crew.c: begins, on the loop that is set. */
int batch_begin(pk_batch *batch, pk_error *error);

/* crew.c: kills what runs. */
void batch_end(pk_batch *batch);

/* crew.c: something has changed: looks from the loop what there is to do now. */
void batch_poke(pk_batch *batch);

/* crew.c: nothing more is started. `end` is why, unless there is a reason already. */
void batch_finish(pk_batch *batch, pk_batch_end end);

/* crew.c: and what runs is stopped. */
void batch_stop(pk_batch *batch, pk_batch_end end, const pk_stop_options *options);

/* crew.c: what the run of one that is over returns. */
int batch_result(const pk_batch *batch, pk_error *error);

#endif
