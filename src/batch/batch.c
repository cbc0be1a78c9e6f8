/*
 * Batches as their owner sees them: settings, items, and the functions that run one.
 */
#include "batch/batch.h"

#include "base/error.h"
#include "contain/group.h"
#include "process/cancel.h"
#include "sys/sys.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* ---- Making ----------------------------------------------------------------------------------------------------- */

pk_batch *pk_batch_new(void)
{
    pk_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->added_end = &batch->added;
    batch->captures = true;
    batch->failure = PK_BATCH_GO_ON;
    batch->deadline = PK_FOREVER;
    batch->token_fd = -1;
    return batch;
}

pk_batch *pk_batch_free(pk_batch *batch)
{
    if (!batch)
        return NULL;
    batch_end(batch);
    while (batch->added) {
        struct added *added = batch->added;
        batch->added = added->next;
        pk_command_free(added->command);
        free(added);
    }
    pk_cancel_free(batch->cancel);
    free(batch->contain);
    free(batch);
    return NULL;
}

PK_PRINTF(3, 4) static void remember(pk_batch *batch, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&batch->problem, number, format, arguments);
    va_end(arguments);
}

void pk_batch_add(pk_batch *batch, const pk_command *command, void *data)
{
    if (!batch)
        return;
    struct added *added = calloc(1, sizeof(*added));
    pk_command *copy = pk_command_copy(command);
    if (!added || !copy) {
        free(added);
        pk_command_free(copy);
        remember(batch, -ENOMEM, "out of memory");
        return;
    }
    *added = (struct added){.command = copy, .data = data};
    *batch->added_end = added;
    batch->added_end = &added->next;
    batch_poke(batch);
}

/* ---- Settings --------------------------------------------------------------------------------------------------- */

void pk_batch_source(pk_batch *batch, pk_batch_next next, void *data)
{
    if (!batch)
        return;
    batch->source = next;
    batch->source_data = data;
}

void pk_batch_wake(pk_batch *batch)
{
    if (!batch)
        return;
    batch->source_rests = false;
    batch_poke(batch);
}

void pk_batch_jobs(pk_batch *batch, unsigned most)
{
    if (!batch)
        return;
    batch->jobs = most;
    batch_poke(batch);
}

void pk_batch_rate(pk_batch *batch, unsigned starts, pk_duration time)
{
    if (batch)
        batch->admission.interval = starts ? time / starts : 0;
}

void pk_batch_memory_floor(pk_batch *batch, uint64_t bytes)
{
    if (batch)
        batch->admission.memory_floor = bytes;
}

void pk_batch_load(pk_batch *batch, unsigned most)
{
    if (batch)
        batch->admission.load = most;
}

void pk_batch_on_end(pk_batch *batch, pk_batch_callback callback, void *data)
{
    if (!batch)
        return;
    batch->on_end = callback;
    batch->end_data = data;
}

void pk_batch_on_start(pk_batch *batch, pk_batch_callback callback, void *data)
{
    if (!batch)
        return;
    batch->on_start = callback;
    batch->start_data = data;
}

void pk_batch_deliver(pk_batch *batch, pk_batch_order order)
{
    if (batch)
        batch->order = order;
}

void pk_batch_capture(pk_batch *batch, bool captures)
{
    if (batch)
        batch->captures = captures;
}

void pk_batch_on_failure(pk_batch *batch, pk_batch_failure failure)
{
    if (batch)
        batch->failure = failure;
}

void pk_batch_timeout(pk_batch *batch, pk_duration timeout)
{
    if (batch && timeout == 0)
        remember(batch, -EINVAL, "a timeout of 0");
    if (batch)
        batch->timeout = timeout;
}

void pk_batch_cancel(pk_batch *batch, pk_cancel *cancel)
{
    if (!batch)
        return;
    pk_cancel_free(batch->cancel);
    batch->cancel = cancel ? cancel_ref(cancel) : NULL;
}

void pk_batch_contain(pk_batch *batch, const pk_group_options *options)
{
    if (!batch)
        return;
    free(batch->contain);
    batch->contain = group_copy_options(options);
    if (options && !batch->contain)
        remember(batch, -ENOMEM, "out of memory");
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

const char *pk_batch_end_name(pk_batch_end end)
{
    static const char *const names[] = {
        [PK_BATCH_ENDED] = "ended",         [PK_BATCH_FAILED] = "failed",   [PK_BATCH_TIMED_OUT] = "timed-out",
        [PK_BATCH_CANCELLED] = "cancelled", [PK_BATCH_STOPPED] = "stopped", [PK_BATCH_NO_SOURCE] = "no-source",
    };
    return end >= PK_BATCH_ENDED && end <= PK_BATCH_NO_SOURCE ? names[end] : "unknown";
}

static int begin(pk_batch *batch, pk_loop *loop, pk_error *error)
{
    if (!batch)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a batch");
    int r = problem_check(&batch->problem, "batch", error);
    if (r < 0)
        return r;
    if (batch->phase != BATCH_BUILT)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "a batch can be run once only");
    batch->loop = loop;
    return batch_begin(batch, error);
}

int pk_batch_start(pk_batch *batch, pk_loop *loop, pk_batch_over over, void *data, pk_error *error)
{
    if (batch) {
        batch->over = over;
        batch->over_data = data;
    }
    return begin(batch, loop, error);
}

static int run(pk_batch *batch, pk_loop *loop, pk_error *error)
{
    int r = begin(batch, loop, error);
    while (r >= 0 && batch->phase != BATCH_OVER)
        r = pk_loop_dispatch(loop, PK_FOREVER, error);
    return r < 0 ? r : batch_result(batch, error);
}

int pk_batch_run(pk_batch *batch, pk_batch_summary *summary, pk_error *error)
{
    pk_loop *loop;
    int r = pk_loop_create(&loop, error);
    if (r < 0)
        return r;
    r = run(batch, loop, error);
    if (batch && summary)
        pk_batch_look(batch, summary);
    if (batch)
        batch_end(batch); /* before the loop that carries it */
    pk_loop_free(loop);
    return r;
}

void pk_batch_stop(pk_batch *batch, const pk_stop_options *options)
{
    if (batch)
        batch_stop(batch, PK_BATCH_STOPPED, options);
}

void pk_batch_look(const pk_batch *batch, pk_batch_summary *summary)
{
    *summary = batch ? batch->summary : (pk_batch_summary){0};
    if (batch && batch->phase == BATCH_RUNNING)
        summary->wall = sys_now() - batch->began;
}
