/*
 * The options of pk pipe.
 */
#include "apply-pipe.h"

#include "apply-birth.h"
#include "apply-common.h"
#include "apply-limits.h"
#include "lists.h"
#include "message.h"
#include "stages.h"

#include <stdio.h>
#include <string.h>

/* ---- All of it -------------------------------------------------------------------------------------------------- */

/* The stages have been found by it already. */
static int apply_separator(void *target, const char *value)
{
    (void)target, (void)value;
    return 0;
}

static int apply_settle(void *target, const char *value)
{
    struct pipe_request *request = target;
    pk_error error;
    if (strcmp(value, "forever") == 0) {
        request->settle = PK_FOREVER;
        return 0;
    }
    return pk_parse_duration(value, &request->settle, &error) < 0 ? say_refused("--settle", &error) : 0;
}

static int apply_leftovers_here(void *target, const char *value)
{
    if (strcmp(value, "allow") != 0)
        return apply_leftovers(target, value);
    say("--leftovers: what a stage leaves behind cannot live on after the others (kill, wait or fail)");
    return -1;
}

static int apply_errors(void *target, const char *value)
{
    ((struct pipe_request *)target)->errors = value;
    return 0;
}

/* ---- Single stages ---------------------------------------------------------------------------------------------- */

/* By its number as people count; NULL after a message. */
static struct stage *find_stage(struct pipe_request *request, const char *option, const char *text)
{
    uint64_t number;
    size_t count = request->common.count;
    if (pk_parse_number(text, 1, count, &number, NULL) == 0)
        return &request->stages[number - 1];
    if (count == 1)
        say("%s: there is no stage '%s', but 1 alone", option, text);
    else
        say("%s: there is no stage '%s': they are counted from 1 to %zu", option, text, count);
    return NULL;
}

/* One that has another after it. */
static struct stage *find_earlier_stage(struct pipe_request *request, const char *option, const char *text)
{
    struct stage *stage = find_stage(request, option, text);
    if (!stage || stage < request->stages + request->common.count - 1)
        return stage;
    say("%s: stage %s is the last, and gives nothing to another", option, text);
    return NULL;
}

static int set_unchecked(const char *part, void *data)
{
    struct stage *stage = find_stage(data, "--unchecked", part);
    if (stage)
        stage->unchecked = true;
    return stage ? 0 : -1;
}

static int apply_unchecked(void *target, const char *value)
{
    return each_part("--unchecked", value, set_unchecked, target);
}

static int set_merged(const char *part, void *data)
{
    struct stage *stage = find_earlier_stage(data, "--merge", part);
    if (stage)
        stage->merged = true;
    return stage ? 0 : -1;
}

static int apply_merge(void *target, const char *value)
{
    return each_part("--merge", value, set_merged, target);
}

static int apply_tee(void *target, const char *value)
{
    char number[32];
    const char *equals = strchr(value, '=');
    if (!equals) {
        say("--tee '%s': N=FILE is expected, such as 1=copy.log", value);
        return -1;
    }
    snprintf(number, sizeof(number), "%.*s", (int)(equals - value), value);
    struct stage *stage = find_earlier_stage(target, "--tee", number);
    if (!stage)
        return -1;
    if (stage->tee) {
        say("--tee: stage %s has a file already", number);
        return -1;
    }
    stage->tee = equals + 1;
    return 0;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

const struct option_row pipe_options[] = {
    {"separator", 0, "WORD", apply_separator, "what stands between stages (default ::)"},
    {"unchecked", 0, "N[,N...]", apply_unchecked, "however these stages exit or die is a success"},
    {"settle", 0, "DUR", apply_settle,
     "how long stages may go on after one before them failed (default 2s), or forever"},
    {"tee", 0, "N=FILE", apply_tee, "write what stage N gives to the next to this file too; +FILE appends"},
    {"merge", 0, "N[,N...]", apply_merge, "give stderr of these stages to the next as well"},
    {"timeout", 't', "DUR", apply_timeout, "end all stages after this time: 90, 250ms, 1.5s, 5m, 1h30m"},
    {.more = stop_options},
    {.more = limit_options},
    {"leftovers", 0, "POLICY", apply_leftovers_here, "what a stage leaves behind: kill, wait or fail"},
    {.more = containment_options},
    {.more = birth_options},
    {"stdin", 0, "FILE", apply_stdin, "the first stage reads this file"},
    {"stdout", 0, "FILE", apply_stdout, "the last stage writes to this file; +FILE appends"},
    {"stderr", 0, "FILE", apply_errors, "stderr of all stages goes to this file; +FILE appends"},
    {"stats", 0, NULL, apply_stats, "tell at the end how each stage went and what was used"},
    {"quiet", 'q', NULL, apply_quiet, "say nothing but errors"},
    {"verbose", 'v', NULL, apply_verbose, "tell the mechanism and what is done"},
    {NULL, 0, NULL, NULL, NULL},
};
