/*
 * The options of pk run.
 */
#include "apply.h"

#include "apply-birth.h"
#include "apply-common.h"
#include "apply-limits.h"
#include "message.h"
#include "run.h"

#include <stdlib.h>
#include <string.h>

/* ---- Time ------------------------------------------------------------------------------------------------------- */

static int apply_idle_timeout(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->idle_timeout, &error) < 0)
        return say_refused("--idle-timeout", &error);
    if (request->idle_timeout == 0) {
        say("--idle-timeout: an idle timeout of 0 leaves no time at all");
        return -1;
    }
    return 0;
}

/* ---- Detaching -------------------------------------------------------------------------------------------------- */

static int apply_detach(void *target, const char *value)
{
    struct run_request *request = target;
    free(request->detach);
    request->detach = strdup(value);
    if (request->detach)
        return 0;
    say("out of memory");
    return -1;
}

/* ---- What the program is born with ------------------------------------------------------------------------------- */

/* The command has it since before the others, which may say something else about a descriptor. */
static int apply_pty(void *target, const char *value)
{
    (void)value;
    ((struct run_request *)target)->pty = true;
    return 0;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

static int apply_capture(void *target, const char *value)
{
    struct run_request *request = target;
    free(request->capture);
    request->capture = strdup(value);
    if (!request->capture)
        say("out of memory");
    return request->capture ? 0 : -1;
}

static int apply_capture_max(void *target, const char *value)
{
    struct run_request *request = target;
    pk_error error;
    if (pk_parse_size(value, &request->capture_max, &error) < 0)
        return say_refused("--capture-max", &error);
    if (request->capture_max == 0 || request->capture_max > SIZE_MAX / 4) {
        say("--capture-max: %s is no number of bytes that can be kept", value);
        return -1;
    }
    return 0;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

const struct option_row run_options[] = {
    {"timeout", 't', "DUR", apply_timeout, "end the tree after this time: 90, 250ms, 1.5s, 5m, 1h30m"},
    {"idle-timeout", 0, "DUR", apply_idle_timeout, "end the tree when it has written nothing for this time"},
    {.more = stop_options},
    {.more = limit_options},
    {"leftovers", 0, "POLICY", apply_leftovers, "what PROGRAM leaves behind: kill, wait, allow or fail"},
    {.more = containment_options},
    {.more = birth_options},
    {"setsid", 0, NULL, apply_setsid, "in a session of its own"},
    {"pty", 0, NULL, apply_pty, "in a new terminal, which is shown in this one"},
    {"stdin", 0, "FILE", apply_stdin, "read stdin from this file"},
    {"stdout", 0, "FILE", apply_stdout, "write stdout to this file; +FILE appends"},
    {"stderr", 0, "FILE", apply_stderr, "write stderr to this file; +FILE appends"},
    {"capture", 0, "DIR", apply_capture, "write stdout and stderr to files in this directory too"},
    {"capture-max", 0, "SIZE", apply_capture_max, "only so much of each, half of it from the end"},
    {"detach", 0, "NAME", apply_detach, "leave PROGRAM running on its own under this name (see pk list, pk stop)"},
    {"stats", 0, NULL, apply_stats, "tell at the end how it went and what it used"},
    {"quiet", 'q', NULL, apply_quiet, "say nothing but errors"},
    {"verbose", 'v', NULL, apply_verbose, "tell the mechanism and what is done"},
    {NULL, 0, NULL, NULL, NULL},
};
