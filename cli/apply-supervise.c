/*
 * The options of pk supervise: one service, or those of a file.
 */
#include "apply-supervise.h"

#include "apply-birth.h"
#include "apply-common.h"
#include "apply-limits.h"
#include "apply-service.h"
#include "message.h"

#include <string.h>

/* ---- Files and errands ------------------------------------------------------------------------------------------ */

/* It was looked for before the others. */
static int apply_file(void *target, const char *value)
{
    (void)target;
    if (*value != '\0')
        return 0;
    say("--file: the file's name is empty");
    return -1;
}

static int set_errand(struct supervise_request *request, enum errand errand, const char *option, const char *service)
{
    if (request->errand != ERRAND_NONE) {
        say("%s: there is %s already, and only one of them can be", option, request->errand_option);
        return -1;
    }
    request->errand = errand;
    request->errand_option = option;
    request->service = service;
    return 0;
}

static int apply_status(void *target, const char *value)
{
    return set_errand(target, ERRAND_STATUS, "--status", value);
}

static int apply_start(void *target, const char *value)
{
    return set_errand(target, ERRAND_START, "--start", value);
}

static int apply_stop(void *target, const char *value)
{
    return set_errand(target, ERRAND_STOP, "--stop", value);
}

static int apply_reload(void *target, const char *value)
{
    return set_errand(target, ERRAND_RELOAD, "--reload", value);
}

static int apply_check(void *target, const char *value)
{
    return set_errand(target, ERRAND_CHECK, "--check", value);
}

static int apply_json(void *target, const char *value)
{
    (void)value;
    ((struct supervise_request *)target)->json = true;
    return 0;
}

/* ---- How it is done --------------------------------------------------------------------------------------------- */

static int apply_events(void *target, const char *value)
{
    if (strcmp(value, "-") == 0 || *value == '\0') {
        say("--events: '%s' is no file (/dev/stdout is one)", value);
        return -1;
    }
    ((struct supervise_request *)target)->events = value;
    return 0;
}

static int apply_stay(void *target, const char *value)
{
    (void)value;
    ((struct supervise_request *)target)->stays = true;
    return 0;
}

static int apply_init(void *target, const char *value)
{
    (void)value;
    ((struct supervise_request *)target)->reaps = true;
    return 0;
}

static const struct option_row file_options[] = {
    {"file", 'f', "FILE", apply_file, "supervise the services of this file"},
    {.name = NULL},
};

static const struct option_row errand_options[] = {
    {"status", 0, NULL, apply_status, "with --file, of a supervisor that runs: tell how its services stand"},
    {"json", 0, NULL, apply_json, "and do so as JSON"},
    {"start", 0, "NAME", apply_start, "start a service of it; --restart NAME: stop it and start it again"},
    {"stop", 0, "NAME", apply_stop, "stop a service of it, and those that need it"},
    {"reload", 0, NULL, apply_reload, "have it read its file again; followed by NAME: reload that service"},
    {"check", 0, NULL, apply_check, "with --file: only tell what is wrong with it, or what is in it"},
    {.name = NULL},
};

static const struct option_row telling_options[] = {
    {"stay", 0, NULL, apply_stay, "with --file: go on when all services are over or at rest"},
    {"init", 0, NULL, apply_init, "wait for orphans and end them, as pk init does; process 1 always does"},
    {"events", 0, "FILE", apply_events, "write events to this file, a JSON object each; +FILE appends"},
    {"quiet", 'q', NULL, apply_quiet, "say nothing but errors"},
    {"verbose", 'v', NULL, apply_verbose, "tell all events, and the mechanism"},
    {.name = NULL},
};

/* The tree of a service, as pk run has it. */
static const struct option_row tree_options[] = {
    {"timeout", 't', "DUR", apply_timeout, "end a run after this time, which is a failure"},
    {.more = stop_options},
    {.more = limit_options},
    {"leftovers", 0, "POLICY", apply_leftovers, "what PROGRAM leaves behind: kill, wait or fail"},
    {.more = containment_options},
    {.more = birth_options},
    {"setsid", 0, NULL, apply_setsid, "in a session of its own"},
    {"stdin", 0, "FILE", apply_stdin, "read stdin from this file (default /dev/null)"},
    {"stdout", 0, "FILE", apply_stdout, "write stdout to this file; +FILE appends"},
    {"stderr", 0, "FILE", apply_stderr, "write stderr to this file; +FILE appends"},
    {.name = NULL},
};

const struct option_row supervise_options[] = {
    {.more = file_options},  {.more = errand_options},  {.more = restart_options},
    {.more = ready_options}, {.more = alive_options},   {.more = service_options},
    {.more = tree_options},  {.more = telling_options}, {.name = NULL},
};

/* ---- What goes together ----------------------------------------------------------------------------------------- */

static bool has_row(const struct option_row *rows, const struct option_row *row)
{
    for (; rows->name || rows->more; rows++)
        if (rows == row || (rows->more && has_row(rows->more, row)))
            return true;
    return false;
}

/* A file says all of that itself; --restart is an errand then. */
static bool is_of_one_service(const struct option_row *row)
{
    return strcmp(row->name, "restart") != 0 &&
           (has_row(restart_options, row) || has_row(ready_options, row) || has_row(alive_options, row) ||
            has_row(service_options, row) || has_row(tree_options, row));
}

static bool is_of_a_file(const struct option_row *row)
{
    return has_row(errand_options, row) || strcmp(row->name, "stay") == 0;
}

int supervise_options_check(struct supervise_request *request)
{
    const struct given *given = &request->given;
    request->file = options_value(given, "file", NULL);
    for (size_t i = 0; i < given->count; i++) {
        const struct option_row *row = given->options[i].row;
        if (request->file && is_of_one_service(row)) {
            say("--%s: with --file it is the file that says how its services are", row->name);
            return -1;
        }
        if (!request->file && is_of_a_file(row)) {
            say("--%s is about the services of a file (--file FILE)", row->name);
            return -1;
        }
        if (request->file && strcmp(row->name, "restart") == 0 &&
            set_errand(request, ERRAND_RESTART, "--restart", given->options[i].value) < 0)
            return -1;
    }
    return 0;
}
