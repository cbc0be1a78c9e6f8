/*
 * pk run.
 */
#include "run.h"

#include "apply.h"
#include "console.h"
#include "detach.h"
#include "ending.h"
#include "message.h"
#include "output.h"
#include "signals.h"
#include "stats.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
        give_standard(request->command, &given);
        r = options_apply(&given, request);
    }
    if (r == 0 && request->detach)
        r = detach_check(&given);
    if (r == 0)
        r = output_ask(request, &given);
    options_free(&given);
    return r;
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

int status_of_error(const pk_error *error)
{
    if (error->kind == PK_ERROR_NOT_FOUND)
        return STATUS_NOT_FOUND;
    bool refused = error->kind == PK_ERROR_RESOURCE_LIMIT; /* it could be executed, given more */
    return error->step == PK_STEP_EXEC && !refused ? STATUS_NOT_EXECUTABLE : STATUS_FAILED;
}

/* What a group that is not the best of all cannot promise; NULL if nothing that was not asked for. */
static const char *describe_weakness(const pk_group *group)
{
    unsigned given = pk_group_guarantees(group);
    if (!(given & PK_GUARANTEE_WHOLE_TREE))
        return "contained by a process group only, which setsid leaves";
    return given & PK_GUARANTEE_OWNER_DEATH ? NULL : "nothing ends the tree if pk is killed";
}

static void tell_mechanism(const struct run_request *request, pk_process *process)
{
    char bits[128];
    const pk_group *group = pk_process_group(process);
    const char *weakness = describe_weakness(group);
    if (pk_group_refusal(group) && weakness && !request->quiet) /* a weaker containment is never a silent one */
        say("%s: %s", weakness, pk_group_refusal(group));
    if (!request->verbose)
        return;
    if (pk_group_refusal(group) && !weakness)
        say("no better mechanism: %s", pk_group_refusal(group));
    say("pid %d, mechanism %s, guarantees: %s", pk_process_pid(process), pk_mechanism_name(pk_group_mechanism(group)),
        format_guarantees(pk_group_guarantees(group), bits, sizeof(bits)));
    if (pk_group_delegation(group))
        say("limits by delegation: %s", pk_delegation_name(pk_group_delegation(group)));
}

/* The run itself only needs to be carried; what becomes of it is read from the result. */
static void on_event(pk_process *process, pk_event event, void *data)
{
    struct run_request *request = data;
    (void)process;
    request->tree_empty |= event == PK_EVENT_TREE_EMPTY;
}

static int carry(struct run_request *request, pk_process *process, pk_loop *loop, struct signals *signals,
                 pk_error *error)
{
    int r = pk_process_watch(process, loop, on_event, request, error);
    while (r >= 0 && !pk_process_result(process)) {
        int patience = signals_patience(signals, process);
        struct pollfd fds[2 + CONSOLE_POLLS] = {{.fd = pk_loop_fd(loop), .events = POLLIN},
                                                {.fd = signals->fd, .events = POLLIN}};
        console_interest(signals->console, fds + 2);
        if (poll(fds, 2 + CONSOLE_POLLS, patience) < 0 && errno != EINTR) {
            say("cannot wait: %s", strerror(errno));
            return -1;
        }
        console_handle(signals->console, fds + 2);
        r = pk_loop_dispatch(loop, 0, error);
        if (fds[1].revents || patience >= 0)
            signals_handle(signals, process);
        output_check(request, process, signals);
    }
    if (r < 0)
        say("%s", error->message);
    return r < 0 ? -1 : 0;
}

static bool is_out_of_time(const pk_result *result)
{
    return result->verdict == PK_VERDICT_TIMED_OUT || result->verdict == PK_VERDICT_IDLE;
}

static void tell_result(const struct run_request *request, const pk_result *result)
{
    char text[512], names[256];
    if (request->stats) {
        print_stats(result, &request->group.limits);
        return;
    }
    if (!request->quiet && !result->spared && print_limit_hit(result))
        return;
    bool refused = result->verdict == PK_VERDICT_LEFTOVERS || result->verdict == PK_VERDICT_UNKILLABLE;
    if (refused)
        say("%s: %s", pk_result_format(result, text, sizeof(text)), format_leftovers(result, names, sizeof(names)));
    else if (result->verdict == PK_VERDICT_LOST)
        say("%s", pk_result_format(result, text, sizeof(text)));
    else if (!request->quiet && (is_out_of_time(result) || result->spared))
        say("%s%s%s", pk_result_format(result, text, sizeof(text)), result->spared ? "; left running: " : "",
            result->spared ? format_leftovers(result, names, sizeof(names)) : "");
}

/* What is left of the output is waited for as long as somebody takes it, but not after what was ended by force.
 * Frees the process. */
static int finish(const struct run_request *request, pk_process *process, struct signals *signals)
{
    pk_result result = *pk_process_result(process);
    bool forced = is_out_of_time(&result) || result.verdict == PK_VERDICT_STOPPED;
    int ending = ending_of(&result, signals->received);
    console_drain(signals->console, signals, forced ? PK_SECONDS(1) : PK_FOREVER);
    ending = console_ending(signals->console, ending);
    ending = output_finish(request, process, ending);
    signals->console = console_free(signals->console);
    pk_process_free(process);
    terminal_restore();
    tell_result(request, &result);
    return ending;
}

static int start(const struct run_request *request, struct signals *signals, pk_process **process, int *status)
{
    pk_error error;
    pk_command_evidence(request->command, request->stats);
    pk_command_contain(request->command, &request->group);
    if (request->pty) {
        signals->console = console_new(request->grace, !request->has_stdin);
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

static int run(struct run_request *request, struct signals *signals, pk_loop *loop)
{
    pk_error error;
    pk_process *process = NULL;
    int ending = STATUS_FAILED;
    if (start(request, signals, &process, &ending) < 0)
        return ending;
    tell_mechanism(request, process);
    if (carry(request, process, loop, signals, &error) == 0)
        return finish(request, process, signals);
    signals->console = console_free(signals->console);
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
    struct run_request request = {.group = PK_GROUP_OPTIONS_INIT, .grace = PK_DEFAULT_GRACE};
    struct signals signals = {.fd = -1};
    pk_loop *loop = NULL;
    pk_error error;
    int status = STATUS_FAILED;

    int r = make_request(argc, argv, &request, &status);
    if (r == 0 && request.detach)
        status = detach_run(&request);
    if (r != 0 || request.detach) {
        free_request(&request);
        return status;
    }
    signals.grace = request.grace;
    signals.verbose = request.verbose;
    terminal_remember();
    if (pk_loop_create(&loop, &error) < 0)
        say("%s", error.message);
    else if (signals_begin(&signals, request.command) == 0)
        status = run(&request, &signals, loop);
    pk_loop_free(loop);
    if (signals.fd >= 0)
        close(signals.fd);
    free_request(&request);
    end_as(status);
}
