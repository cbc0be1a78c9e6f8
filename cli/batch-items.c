/*
 * Items on their way: from the input to the batch, and from there to the outlet and the log.
 */
#include "batch-run.h"
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Items that have ended and could not be written yet. More are not started. */
enum { MOST_WAITING = 64 };

struct job {
    struct print print; /* first */
    struct batch_run *run;
    struct item *item; /* NULL: only a line of pk's */
    struct slot *slot;
    bool is_dead; /* nobody is left who could write there */
    unsigned failures;
    struct ending ending;
};

static void free_job(struct job *job)
{
    item_free(job->item);
    free(job->print.tag);
    free(job->print.note);
    free((char *)job->ending.how);
    free(job);
}

/* ---- What pk says ----------------------------------------------------------------------------------------------- */

static char *format_note(const char *format, va_list arguments)
{
    char raw[2048], safe[2048], *line;
    vsnprintf(raw, sizeof(raw), format, arguments);
    return asprintf(&line, "pk: %s\n", pk_format_text(raw, safe, sizeof(safe))) < 0 ? NULL : line;
}

static void note(struct job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    job->print.note = format_note(format, arguments);
    va_end(arguments);
}

void batch_tell(struct batch_run *run, const char *format, ...)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return;
    job->run = run;
    va_list arguments;
    va_start(arguments, format);
    job->print.note = format_note(format, arguments);
    va_end(arguments);
    outlet_add(&run->outlet, &job->print);
}

void batch_fail(struct batch_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!run->trouble[0])
        vsnprintf(run->trouble, sizeof(run->trouble), format, arguments);
    va_end(arguments);
    run->ending = true;
    pk_batch_stop(run->batch, NULL);
}

/* ---- The next one ----------------------------------------------------------------------------------------------- */

static int wait(struct batch_run *run)
{
    run->waits = true;
    return -EAGAIN;
}

static bool is_to_be_run(struct batch_run *run, const struct item *item)
{
    char text[128];
    switch (joblog_fate(&run->log, item->number)) {
    case FATE_SUCCEEDED:
        run->before.succeeded++;
        return false;
    case FATE_FAILED:
        run->before.failed += !run->request->runs_failed;
        return run->request->runs_failed;
    case FATE_STOPPED:
        if (run->request->runs_interrupted)
            return true;
        run->before.interrupted++;
        batch_tell(run, "item %s was started before and has not ended by itself (see --rerun-interrupted)",
                   item_show(item, text, sizeof(text)));
        return false;
    default:
        return true;
    }
}

/* After an attempt: what it has written is not what the item will have written. */
static bool tries_again(const pk_error *error, unsigned attempt, void *data)
{
    struct job *job = data;
    job->failures = attempt;
    switch (error->kind) {
    case PK_ERROR_EXIT:
    case PK_ERROR_SIGNALLED:
    case PK_ERROR_TIMEOUT:
    case PK_ERROR_TEARDOWN:
        break;
    default:
        if (error->step != PK_STEP_NONE && !pk_error_is_transient(error))
            return false;
    }
    return slot_empty(job->slot);
}

static int make_command(const struct batch_run *run, struct job *job, pk_command **ret)
{
    const struct batch_request *request = run->request;
    const struct item *item = job->item;
    char **argv = template_expand(&request->template, item->words, item->count, item->number + 1);
    pk_command *command = argv ? pk_command_copy(request->command) : NULL;
    if (command) {
        pk_retry_options retry = PK_RETRY_OPTIONS_INIT;
        retry.attempts = request->retries + 1;
        retry.again = tries_again;
        retry.data = job;
        pk_command_set_argv(command, (const char *const *)argv);
        pk_command_fd(command, 1, job->slot->files[0]);
        pk_command_fd(command, 2, job->slot->files[1]);
        pk_command_retry(command, &retry);
        if (item->refusal)
            pk_command_timeout(command, 0); /* makes it one that is never started; why is told by the item */
    }
    template_free(argv);
    *ret = command;
    return command ? 0 : -ENOMEM;
}

/* "WORD\t" */
static char *make_tag(const struct item *item)
{
    char text[1024];
    size_t used = 0;
    for (size_t i = 0; i < item->count && used + 8 < sizeof(text) - 2; i++) {
        if (i > 0)
            text[used++] = ' ';
        pk_format_text(item->words[i], text + used, sizeof(text) - used - 2);
        used += strlen(text + used);
    }
    memcpy(text + used, "\t", 2);
    return strdup(text);
}

static int make_job(struct batch_run *run, struct item *item, struct slot *slot, struct job **ret)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    *job = (struct job){.run = run, .item = item, .slot = slot, .print.files = slot->files};
    if (run->request->tag && !(job->print.tag = make_tag(item))) {
        free(job);
        return -ENOMEM;
    }
    *ret = job;
    return 0;
}

/* The item that was gathered. */
static int give(struct batch_run *run, pk_command **command, void **item_data)
{
    struct job *job;
    struct slot *slot = slot_take(&run->slots);
    if (!slot)
        return -errno;
    int r = make_job(run, run->next, slot, &job);
    if (r < 0) {
        slot_drop(&run->slots, slot);
        return r;
    }
    run->next = NULL;
    *item_data = job;
    r = make_command(run, job, command);
    if (r == 0)
        return 1;
    slot_drop(&run->slots, slot);
    free_job(job);
    return r;
}

/* The next one that is to be run is gathered: 1; or as the batch wants it. */
static int find(struct batch_run *run)
{
    int r;
    while ((r = item_gather(&run->next, &run->words, run->request->most_words)) > 0) {
        if (is_to_be_run(run, run->next))
            return 1;
        run->next = item_free(run->next);
        if (run->outlet.waiting >= MOST_WAITING) /* lines about items that are not */
            return wait(run);
    }
    if (r == -EAGAIN)
        return wait(run);
    if (r < 0)
        batch_fail(run, "cannot read %s: %s", run->words.name, strerror(-r));
    return r;
}

int items_next(pk_command **command, void **item_data, void *data)
{
    struct batch_run *run = data;
    if (run->outlet.waiting >= MOST_WAITING || run->slots.used >= run->most_slots)
        return wait(run);
    int r = find(run);
    if (r <= 0)
        return r;
    r = give(run, command, item_data);
    if (r < 0)
        batch_fail(run, "cannot make files for output in %s: %s", slot_directory(), strerror(-r));
    return r;
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

void items_on_start(pk_batch *batch, const pk_batch_item *item, void *data)
{
    struct batch_run *run = data;
    const struct job *job = item->data;
    (void)batch;
    int r = joblog_start(&run->log, job->item);
    if (r < 0)
        batch_fail(run, "cannot write to %s: %s", run->log.path, strerror(-r));
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static bool was_run(const struct job *job, const pk_batch_item *item)
{
    return item->output || job->failures > 0;
}

static enum fate fate_of(const struct job *job, const pk_batch_item *item)
{
    if (!item->error)
        return FATE_SUCCEEDED;
    if (!item->stopped)
        return FATE_FAILED;
    return was_run(job, item) ? FATE_STOPPED : FATE_NONE;
}

static bool is_dead(const struct job *job, const pk_result *result)
{
    if (!result)
        return job->failures == 0;
    return job->failures == 0 && !result->spared && result->verdict != PK_VERDICT_UNKILLABLE &&
           (result->guarantees & PK_GUARANTEE_WHOLE_TREE);
}

static void fill_ending(struct job *job, const pk_batch_item *item)
{
    const pk_result *result = item->output ? pk_output_result(item->output) : NULL;
    const char *how = job->item->refusal ? job->item->refusal : item->error ? item->error->message : "exited with 0";
    job->ending = (struct ending){.fate = fate_of(job, item), .exit_code = -1, .how = strdup(how)};
    job->ending.attempts = job->failures + (item->output || (item->error && !item->stopped));
    job->ending.wall = item->ended - item->started;
    job->is_dead = is_dead(job, result);
    if (!result)
        return;
    if (result->leader_ending == PK_ENDING_EXITED)
        job->ending.exit_code = result->exit_code;
    if (result->leader_ending == PK_ENDING_SIGNALLED)
        job->ending.signal_number = result->signal_number;
    job->ending.cpu = result->usage.cpu_user + result->usage.cpu_system;
}

/* What could not be started is pk's own to tell. */
static bool is_told(const struct job *job, const pk_batch_item *item)
{
    const struct request *common = &job->run->request->common;
    if (job->ending.fate == FATE_FAILED)
        return !common->quiet || !item->output;
    return job->ending.fate == FATE_STOPPED && common->verbose;
}

void items_on_end(pk_batch *batch, const pk_batch_item *item, void *data)
{
    struct batch_run *run = data;
    struct job *job = item->data;
    char text[128];
    (void)batch;
    fill_ending(job, item);
    if (is_told(job, item))
        note(job, "item %s: %s", item_show(job->item, text, sizeof(text)), job->ending.how ? job->ending.how : "?");
    run->ending |= job->ending.fate == FATE_FAILED && run->request->on_failure != PK_BATCH_GO_ON;
    outlet_add(&run->outlet, &job->print);
}

/* ---- After all of it was written -------------------------------------------------------------------------------- */

static void give_back(struct job *job, bool complete)
{
    if (job->is_dead && complete && (!job->print.had_bytes || slot_empty(job->slot)))
        slot_give(&job->run->slots, job->slot);
    else
        slot_drop(&job->run->slots, job->slot);
}

/* Only now it has ended for the log: what was not passed on is lost with pk. */
void items_done(struct print *print, bool complete, void *data)
{
    struct batch_run *run = data;
    struct job *job = (struct job *)print;
    if (job->item) {
        int r = complete ? joblog_end(&run->log, job->item, &job->ending) : 0;
        if (r < 0)
            batch_fail(run, "cannot write to %s: %s", run->log.path, strerror(-r));
        run->dropped += !complete;
        give_back(job, complete);
    }
    free_job(job);
}

void batch_count(const struct batch_run *run, struct tally *tally)
{
    pk_batch_summary summary;
    size_t most = run->request->most_words, total = run->words.total;
    size_t before = run->before.succeeded + run->before.failed + run->before.interrupted;
    pk_batch_look(run->batch, &summary);
    tally->now = summary.succeeded + summary.failed + summary.stopped;
    tally->done = before + tally->now;
    tally->failed = run->before.failed + run->before.interrupted + summary.failed;
    tally->running = summary.running;
    tally->total = total == WORDS_UNKNOWN ? SIZE_MAX : (total + most - 1) / most;
}
