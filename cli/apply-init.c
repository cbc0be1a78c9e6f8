/*
 * The options of pk init.
 */
#include "apply-init.h"

#include "apply-birth.h"
#include "apply-common.h"
#include "apply-limits.h"
#include "init.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static int apply_forward_to(void *target, const char *value)
{
    struct init_request *request = target;
    bool leader = strcmp(value, "leader") == 0;
    if (!leader && strcmp(value, "tree") != 0) {
        say("--forward-to: unknown word '%s' (leader or tree)", value);
        return -1;
    }
    request->audience = leader ? AUDIENCE_LEADER : AUDIENCE_TREE;
    return 0;
}

static int read_signal(const char *text, int *number)
{
    pk_error error;
    if (pk_parse_signal(text, number, &error) < 0)
        return say_refused("--rewrite", &error);
    if (signal_is_own(*number) || *number == SIGCHLD || *number >= USHER_SIGNALS) {
        say("--rewrite: '%s' is not one of the signals that are passed on", text);
        return -1;
    }
    return 0;
}

static int apply_rewrite(void *target, const char *value)
{
    struct init_request *request = target;
    int from, to = -1;
    const char *equals = strchr(value, '=');
    if (!equals) {
        say("--rewrite '%s': SIG=SIG is expected, or SIG=none", value);
        return -1;
    }
    char *name = strndup(value, (size_t)(equals - value));
    int r = name ? read_signal(name, &from) : -1;
    if (!name)
        say("out of memory");
    free(name);
    if (r == 0 && strcmp(equals + 1, "none") != 0)
        r = read_signal(equals + 1, &to);
    if (r == 0)
        request->usher.rewrite[from] = to;
    return r;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

const struct option_row init_options[] = {
    {"forward-to", 0, "WHOM", apply_forward_to, "whom signals to pk are for: leader, PROGRAM itself, or tree, all"},
    {"rewrite", 0, "SIG=SIG", apply_rewrite, "take a signal to pk for another one, or for none"},
    {"timeout", 't', "DUR", apply_timeout, "end the tree after this time: 90, 250ms, 1.5s, 5m, 1h30m"},
    {"grace", 'k', "DUR", apply_grace,
     "from the soft signal to the hard kill (default 10s, 2s for what is left; 0: kill at once)"},
    {"signal", 's', "SIG", apply_signal, "the soft signal (default TERM)"},
    {.more = limit_options},
    {.more = containment_options},
    {.more = birth_options},
    {"stdin", 0, "FILE", apply_stdin, "read stdin from this file"},
    {"stdout", 0, "FILE", apply_stdout, "write stdout to this file; +FILE appends"},
    {"stats", 0, NULL, apply_stats, "tell at the end how it went and what it used"},
    {"quiet", 'q', NULL, apply_quiet, "say nothing but errors"},
    {"verbose", 'v', NULL, apply_verbose, "tell the mechanism and what is done"},
    {NULL, 0, NULL, NULL, NULL},
};
