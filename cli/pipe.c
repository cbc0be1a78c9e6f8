/*
 * pk pipe.
 */
#include "pipe.h"

#include "carry.h"
#include "containment.h"
#include "ending.h"
#include "message.h"
#include "pipe-stats.h"
#include "stages.h"
#include "stats.h"
#include "terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- The start -------------------------------------------------------------------------------------------------- */

/* What the stages have, pk holds no longer: who writes to the first one learns when that has ended, and so does who
 * reads from the last. */
static void let_go(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0)
        return;
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    if (nothing > STDERR_FILENO)
        close(nothing);
}

static void tell_start(const struct pipe_request *request, const pk_process *process)
{
    char pids[512];
    size_t used = 0;
    for (size_t i = 0; i < pk_process_stage_count(process) && used < sizeof(pids); i++)
        used += (size_t)snprintf(pids + used, sizeof(pids) - used, "%s%d", i ? ", " : "pids ",
                                 pk_process_pid(pk_process_stage(process, i)));
    tell_containment(&request->common, pk_process_pipeline_group(process), pids);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static bool was_cut_off(const struct pipe_request *request, size_t stage, const pk_result *result)
{
    return stage + 1 < request->common.count && result->verdict == PK_VERDICT_SIGNALLED &&
           result->signal_number == SIGPIPE;
}

/* What the exit status does not tell, or tells of another stage than the last. */
static bool is_news(const struct pipe_request *request, size_t culprit, const pk_result *result)
{
    switch (result->verdict) {
    case PK_VERDICT_LEFTOVERS:
    case PK_VERDICT_UNKILLABLE:
    case PK_VERDICT_LOST:
        return true;
    case PK_VERDICT_TIMED_OUT:
        return !request->common.quiet;
    case PK_VERDICT_STOPPED:
        return request->common.verbose;
    default:
        return !request->common.quiet && (request->common.verbose || culprit + 1 < request->common.count);
    }
}

static void tell_culprit(const struct pipe_request *request, size_t culprit, const pk_result *result)
{
    char who[64], text[512], names[256];
    stages_format(request, culprit, who, sizeof(who));
    pk_result_format(result, text, sizeof(text));
    if (was_cut_off(request, culprit, result))
        say("%s: %s, since the next read no more (--unchecked %zu makes that a success)", who, text, culprit + 1);
    else if (result->verdict == PK_VERDICT_LEFTOVERS || result->verdict == PK_VERDICT_UNKILLABLE)
        say("%s: %s: %s", who, text, format_leftovers(result, names, sizeof(names)));
    else
        say("%s: %s", who, text);
}

static void tell_result(const struct pipe_request *request, const pk_process *process, pk_duration wall)
{
    size_t culprit = pk_process_culprit(process);
    if (request->common.stats) {
        print_pipe_stats(request, process, wall);
        return;
    }
    if (culprit == PK_NO_STAGE)
        return;
    pk_result result = *pk_process_stage_result(process, culprit);
    if (result.verdict == PK_VERDICT_TIMED_OUT)
        result.wall = wall; /* the deadline is one of all of them, and the others were started before */
    if (!request->common.quiet && print_limit_hit(&result))
        return;
    if (is_news(request, culprit, &result))
        tell_culprit(request, culprit, &result);
}

/* What a tee has not got is lost. */
static int check_tees(const struct pipe_request *request, const pk_process *process, int ending)
{
    for (size_t i = 0; i < request->common.count; i++) {
        const char *file = request->stages[i].tee;
        int r = file ? pk_process_stage_tee_error(process, i) : 0;
        if (r == 0)
            continue;
        say("%s is not complete: %s", file + (*file == '+'), strerror(-r));
        ending = STATUS_FAILED;
    }
    return ending;
}

static int finish(const struct pipe_request *request, const pk_process *process, int received, pk_duration wall)
{
    int ending = ending_of_pipeline(process, received);
    terminal_restore();
    tell_result(request, process, wall);
    return check_tees(request, process, ending);
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static int run(struct pipe_request *request, struct carrier *carrier)
{
    pk_error error;
    pk_process *process;
    pk_time begin = pk_now();
    stages_join(request);
    if (pk_pipeline_start(request->pipeline, &process, &error) < 0) {
        say("%s", error.message);
        return status_of_error(&error);
    }
    let_go();
    tell_start(request, process);
    signals_handle_early(&carrier->signals, process);
    int ending = STATUS_FAILED;
    if (carrier_carry(carrier, process) == 0)
        ending = finish(request, process, carrier->signals.received, pk_now() - begin);
    pk_process_free(process);
    return ending;
}

/* It only needs to be carried; what becomes of it is read from the results. */
static void on_event(pk_process *process, pk_event event, void *data)
{
    (void)process, (void)event, (void)data;
}

int pipe_main(int argc, char **argv)
{
    struct pipe_request request;
    struct carrier carrier = {.on_event = on_event};
    int status = STATUS_FAILED;
    if (stages_ask(argc, argv, &request, &status) != 0) {
        stages_free(&request);
        return status;
    }
    if (carrier_begin(&carrier, &request.common) == 0)
        status = run(&request, &carrier);
    carrier_end(&carrier);
    stages_free(&request);
    end_as(status);
}
