/*
 * The options of pk batch.
 */
#include "apply-batch.h"

#include "apply-birth.h"
#include "apply-common.h"
#include "apply-limits.h"
#include "batch.h"
#include "message.h"
#include "values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_JOBS = 4096, MOST_WORDS = 1000000, MOST_RETRIES = 1000000, MOST_STARTS = 1000000 };

/* ---- Items ------------------------------------------------------------------------------------------------------ */

static int apply_arg_file(void *target, const char *value)
{
    ((struct batch_request *)target)->arg_file = value;
    return 0;
}

static int apply_null(void *target, const char *value)
{
    (void)value;
    ((struct batch_request *)target)->null = true;
    return 0;
}

static int apply_max_args(void *target, const char *value)
{
    uint64_t number;
    if (value_number("--max-args", value, 1, MOST_WORDS, &number) < 0)
        return -1;
    ((struct batch_request *)target)->most_words = number;
    return 0;
}

/* ---- How many at a time ----------------------------------------------------------------------------------------- */

static int apply_jobs(void *target, const char *value)
{
    uint64_t number;
    if (value_number("--jobs", value, 1, MOST_JOBS, &number) < 0)
        return -1;
    ((struct batch_request *)target)->jobs = (unsigned)number;
    return 0;
}

static int apply_rate(void *target, const char *value)
{
    struct batch_request *request = target;
    return value_rate("--rate", value, MOST_STARTS, &request->starts, &request->starts_time);
}

static int apply_memory_floor(void *target, const char *value)
{
    pk_error error;
    if (pk_parse_size(value, &((struct batch_request *)target)->memory_floor, &error) < 0)
        return say_refused("--memory-floor", &error);
    return 0;
}

static int apply_load(void *target, const char *value)
{
    uint64_t number;
    if (value_number("--load", value, 1, UINT32_MAX, &number) < 0)
        return -1;
    ((struct batch_request *)target)->load = (unsigned)number;
    return 0;
}

/* ---- What happens ----------------------------------------------------------------------------------------------- */

static int apply_item_timeout(void *target, const char *value)
{
    struct batch_request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->item_timeout, &error) < 0)
        return say_refused("--item-timeout", &error);
    if (request->item_timeout == 0) {
        say("--item-timeout: a timeout of 0 leaves no time at all");
        return -1;
    }
    pk_command_timeout(request->command, request->item_timeout);
    return 0;
}

static int apply_retries(void *target, const char *value)
{
    uint64_t number;
    if (value_number("--retries", value, 0, MOST_RETRIES, &number) < 0)
        return -1;
    ((struct batch_request *)target)->retries = (unsigned)number;
    return 0;
}

static int apply_halt(void *target, const char *value)
{
    static const char *const words[] = {
        [PK_BATCH_GO_ON] = "never", [PK_BATCH_FINISH] = "soon", [PK_BATCH_STOP] = "now", NULL};
    unsigned which;
    if (value_word("--halt", value, words, "never, soon or now", &which) < 0)
        return -1;
    ((struct batch_request *)target)->on_failure = (pk_batch_failure)which;
    return 0;
}

static int apply_keep_order(void *target, const char *value)
{
    (void)value;
    ((struct batch_request *)target)->keep_order = true;
    return 0;
}

static int apply_tag(void *target, const char *value)
{
    (void)value;
    ((struct batch_request *)target)->tag = true;
    return 0;
}

static int apply_progress(void *target, const char *value)
{
    static const char *const words[] = {
        [PROGRESS_AUTO] = "auto", [PROGRESS_ALWAYS] = "always", [PROGRESS_NEVER] = "never", NULL};
    unsigned which;
    if (value_word("--progress", value, words, "auto, always or never", &which) < 0)
        return -1;
    ((struct batch_request *)target)->progress = (enum progress_mode)which;
    return 0;
}

/* ---- The log ---------------------------------------------------------------------------------------------------- */

static int apply_log(void *target, const char *value)
{
    ((struct batch_request *)target)->log = value;
    return 0;
}

static int apply_resume(void *target, const char *value)
{
    (void)value;
    ((struct batch_request *)target)->resumes = true;
    return 0;
}

static int apply_resume_failed(void *target, const char *value)
{
    ((struct batch_request *)target)->runs_failed = true;
    return apply_resume(target, value);
}

static int apply_rerun_interrupted(void *target, const char *value)
{
    ((struct batch_request *)target)->runs_interrupted = true;
    return apply_resume(target, value);
}

const struct option_row batch_options[] = {
    {"arg-file", 'a', "FILE", apply_arg_file, "read words from this file, not from stdin"},
    {"null", '0', NULL, apply_null, "words end with a NUL byte, not with the line"},
    {"max-args", 'n', "N", apply_max_args, "so many words for each command (default 1)"},
    {"jobs", 'j', "N", apply_jobs, "so many commands at once (default: as many as processors)"},
    {"rate", 0, "N/DUR", apply_rate, "at most so many starts in each such time: 10/1s"},
    {"memory-floor", 0, "SIZE", apply_memory_floor, "start nothing while less memory is available"},
    {"load", 0, "N", apply_load, "start nothing while so many threads run in the whole system"},
    {"keep-order", 0, NULL, apply_keep_order, "pass on output in the order of the items"},
    {"tag", 0, NULL, apply_tag, "put WORD and a tab before each line of output"},
    {"halt", 0, "WHEN", apply_halt, "upon a failure: never (default), soon: start no more, or now: stop all"},
    {"timeout", 't', "DUR", apply_timeout, "stop all after this time: 90, 250ms, 1.5s, 5m, 1h30m"},
    {"item-timeout", 0, "DUR", apply_item_timeout, "end an item after this time, and call that a failure"},
    {"retries", 0, "N", apply_retries, "try an item that has failed up to so many times again"},
    {.more = stop_options},
    {"log", 0, "FILE", apply_log, "log there what is started and how it ends"},
    {"resume", 0, NULL, apply_resume, "run only what is not in the log yet"},
    {"resume-failed", 0, NULL, apply_resume_failed, "and what failed"},
    {"rerun-interrupted", 0, NULL, apply_rerun_interrupted, "and what was started and has not ended by itself"},
    {.more = limit_options},
    {"leftovers", 0, "POLICY", apply_leftovers, "what PROGRAM leaves behind: kill, wait, allow or fail"},
    {.more = containment_options},
    {.more = birth_options},
    {"progress", 0, "WHEN", apply_progress, "show how it goes on stderr: auto (at a terminal), always or never"},
    {"quiet", 'q', NULL, apply_quiet, "say nothing but errors"},
    {"verbose", 'v', NULL, apply_verbose, "tell the mechanism and what is done"},
    {.name = NULL},
};
