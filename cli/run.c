/*
 * pk run.
 */
#include "run.h"

#include "apply.h"
#include "carry.h"
#include "console.h"
#include "containment.h"
#include "detach.h"
#include "ending.h"
#include "message.h"
#include "output.h"
#include "signals.h"
#include "telling.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Making the request ----------------------------------------------------------------------------------------- */

/* What the program finds at 0, 1 and 2 unless an option says something else. A detached one has no stdin. */
static void give_standard(pk_command *command, const struct given *given)
{
    if (options_have(given, "pty")) {
        console_ask(command, !options_have(given, "stdin"));
        return;
    }
    for (int fd = options_have(given, "detach"); fd <= 2; fd++)
        pk_command_inherit(command, fd);
}

/* 0; otherwise pk ends with *status. */
static int make_request(int argc, char **argv, struct run_request *request, int *status)
{
    struct given given;
    int r = options_parse(argc, argv, run_options, "[OPTION...] [--] PROGRAM [ARG...]", &given, status);
    if (r == 0 && (!given.rest || !given.rest[0])) {
        say("the program is missing (see pk run --help)");
        r = -1;
    }
    if (r == 0) {
        request->command = pk_command_new_argv(given.rest);
        request->common.commands = &request->command;
        request->common.count = 1;
        request->has_stdin = options_have(&given, "stdin");
        give_standard(request->command, &given);
        r = options_apply(&given, request);
    }
    if (r == 0 && request->common.timeout)
        pk_command_timeout(request->command, request->common.timeout);
    if (r == 0 && request->detach)
        r = detach_check(&given);
    if (r == 0)
        r = output_ask(request, &given);
    options_free(&given);
    return r;
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static void tell_mechanism(const struct run_request *request, const pk_process *process)
{
    char who[32];
    snprintf(who, sizeof(who), "pid %d", pk_process_pid(process));
    tell_containment(&request->common, pk_process_group(process), who);
}

/* The run itself only needs to be carried; what becomes of it is read from the result. */
static void on_event(pk_process *process, pk_event event, void *data)
{
    struct run_request *request = data;
    (void)process;
    request->tree_empty |= event == PK_EVENT_TREE_EMPTY;
}

static void check_output(pk_process *process, const struct signals *signals, void *data)
{
    output_check(data, process, signals);
}

/* What is left of the output is waited for as long as somebody takes it, but not after what was ended by force.
 * Frees the process. */
static int finish(const struct run_request *request, pk_process *process, struct signals *signals)
{
    pk_result result = *pk_process_result(process);
    bool forced = result_is_out_of_time(&result) || result.verdict == PK_VERDICT_STOPPED;
    int ending = ending_of(&result, signals->received);
    console_drain(signals->console, signals, forced ? PK_SECONDS(1) : PK_FOREVER);
    ending = console_ending(signals->console, ending);
    ending = output_finish(request, process, ending);
    signals->console = console_free(signals->console);
    pk_process_free(process);
    terminal_restore();
    tell_result(&request->common, &result);
    return ending;
}

static int start(const struct run_request *request, struct signals *signals, pk_process **process, int *status)
{
    pk_error error;
    pk_command_evidence(request->command, request->common.stats);
    pk_command_contain(request->command, &request->common.group);
    if (request->pty) {
        signals->console = console_new(request->common.grace, !request->has_stdin);
        if (!signals->console)
            return -1;
    }
    if (pk_command_start(request->command, process, &error) < 0) {
        signals->console = console_free(signals->console);
        say("%s", error.message);
        *status = status_of_error(&error);
        return -1;
    }
    if (signals->console)
        console_begin(signals->console, *process, !output_is_wanted(request));
    return 0;
}

static int run(struct run_request *request, struct carrier *carrier)
{
    pk_process *process = NULL;
    int ending = STATUS_FAILED;
    if (start(request, &carrier->signals, &process, &ending) < 0)
        return ending;
    tell_mechanism(request, process);
    if (carrier_carry(carrier, process) == 0)
        return finish(request, process, &carrier->signals);
    carrier->signals.console = console_free(carrier->signals.console);
    pk_process_free(process);
    return ending;
}

static void free_request(struct run_request *request)
{
    pk_command_free(request->command);
    free(request->detach);
    free(request->capture);
}

int run_main(int argc, char **argv)
{
    struct run_request request = {.common = {.group = PK_GROUP_OPTIONS_INIT, .grace = PK_DEFAULT_GRACE}};
    struct carrier carrier = {.on_event = on_event, .check = check_output, .data = &request};
    int status = STATUS_FAILED;

    int r = make_request(argc, argv, &request, &status);
    if (r == 0 && request.detach)
        status = detach_run(&request);
    if (r != 0 || request.detach) {
        free_request(&request);
        return status;
    }
    if (carrier_begin(&carrier, &request.common) == 0)
        status = run(&request, &carrier);
    carrier_end(&carrier);
    free_request(&request);
    end_as(status);
}
