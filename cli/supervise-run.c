/*
 * Driving a supervisor: its loop, and signals in it.
 */
#include "supervise-run.h"

#include "containment.h"
#include "ending.h"
#include "message.h"
#include "roster.h"
#include "service-make.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- What is told ----------------------------------------------------------------------------------------------- */

/* Those of the others are no different. */
static void tell_first_containment(struct supervision *run, const pk_service_event *event)
{
    const pk_process *process = pk_service_process(event->service);
    if (run->told_containment || !process)
        return;
    run->told_containment = true;
    tell_containment(&run->request->common, pk_process_group(process), event->name);
}

/* A service that was given up has failed, however it ended when it was stopped for that. */
static int ending_when_over(const struct supervision *run, pk_service_end end)
{
    if (end == PK_SERVICE_INVALID)
        return STATUS_FAILED;
    bool failed = end != PK_SERVICE_SATISFIED && end != PK_SERVICE_DONE;
    return failed && run->ending == 0 ? 1 : run->ending;
}

static void on_event(pk_supervisor *supervisor, const pk_service_event *event, void *data)
{
    struct supervision *run = data;
    (void)supervisor;
    events_tell(&run->events, event);
    if (event->kind == PK_SERVICE_STARTED)
        tell_first_containment(run, event);
    else if (event->kind == PK_SERVICE_START_FAILED)
        run->ending = status_of_error(event->error);
    else if (event->kind == PK_SERVICE_ENDED)
        run->ending = ending_of(event->result, 0);
    else if (event->kind == PK_SERVICE_IS_OVER)
        run->ending = ending_when_over(run, event->end);
    else if (event->kind == PK_SERVICE_RESTS)
        run->ending = 0;
    else if (event->kind == PK_SERVICE_REMOVED && run->roster)
        roster_forget(run->roster, event->service);
}

static void on_ended(pk_supervisor *supervisor, int number, const pk_error *error, void *data)
{
    struct supervision *run = data;
    (void)supervisor;
    run->over = true;
    if (number >= 0)
        return;
    say("%s", error->message);
    run->ending = STATUS_FAILED;
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

static int refuse(const char *message)
{
    say("%s", message);
    return -1;
}

static int add_services(struct supervision *run)
{
    const struct supervise_request *request = run->request;
    if (!request->file)
        return service_plan_make(request->plan, run->supervisor) ? 0 : refuse("out of memory");
    run->roster = supervise_read(request->file);
    if (!run->roster)
        return -1;
    return roster_make(run->roster, run->supervisor) < 0 ? refuse("out of memory") : 0;
}

static void on_signals(pk_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    supervise_signals(data);
}

/*
 * Requests are taken before anything is started, so that nothing is started twice.
 *
 * The kernel tells a loop of events in the order in which they came, and gives a signal to a whole process group before
 * anybody of it can end. So whoever ends of a signal that pk has got too is not wanted any more by then. That would not
 * hold for signals that are read beside the loop: both may come between reading and dispatching.
 */
static int begin(struct supervision *run)
{
    const struct supervise_request *request = run->request;
    pk_error error;
    if (pk_loop_create(&run->loop, &error) < 0)
        return refuse(error.message);
    if (pk_loop_watch(run->loop, run->signals.fd, EPOLLIN, on_signals, run, &run->watch, &error) < 0)
        return refuse(error.message);
    run->supervisor = pk_supervisor_new();
    pk_supervisor_on_event(run->supervisor, on_event, run);
    pk_supervisor_stay(run->supervisor, request->stays);
    if (add_services(run) < 0)
        return -1;
    if (request->file && control_open(&run->control, run->loop, request->file, supervise_answer, run) < 0)
        return -1;
    if (events_open(&run->events, request->events) < 0)
        return -1;
    if (pk_supervisor_start(run->supervisor, run->loop, on_ended, run, &error) < 0)
        return refuse(error.message);
    return 0;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static bool all_went_well(const struct supervision *run)
{
    pk_service_status status;
    for (const pk_service *service = NULL; (service = pk_supervisor_next(run->supervisor, service));) {
        pk_service_look(service, &status);
        if (status.end != 0 && status.end != PK_SERVICE_SATISFIED && status.end != PK_SERVICE_DONE)
            return false;
    }
    return true;
}

static int finish(const struct supervision *run)
{
    return run->roster ? !all_went_well(run) : run->ending;
}

static void end(struct supervision *run)
{
    run->watch = pk_watch_free(run->watch);
    run->supervisor = pk_supervisor_free(run->supervisor);
    control_close(&run->control);
    run->loop = pk_loop_free(run->loop);
    run->roster = roster_free(run->roster);
    events_close(&run->events);
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static int carry(struct supervision *run)
{
    pk_error error;
    int r = 0;
    while (r >= 0 && !run->over)
        r = pk_loop_dispatch(run->loop, PK_FOREVER, &error);
    if (r < 0)
        say("%s", error.message);
    return r < 0 ? STATUS_FAILED : finish(run);
}

int supervise_work(struct supervision *run)
{
    int ending = begin(run) < 0 ? STATUS_FAILED : carry(run);
    end(run);
    return ending;
}

/* Signals come first: a service is to know which are ignored. */
int supervise_run(struct supervise_request *request)
{
    struct supervision run = {
        .request = request,
        .signals = {.fd = -1, .verbose = request->common.verbose},
        .events = {.fd = -1, .quiet = request->common.quiet, .verbose = request->common.verbose},
        .control = {.fd = -1, .directory = -1},
    };
    if (signals_begin(&run.signals, &request->common) < 0)
        return STATUS_FAILED;
    signal(SIGPIPE, SIG_IGN); /* a write that fails is told */
    int ending = request->reaps || getpid() == 1 ? supervise_as_init(&run) : supervise_work(&run);
    if (run.signals.fd >= 0)
        close(run.signals.fd);
    return ending;
}
