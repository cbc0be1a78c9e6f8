/*
 * Retries: the policy of a command, and its application.
 */
#include "process/retry.h"

#include "base/error.h"
#include "process/trace.h"
#include "sys/sys.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const pk_retry_options usual = PK_RETRY_OPTIONS_INIT;

/* ---- The policy ------------------------------------------------------------------------------------------------- */

const char *retry_set(pk_retry_options *retry, const pk_retry_options *options)
{
    *retry = usual;
    if (!options)
        return NULL;
    if (options->size == 0 || options->size > sizeof(*options))
        return "invalid retry options: start from PK_RETRY_OPTIONS_INIT of this version";
    memcpy(retry, options, options->size);
    if (retry->attempts == 0)
        return "without any attempt nothing would be done";
    return retry->factor == 0 ? "pauses cannot become 0 times as long" : NULL;
}

void pk_command_retry(pk_command *command, const pk_retry_options *options)
{
    const char *problem = command ? retry_set(&command->retry, options) : NULL;
    if (problem)
        command_remember(command, -EINVAL, "%s", problem);
}

/* Before anything of the command could have run. */
static bool is_of_start(pk_step step)
{
    return (step >= PK_STEP_FIND_CGROUP && step <= PK_STEP_EXEC) || step == PK_STEP_GUARDIAN ||
           step == PK_STEP_SPAWNER || step == PK_STEP_TERMINAL;
}

bool pk_error_is_transient(const pk_error *error)
{
    if (!is_of_start(error->step) || error->kind == PK_ERROR_RESOURCE_LIMIT)
        return false;
    switch (error->number) {
    case -EAGAIN:
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EINTR:
    case -ETXTBSY:
        return true;
    default:
        return false;
    }
}

/* ---- Whether ---------------------------------------------------------------------------------------------------- */

/* What one run has read of it, the next does not find. */
static bool has_input_for_one(const pk_command *command)
{
    const struct descriptor *input = command_find_descriptor(command, 0);
    if (command->has_input && command->input.callback)
        return true;
    return input && (input->kind == DESCRIPTOR_FD || input->kind == DESCRIPTOR_INHERIT);
}

static bool may_pass(const pk_command *command, const pk_error *error, unsigned attempt)
{
    const pk_retry_options *options = &command->retry;
    if (error->number == -ECANCELED || error->kind == PK_ERROR_INVALID)
        return false;
    return options->again ? options->again(error, attempt, options->data) : pk_error_is_transient(error);
}

bool retry_after(struct retry *retry, const pk_command *command, const pk_error *error, bool started,
                 pk_duration *pause)
{
    retry->attempts++;
    if (!command || retry->attempts >= command->retry.attempts || (started && has_input_for_one(command)))
        return false;
    if (command->cancel && pk_cancel_is_set(command->cancel))
        return false;
    if (!may_pass(command, error, retry->attempts))
        return false;
    pk_retry_options options = command->retry;
    uint64_t random = 0;
    if (sys_random(&random, sizeof(random)) < 0)
        options.jitter = false; /* nothing to share out by: the whole pause is still one of those that are promised */
    *pause = retry_pause(&options, retry->attempts, random);
    trace_retry(command, retry->attempts + 1, *pause, error);
    return true;
}

/* ---- When ------------------------------------------------------------------------------------------------------- */

static pk_duration multiply(pk_duration pause, unsigned factor, pk_duration most)
{
    return pause > most / factor ? most : pause * factor;
}

pk_duration retry_pause(const pk_retry_options *options, unsigned attempts, uint64_t random)
{
    pk_duration most = options->most_pause;
    pk_duration pause = options->first_pause < most ? options->first_pause : most;
    for (unsigned i = 1; i < attempts && pause < most && pause > 0 && options->factor > 1; i++)
        pause = multiply(pause, options->factor, most);
    if (!options->jitter || pause == UINT64_MAX)
        return pause;
    return random % (pause + 1);
}

/* ---- In the end ------------------------------------------------------------------------------------------------- */

void retry_conclude(const struct retry *retry, pk_error *error)
{
    if (retry->attempts < 2)
        return;
    char message[PK_ERROR_MESSAGE_SIZE + 32];
    snprintf(message, sizeof(message), "tried %u times: %s", retry->attempts, error->message);
    pk_format_text(message, error->message, sizeof(error->message));
}

int retry_cancelled(const pk_command *command, pk_error *error)
{
    pk_error last = *error;
    return error_set(error, -ECANCELED, PK_ERROR_CANCELLED, PK_STEP_NONE, pk_command_program(command),
                     "%s was cancelled before it was tried again: %s", pk_command_program(command), last.message);
}
