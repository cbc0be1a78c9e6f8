/*
 * A run that was no success, as an error: its kind follows from the verdict, and its message ends with what the program
 * said last.
 */
#include "process/output.h"

#include "base/error.h"
#include "base/text.h"
#include "base/utf8.h"
#include "process/company.h"

#include <processkit/parse.h>
#include <processkit/pipeline.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What it said last ------------------------------------------------------------------------------------------ */

enum { MOST_SAID = 200, SAID_SIZE = 4 * MOST_SAID + 1 }; /* bytes, and what they are when each is escaped */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* The last line that is not blank, without blanks around it. */
static size_t last_line(const pk_capture *capture, const char **line)
{
    const char *begin = capture->bytes, *end = capture->bytes + capture->length;
    while (end > begin && is_blank(end[-1]))
        end--;
    const char *start = end;
    while (start > begin && start[-1] != '\n' && start[-1] != '\r')
        start--;
    while (start < end && is_blank(*start))
        start++;
    *line = start;
    return (size_t)(end - start);
}

/* ": " and that; nothing if it said nothing on stderr. */
static void say_last(const struct ended *ended, char *text, size_t size)
{
    const pk_capture *capture = ended_capture(ended, 2);
    const char *line = "";
    size_t length = capture ? last_line(capture, &line) : 0;
    size_t shown = length > MOST_SAID ? utf8_cut(line, MOST_SAID) : length;
    char safe[SAID_SIZE];
    text_show(line, shown, safe, sizeof(safe));
    snprintf(text, size, "%s%s%s", length ? ": " : "", safe, shown < length ? "..." : "");
}

/* ---- As an error ------------------------------------------------------------------------------------------------ */

struct failure {
    int number;
    pk_error_kind kind;
};

static struct failure classify(const pk_result *result)
{
    switch (result->verdict) {
    case PK_VERDICT_EXITED:
        return (struct failure){-EPROTO, PK_ERROR_EXIT};
    case PK_VERDICT_SIGNALLED:
        return (struct failure){-EPROTO, PK_ERROR_SIGNALLED};
    case PK_VERDICT_TIMED_OUT:
        return (struct failure){-ETIMEDOUT, PK_ERROR_TIMEOUT};
    case PK_VERDICT_IDLE:
        return (struct failure){-ETIMEDOUT, PK_ERROR_IDLE_TIMEOUT};
    case PK_VERDICT_STOPPED:
    case PK_VERDICT_CANCELLED:
        return (struct failure){-ECANCELED, PK_ERROR_CANCELLED};
    case PK_VERDICT_OVERFLOW:
        return (struct failure){-EOVERFLOW, PK_ERROR_OUTPUT_TOO_LARGE};
    case PK_VERDICT_OOM_KILLED:
        return (struct failure){-ENOMEM, PK_ERROR_RESOURCE_LIMIT};
    case PK_VERDICT_PIDS_LIMIT:
        return (struct failure){-EAGAIN, PK_ERROR_RESOURCE_LIMIT};
    case PK_VERDICT_LEFTOVERS:
    case PK_VERDICT_UNKILLABLE:
        return (struct failure){-EBUSY, PK_ERROR_TEARDOWN};
    case PK_VERDICT_LOST:
        return (struct failure){-ECHILD, PK_ERROR_LOST};
    }
    return (struct failure){-EINVAL, PK_ERROR_INVALID};
}

int ended_refuse(const struct ended *ended, pk_error *error)
{
    char how[256], said[SAID_SIZE + 16];
    const pk_result *result = ended->result;
    struct failure failure = classify(result);
    pk_result_format(result, how, sizeof(how));
    say_last(ended, said, sizeof(said));
    error_set(error, failure.number, failure.kind, PK_STEP_NONE, ended->program, "%s %s%s", ended->program, how, said);
    if (error && failure.kind == PK_ERROR_EXIT)
        error->exit_code = result->exit_code;
    if (error && result->leader_ending == PK_ENDING_SIGNALLED)
        error->signal_number = result->signal_number;
    return failure.number;
}

/* What went wrong beside the program. */
static int check_pipes(const struct ended *ended, pk_error *error)
{
    if (ended->input_error)
        return error_set(error, ended->input_error, PK_ERROR_STDIN, PK_STEP_NONE, ended->program,
                         "cannot give %s its input: %s", ended->program, error_text(ended->input_error));
    for (size_t i = 0; i < ended->stream_count; i++)
        if (ended->streams[i].error)
            return error_errno(error, ended->streams[i].error, PK_STEP_NONE, ended->program,
                               "cannot read what %s writes to descriptor %d", ended->program,
                               ended->streams[i].child_fd);
    return 0;
}

const pk_capture *ended_capture(const struct ended *ended, int fd)
{
    for (size_t i = 0; i < ended->stream_count; i++)
        if (ended->streams[i].child_fd == fd)
            return stream_view(&ended->streams[i]);
    return NULL;
}

int ended_judge(const struct ended *ended, bool any_code, pk_error *error)
{
    bool exited = any_code && ended->result->verdict == PK_VERDICT_EXITED;
    return exited || pk_result_is_success(ended->result) ? check_pipes(ended, error) : ended_refuse(ended, error);
}

static int check_whole(const struct ended *ended, int fd, pk_error *error)
{
    char total[32];
    const pk_capture *capture = ended_capture(ended, fd);
    if (!capture || capture->omitted == 0)
        return 0;
    return error_set(error, -EOVERFLOW, PK_ERROR_OUTPUT_TOO_LARGE, PK_STEP_NONE, ended->program,
                     "%s wrote %s, which is more than is kept (see pk_command_capture)", ended->program,
                     pk_format_size(capture->total, total, sizeof(total)));
}

/* ---- Outputs ---------------------------------------------------------------------------------------------------- */

struct pk_output {
    struct ended ended;
    pk_result result;

    /* Of a pipeline, which has nothing itself. */
    pk_output **stages; /* NULL: it was none */
    size_t stage_count;
    size_t culprit; /* PK_NO_STAGE */
    pk_usage usage; /* of all stages */
};

static struct ended ended_of(const pk_process *process)
{
    return (struct ended){.result = &process->run.result,
                          .program = process->program,
                          .input_error = process->feed.error,
                          .streams = process->streams,
                          .stream_count = process->stream_count};
}

/* Of one that has ended, or of several; `judged` is then whose end counts. */
static int check(const struct ended *judged, bool forgiven, pk_error *error)
{
    return forgiven ? check_pipes(judged, error) : ended_judge(judged, false, error);
}

int pk_process_check(pk_process *process, pk_error *error)
{
    if (!process->finished)
        return error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_WAIT, NULL, "the run has not ended");
    struct ended judged = ended_of(company_judged(process));
    return check(&judged, company_is_forgiven(process), error);
}

/* Keeps no descriptor and no group: only what the process has to say. */
static pk_output *take_one(pk_process *process)
{
    pk_output *output = calloc(1, sizeof(*output));
    if (!output)
        return NULL;
    output->ended = ended_of(process);
    output->result = process->run.result;
    output->ended.result = &output->result;
    process->streams = NULL;
    process->stream_count = 0;
    process->program = NULL;
    return output;
}

static pk_output *take_stages(const struct company *company)
{
    pk_output *output = calloc(1, sizeof(*output));
    if (!output)
        return NULL;
    output->culprit = company->culprit;
    if (company->group && pk_group_usage(company->group, &output->usage, NULL) < 0)
        output->usage = (pk_usage){0};
    output->stages = calloc(company->count, sizeof(pk_output *));
    bool done = output->stages;
    for (; done && output->stage_count < company->count; output->stage_count += done) {
        output->stages[output->stage_count] = take_one(company->stages[output->stage_count]);
        done = output->stages[output->stage_count];
    }
    return done ? output : pk_output_free(output);
}

pk_output *output_take(pk_process *process, pk_error *error)
{
    pk_output *output = process->company ? take_stages(process->company) : take_one(process);
    if (!output)
        error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot keep what was written");
    return output;
}

/* What comes out of it. */
static const pk_output *last_of(const pk_output *output)
{
    return output->stages ? output->stages[output->stage_count - 1] : output;
}

static bool is_forgiven(const pk_output *output)
{
    return output->stages && output->culprit == PK_NO_STAGE;
}

/* Whose end is that of all. */
static const pk_output *judged(const pk_output *output)
{
    bool blames = output->stages && output->culprit != PK_NO_STAGE;
    return blames ? output->stages[output->culprit] : last_of(output);
}

const struct ended *output_ended(const pk_output *output)
{
    return &judged(output)->ended;
}

int output_check_whole(const pk_output *output, int fd, pk_error *error)
{
    return check_whole(&last_of(output)->ended, fd, error);
}

pk_output *pk_output_free(pk_output *output)
{
    if (!output)
        return NULL;
    for (size_t i = 0; i < output->stage_count; i++)
        pk_output_free(output->stages[i]);
    free(output->stages);
    for (size_t i = 0; i < output->ended.stream_count; i++)
        stream_close(&output->ended.streams[i]);
    free(output->ended.streams);
    free((char *)output->ended.program);
    free(output);
    return NULL;
}

const pk_result *pk_output_result(const pk_output *output)
{
    return &judged(output)->result;
}

/* Stdout is what the last stage has made of everything. */
const pk_capture *pk_output_capture(const pk_output *output, int fd)
{
    return ended_capture(&(fd == 1 ? last_of(output) : judged(output))->ended, fd);
}

const char *pk_output_text(const pk_output *output, int fd)
{
    const pk_capture *capture = pk_output_capture(output, fd);
    return capture ? capture->bytes : "";
}

int pk_output_check(const pk_output *output, pk_error *error)
{
    return check(output_ended(output), is_forgiven(output), error);
}

/* ---- Stages ----------------------------------------------------------------------------------------------------- */

size_t pk_output_stage_count(const pk_output *output)
{
    return output->stages ? output->stage_count : 1;
}

const pk_output *pk_output_stage(const pk_output *output, size_t stage)
{
    if (stage >= pk_output_stage_count(output))
        return NULL;
    return output->stages ? output->stages[stage] : output;
}

size_t pk_output_culprit(const pk_output *output)
{
    if (output->stages)
        return output->culprit;
    return pk_result_is_success(&output->result) ? PK_NO_STAGE : 0;
}

const pk_usage *pk_output_usage(const pk_output *output)
{
    return output->stages ? &output->usage : &output->result.usage;
}
