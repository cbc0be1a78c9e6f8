/*
 * Running a batch: takes items, starts them as tasks while that is admitted, and hands out how they ended.
 */
#include "base/error.h"
#include "base/time.h"
#include "batch/batch.h"
#include "process/output.h"
#include "sys/sys.h"

#include <processkit/pipeline.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

/* ---- Items ------------------------------------------------------------------------------------------------------ */

static void append(pk_batch *batch, struct item *item)
{
    item->previous = batch->last;
    if (batch->last)
        batch->last->next = item;
    else
        batch->first = item;
    batch->last = item;
}

static void forget(struct item *item)
{
    pk_batch *batch = item->batch;
    if (item->previous)
        item->previous->next = item->next;
    else
        batch->first = item->next;
    if (item->next)
        item->next->previous = item->previous;
    else
        batch->last = item->previous;
    pk_task_free(item->task);
    pk_command_free(item->command);
    free(item);
}

/* ---- Where they come from --------------------------------------------------------------------------------------- */

static bool has_more(const pk_batch *batch)
{
    return batch->added || (batch->source && !batch->source_ended);
}

static int take_added(pk_batch *batch, pk_command **command, void **data)
{
    struct added *added = batch->added;
    batch->added = added->next;
    if (!batch->added)
        batch->added_end = &batch->added;
    *command = added->command;
    *data = added->data;
    free(added);
    return 1;
}

/* 1: here is one; 0: there is none, or none now. */
static int take(pk_batch *batch, pk_command **command, void **data)
{
    if (batch->added)
        return take_added(batch, command, data);
    if (!batch->source || batch->source_ended || batch->source_rests)
        return 0;
    batch->source_rests = true; /* unless it is woken from within */
    int r = batch->source(command, data, batch->source_data);
    if (r == -EAGAIN)
        return 0;
    batch->source_rests = false;
    if (r > 0)
        return 1;
    batch->source_ended = true;
    batch->source_error = r;
    if (r < 0)
        batch_finish(batch, PK_BATCH_NO_SOURCE);
    return 0;
}

/* ---- The end of one --------------------------------------------------------------------------------------------- */

static void add_usage(pk_batch_summary *summary, const pk_output *output)
{
    const pk_usage *usage = pk_output_usage(output);
    if (usage->cpu_source != PK_SOURCE_UNAVAILABLE)
        summary->cpu = time_add(summary->cpu, time_add(usage->cpu_user, usage->cpu_system));
}

static void count(pk_batch *batch, const struct item *item)
{
    pk_batch_summary *summary = &batch->summary;
    if (!item->told.error)
        summary->succeeded++;
    else if (item->told.stopped)
        summary->stopped++;
    else
        summary->failed++;
    if (item->told.output)
        add_usage(summary, item->told.output);
}

static void finish_by_failure(pk_batch *batch)
{
    if (batch->failure == PK_BATCH_FINISH)
        batch_finish(batch, PK_BATCH_FAILED);
    else if (batch->failure == PK_BATCH_STOP)
        batch_stop(batch, PK_BATCH_FAILED, NULL);
}

/* It is told from here on, with what the task has. */
static void conclude(struct item *item, const pk_error *error)
{
    pk_batch *batch = item->batch;
    item->over = true;
    item->told.ended = sys_now();
    if (error)
        item->error = *error;
    item->told.error = error ? &item->error : NULL;
    item->told.output = item->task ? pk_task_output(item->task) : NULL;
    count(batch, item);
    if (error && !item->told.stopped)
        finish_by_failure(batch);
}

static void look(pk_batch *batch);

static void on_task(pk_task *task, int number, const pk_error *error, void *data)
{
    struct item *item = data;
    (void)task, (void)number;
    item->batch->summary.running--;
    conclude(item, error);
    look(item->batch);
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

static int refuse_apart(const pk_command *command, pk_error *error)
{
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, NULL,
                     "cannot run %s in the group of its batch: it has one of its own", pk_command_program(command));
}

/* By the callback that was told of its start. */
static int refuse_stopped(const pk_command *command, pk_error *error)
{
    return error_set(error, -ECANCELED, PK_ERROR_CANCELLED, PK_STEP_ARGUMENTS, NULL,
                     "cannot start %s: its batch was stopped", pk_command_program(command));
}

static int submit(struct item *item, pk_error *error)
{
    pk_batch *batch = item->batch;
    const struct wish wish = {.verb = batch->captures ? verb_of(PK_VERB_CHECK) : &verb_check_uncaptured};
    if (batch->trunk && (item->command->runner || item->command->contain))
        return refuse_apart(item->command, error);
    pk_command *copy = pk_command_copy(item->command);
    if (copy && batch->trunk)
        branching_give(&batch->branching, copy);
    return task_submit(copy, &wish, batch->loop, on_task, item, &item->task, error);
}

static void start(struct item *item)
{
    pk_batch *batch = item->batch;
    pk_error error;
    item->told.started = sys_now();
    admission_note(&batch->admission, item->told.started);
    if (batch->on_start)
        batch->on_start(batch, &item->told, batch->start_data);
    if (item->told.stopped ? refuse_stopped(item->command, &error) < 0 : submit(item, &error) < 0) {
        conclude(item, &error);
        return;
    }
    batch->summary.running++;
    if (batch->summary.running > batch->summary.most)
        batch->summary.most = batch->summary.running;
}

static void start_next(pk_batch *batch)
{
    pk_command *command;
    void *data = NULL;
    if (take(batch, &command, &data) == 0)
        return;
    struct item *item = calloc(1, sizeof(*item));
    if (!item) {
        pk_command_free(command);
        batch->source_error = -ENOMEM;
        batch_finish(batch, PK_BATCH_NO_SOURCE);
        return;
    }
    *item = (struct item){.batch = batch, .command = command};
    item->told = (pk_batch_item){.index = batch->taken++, .data = data, .command = command};
    append(batch, item);
    start(item);
}

static unsigned count_processors(void)
{
    unsigned long mask[1024 / (CHAR_BIT * sizeof(unsigned long))] = {0};
    unsigned count = 0;
    int size = sys_sched_getaffinity(sizeof(mask), mask);
    for (size_t i = 0; size > 0 && i < sizeof(mask) / sizeof(mask[0]); i++)
        for (unsigned long left = mask[i]; left; left &= left - 1)
            count++;
    return count ? count : 1;
}

static bool has_room(const pk_batch *batch)
{
    return batch->summary.running < (batch->jobs ? batch->jobs : batch->processors);
}

static bool is_far_ahead(const pk_batch *batch)
{
    return batch->order == PK_BATCH_IN_ORDER && batch->first &&
           batch->taken - batch->first->told.index >= PK_BATCH_AHEAD;
}

static bool may_start(const pk_batch *batch)
{
    return !batch->stopping && has_more(batch) && !batch->source_rests && has_room(batch) && !is_far_ahead(batch);
}

/* As many as may be. When to try again, if it was not their number. */
static pk_time start_more(pk_batch *batch)
{
    while (may_start(batch)) {
        pk_time later = admission_ask(&batch->admission, (unsigned)batch->summary.running, sys_now());
        if (later)
            return later;
        start_next(batch);
    }
    return PK_FOREVER;
}

/* ---- Handing out ------------------------------------------------------------------------------------------------ */

static void tell(struct item *item)
{
    pk_batch *batch = item->batch;
    if (batch->on_end)
        batch->on_end(batch, &item->told, batch->end_data);
    forget(item);
}

static void deliver(pk_batch *batch)
{
    struct item *next;
    for (struct item *item = batch->first; item; item = next) {
        next = item->next;
        if (item->over)
            tell(item);
        else if (batch->order == PK_BATCH_IN_ORDER)
            return;
    }
}

/* ---- Driving ---------------------------------------------------------------------------------------------------- */

static bool is_done(const pk_batch *batch)
{
    return !batch->first && (batch->stopping || !has_more(batch));
}

static void set_timer(pk_batch *batch, pk_time when)
{
    loop_timer_set(&batch->timer, time_earlier(when, batch->stopping ? PK_FOREVER : batch->deadline));
}

/* Starts and tells until there is nothing more to do now. Not from within itself: whoever changes something in a
 * callback is looked at in the end. */
static void look(pk_batch *batch)
{
    if (batch->busy || batch->phase != BATCH_RUNNING)
        return;
    batch->busy = true;
    pk_time later = start_more(batch);
    deliver(batch);
    batch->busy = false;
    bool goes_on = later == PK_FOREVER && may_start(batch); /* by what was told */
    set_timer(batch, is_done(batch) || goes_on ? 0 : later);
}

static void forget_token(pk_batch *batch)
{
    loop_watch_remove(&batch->token);
    batch->token_fd = sys_close_safe(batch->token_fd);
}

static void conclude_batch(pk_batch *batch)
{
    pk_error error;
    batch->phase = BATCH_OVER;
    batch->summary.wall = sys_now() - batch->began;
    if (!batch->summary.end)
        batch->summary.end = PK_BATCH_ENDED;
    forget_token(batch);
    int r = batch_result(batch, &error);
    if (batch->over)
        batch->over(batch, r, r < 0 ? &error : NULL, batch->over_data);
}

static void on_time(struct loop_timer *timer, void *data)
{
    pk_batch *batch = data;
    (void)timer;
    if (batch->phase != BATCH_RUNNING)
        return;
    if (sys_now() >= batch->deadline && !batch->stopping)
        batch_stop(batch, PK_BATCH_TIMED_OUT, NULL);
    look(batch);
    if (is_done(batch))
        conclude_batch(batch);
}

static void on_token(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    pk_batch *batch = data;
    (void)watch, (void)fd, (void)events;
    forget_token(batch);
    batch_stop(batch, PK_BATCH_CANCELLED, NULL);
}

static int hear_token(pk_batch *batch)
{
    if (!batch->cancel)
        return 0;
    batch->token_fd = sys_fcntl(pk_cancel_fd(batch->cancel), F_DUPFD_CLOEXEC, 3);
    return batch->token_fd < 0 ? batch->token_fd
                               : loop_watch_add(batch->loop, &batch->token, batch->token_fd, EPOLLIN, on_token, batch);
}

int batch_begin(pk_batch *batch, pk_error *error)
{
    int r = batch->contain ? pk_group_create(batch->contain, &batch->trunk, error) : 0;
    if (r < 0)
        return r;
    branching_init(&batch->branching, batch->trunk);
    batch->phase = BATCH_RUNNING;
    batch->processors = count_processors();
    batch->began = sys_now();
    batch->deadline = batch->timeout ? time_add(batch->began, batch->timeout) : PK_FOREVER;
    r = loop_timer_add(batch->loop, &batch->timer, 0, on_time, batch);
    if (r == 0)
        r = hear_token(batch);
    return r < 0 ? error_errno(error, r, PK_STEP_LOOP, NULL, "cannot run a batch") : 0;
}

void batch_end(pk_batch *batch)
{
    while (batch->first)
        forget(batch->first);
    loop_timer_remove(&batch->timer);
    forget_token(batch);
    batch->trunk = pk_group_free(batch->trunk);
    batch->phase = batch->phase == BATCH_BUILT ? BATCH_BUILT : BATCH_OVER;
}

void batch_poke(pk_batch *batch)
{
    if (batch->phase == BATCH_RUNNING && !batch->busy)
        loop_timer_set(&batch->timer, 0);
}

void batch_finish(pk_batch *batch, pk_batch_end end)
{
    batch->stopping = true;
    if (!batch->summary.end)
        batch->summary.end = end;
    batch_poke(batch);
}

void batch_stop(pk_batch *batch, pk_batch_end end, const pk_stop_options *options)
{
    if (batch->phase != BATCH_RUNNING)
        return;
    batch_finish(batch, end);
    for (struct item *item = batch->first; item; item = item->next) {
        if (item->over)
            continue;
        item->told.stopped = true;
        if (item->task)
            task_stop(item->task, options);
    }
}

int batch_result(const pk_batch *batch, pk_error *error)
{
    if (batch->source_error == 0)
        return 0;
    return error_errno(error, batch->source_error, PK_STEP_NONE, NULL, "cannot get the next item of a batch");
}
