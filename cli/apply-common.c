/*
 * Options that commands have in common which run programs.
 */
#include "apply-common.h"

#include "lists.h"
#include "message.h"

#include <string.h>

/* ---- Time ------------------------------------------------------------------------------------------------------- */

int apply_timeout(void *target, const char *value)
{
    struct request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->timeout, &error) < 0)
        return say_refused("--timeout", &error);
    if (request->timeout == 0) {
        say("--timeout: a timeout of 0 leaves no time at all");
        return -1;
    }
    return 0;
}

int apply_grace(void *target, const char *value)
{
    struct request *request = target;
    pk_error error;
    if (pk_parse_duration(value, &request->grace, &error) < 0)
        return say_refused("--grace", &error);
    for_each_command (command, request)
        pk_command_grace(command, request->grace);
    return 0;
}

int apply_signal(void *target, const char *value)
{
    struct request *request = target;
    int number;
    pk_error error;
    if (pk_parse_signal(value, &number, &error) < 0)
        return say_refused("--signal", &error);
    for_each_command (command, request)
        pk_command_stop_signal(command, number);
    return 0;
}

/* ---- Guarantees -------------------------------------------------------------------------------------------------- */

int apply_leftovers(void *target, const char *value)
{
    static const char *const names[] = {
        [PK_LEFTOVERS_KILL] = "kill",
        [PK_LEFTOVERS_WAIT] = "wait",
        [PK_LEFTOVERS_ALLOW] = "allow",
        [PK_LEFTOVERS_FAIL] = "fail",
    };
    struct request *request = target;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], value) == 0) {
            for_each_command (command, request)
                pk_command_leftovers(command, (pk_leftovers)i);
            return 0;
        }
    say("--leftovers: unknown policy '%s' (kill, wait, allow or fail)", value);
    return -1;
}

static int apply_require(void *target, const char *value)
{
    struct request *request = target;
    return read_guarantees(value, &request->group.require);
}

static int apply_mechanism(void *target, const char *value)
{
    struct request *request = target;
    pk_error error;
    if (pk_mechanism_parse(value, &request->group.mechanism, &error) < 0)
        return say_refused("--mechanism", &error);
    return 0;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

int apply_stdin(void *target, const char *value)
{
    const struct request *request = target;
    pk_command_file(request->commands[0], 0, value, PK_FILE_READ);
    return 0;
}

void redirect(pk_command *command, int fd, const char *value)
{
    bool append = *value == '+';
    pk_command_file(command, fd, value + append, append ? PK_FILE_APPEND : PK_FILE_TRUNCATE);
}

int apply_stdout(void *target, const char *value)
{
    const struct request *request = target;
    redirect(request->commands[request->count - 1], 1, value);
    return 0;
}

int apply_stderr(void *target, const char *value)
{
    const struct request *request = target;
    redirect(request->commands[request->count - 1], 2, value);
    return 0;
}

/* ---- Sessions --------------------------------------------------------------------------------------------------- */

int apply_setsid(void *target, const char *value)
{
    struct request *request = target;
    (void)value;
    for_each_command (command, request)
        pk_command_setsid(command);
    return 0;
}

/* ---- What pk says ----------------------------------------------------------------------------------------------- */

int apply_stats(void *target, const char *value)
{
    (void)value;
    ((struct request *)target)->stats = true;
    return 0;
}

int apply_quiet(void *target, const char *value)
{
    (void)value;
    ((struct request *)target)->quiet = true;
    return 0;
}

int apply_verbose(void *target, const char *value)
{
    (void)value;
    ((struct request *)target)->verbose = true;
    return 0;
}

/* ---- In the same words ------------------------------------------------------------------------------------------ */

const struct option_row stop_options[] = {
    {"grace", 'k', "DUR", apply_grace, "from the soft signal to the hard kill (default 2s; 0: kill at once)"},
    {"signal", 's', "SIG", apply_signal, "the soft signal (default TERM)"},
    {.name = NULL},
};

const struct option_row containment_options[] = {
    {"require", 0, "BITS", apply_require,
     "refuse to run without these guarantees: cgroup, whole-tree, owner-death, limits, usage"},
    {"mechanism", 0, "NAME", apply_mechanism, "auto, cgroup2, reaper or process_group"},
    {.name = NULL},
};
