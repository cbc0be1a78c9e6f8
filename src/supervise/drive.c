/*
 * Driving: what happens is told to the machine of a service, and what that says is done.
 *
 * Callbacks of the owner come from here and may do anything but free the supervisor. So a state is announced before
 * what follows from it is done, nothing is freed but by the look from the loop, and what several services have to do
 * with each other is seen to there, too.
 */
#include "base/error.h"
#include "base/time.h"
#include "supervise/supervise.h"

#include <errno.h>
#include <fcntl.h>

/* ---- One service ------------------------------------------------------------------------------------------------ */

static void announce(pk_service *service)
{
    const struct machine *machine = &service->machine;
    service->awaited = NULL;
    switch (machine->state) {
    case PK_SERVICE_READY:
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_IS_READY});
        if (machine->state == PK_SERVICE_READY)
            health_watch(service);
        break;
    case PK_SERVICE_STOPPING:
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_STOPS});
        break;
    case PK_SERVICE_PAUSING:
        service_tell(service,
                     (pk_service_event){.kind = PK_SERVICE_PAUSES, .pause = machine->pause, .storm = machine->storm});
        break;
    case PK_SERVICE_OVER:
        service_tell(service,
                     (pk_service_event){.kind = PK_SERVICE_IS_OVER,
                                        .end = machine->end,
                                        .error = service->last_error.number ? &service->last_error : NULL,
                                        .text = service->last_error.number ? service->last_error.message : NULL});
        break;
    case PK_SERVICE_RESTING:
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_RESTS});
        break;
    default:
        break;
    }
}

/* No reason of ours to try again: a command that makes no sense, or a host that does not have what it wants. */
static bool is_permanent(const pk_error *error)
{
    switch (error->kind) {
    case PK_ERROR_NOT_FOUND:
    case PK_ERROR_PERMISSION:
    case PK_ERROR_INVALID:
    case PK_ERROR_UNSUPPORTED:
    case PK_ERROR_CANCELLED:
        return true;
    case PK_ERROR_SPAWN: /* no program for this machine, or without its interpreter */
        return error->number == -ENOEXEC || error->number == -ELIBBAD;
    case PK_ERROR_RESOURCE_LIMIT: /* none that was reached: one that cannot be had */
        return error->number == -EOPNOTSUPP || error->number == -EINVAL;
    default:
        return false;
    }
}

/* Whoever is told that it could not be started may stop it: then that is the end of it. */
static void start(pk_service *service)
{
    int r = incarnation_start(service);
    service_tell(service, (pk_service_event){.kind = r > 0 ? PK_SERVICE_STARTED : PK_SERVICE_START_FAILED,
                                             .error = r > 0 ? NULL : &service->last_error});
    if (r < 0)
        service_feed_refusal(service);
    else if (r > 0 && service->now.by == READY_AT_ONCE)
        service_feed(service, MACHINE_IS_READY); /* which changes nothing if it was stopped meanwhile */
}

static void feed(pk_service *service, struct machine_input *input)
{
    pk_service_state before = service->machine.state;
    input->now = sys_now();
    if (sys_random(&input->random, sizeof(input->random)) < 0)
        input->random = UINT64_MAX / 2; /* no other pause is shared out so well */
    unsigned actions = machine_step(&service->machine, &service->restarts, input);
    service->supervisor->held_known = false;
    if (service->machine.state != before)
        announce(service);
    if (actions & ACT_STOP)
        incarnation_stop(service);
    if (actions & ACT_START)
        start(service);
    service_set_timer(service);
    supervisor_poke(service->supervisor);
}

void service_feed(pk_service *service, enum machine_event event)
{
    feed(service, &(struct machine_input){.event = event});
}

/* A result, and NULL for what could not be started. One that was cancelled would be so at once again. */
static void feed_end(pk_service *service, enum machine_event event, const pk_result *result)
{
    const pk_error *error = service->last_error.number ? &service->last_error : NULL;
    struct machine_input input = {.event = event, .success = !error};
    input.unwanted = service->unwanted || service->removing;
    input.permanent = event == MACHINE_REFUSED && is_permanent(error);
    if (service->judge && service->machine.after == AFTER_JUDGING && !input.unwanted)
        input.judgement = service->judge(service, result, error, service->judge_data);
    if (input.judgement == PK_JUDGE_BY_POLICY && result && result->verdict == PK_VERDICT_CANCELLED)
        input.judgement = PK_JUDGE_GIVE_UP;
    if (event == MACHINE_EMPTY && !result)
        input.judgement = PK_JUDGE_GIVE_UP; /* nobody knows whether anything is left of it */
    feed(service, &input);
}

void service_feed_empty(pk_service *service)
{
    feed_end(service, MACHINE_EMPTY, service->has_last ? &service->last : NULL);
}

void service_feed_refusal(pk_service *service)
{
    feed_end(service, service->machine.state == PK_SERVICE_STARTING ? MACHINE_REFUSED : MACHINE_EMPTY, NULL);
}

void service_set_timer(pk_service *service)
{
    pk_time wake = time_earlier(service->machine.resumes, incarnation_wake(service));
    loop_timer_set(&service->timer, service->log_due ? 0 : wake);
}

static void on_service_time(struct loop_timer *timer, void *data)
{
    pk_service *service = data;
    pk_time now = sys_now();
    (void)timer;
    if (service->supervisor->epoch != sys_epoch())
        return;
    if (service->log_due)
        journal_flush(service);
    if (now >= service->machine.resumes)
        service_feed(service, MACHINE_TIME);
    incarnation_on_time(service, now);
    service_set_timer(service);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static void refuse_settings(pk_service *service)
{
    machine_invalidate(&service->machine, sys_now());
    announce(service);
    supervisor_poke(service->supervisor); /* who waits for it waits in vain */
}

/* What may be wrong with one that was right before: its settings, or for want of memory. */
static int check_again(pk_service *service)
{
    pk_supervisor *supervisor = service->supervisor;
    pk_error *error = &service->last_error;
    int r = service->timer.loop
                ? 0
                : loop_timer_add(supervisor->loop, &service->timer, PK_FOREVER, on_service_time, service);
    if (r < 0)
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot begin with service %s", service->name);
    r = service_check(service, error);
    return r < 0 ? r : order_check_one(service, error);
}

static void admit(pk_service *service)
{
    bool hopeless;
    const char *awaited = order_awaited(service, &hopeless);
    int r = awaited ? order_check_one(service, &service->last_error) : check_again(service);
    if (r < 0) { /* those in a circle would wait for each other for ever */
        refuse_settings(service);
    } else if (!awaited) {
        service_feed(service, MACHINE_ADMITTED);
    } else if (hopeless) {
        error_set(&service->last_error, -ECANCELED, PK_ERROR_CANCELLED, PK_STEP_NONE, NULL, "it needs %s", awaited);
        service_feed(service, MACHINE_HOPELESS);
    } else if (awaited != service->awaited) {
        service->awaited = awaited;
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_WAITS, .text = awaited});
    }
}

/* Also those that were added while it runs begin here. They may close a circle. */
static void enlist(pk_service *service)
{
    service->enlisted = true;
    if (check_again(service) < 0)
        refuse_settings(service);
    else if (!service->unwanted && !service->removing)
        service_feed(service, MACHINE_WANTED);
}

/* What is being stopped already can only be stopped harder. */
static void let_rest(pk_service *service)
{
    bool runs = machine_has_tree(&service->machine) && service->machine.state != PK_SERVICE_STOPPING;
    if (runs && order_is_held(service))
        return;
    service->told_to_rest = true;
    service_feed(service, MACHINE_UNWANTED);
}

static void look_at(pk_service *service)
{
    if (!service->enlisted)
        enlist(service);
    if ((service->unwanted || service->removing) && !service->told_to_rest)
        let_rest(service);
    if (service->machine.state == PK_SERVICE_WAITING)
        admit(service);
    if (service->removing && machine_is_done(&service->machine)) {
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_REMOVED});
        service_forget(service);
    }
}

static bool is_done(const pk_supervisor *supervisor)
{
    if (supervisor->stays && !supervisor->stopping)
        return false;
    for (const pk_service *service = supervisor->first; service; service = service->next)
        if (!service->enlisted || service->removing || !machine_is_done(&service->machine))
            return false;
    return true;
}

static void forget_token(pk_supervisor *supervisor)
{
    loop_watch_remove(&supervisor->token);
    supervisor->token_fd = sys_close_safe(supervisor->token_fd);
}

static void conclude(pk_supervisor *supervisor)
{
    pk_error error;
    supervisor->phase = SUPERVISOR_OVER;
    forget_token(supervisor);
    int r = problem_check(&supervisor->problem, "supervisor", &error);
    if (supervisor->ended)
        supervisor->ended(supervisor, r, r < 0 ? &error : NULL, supervisor->ended_data);
}

/* When it is over, nothing is being removed but what was while something of it was told. */
static void forget_removed(pk_supervisor *supervisor)
{
    pk_service *next;
    for (pk_service *service = supervisor->first; service; service = next) {
        next = service->next;
        if (service->removing)
            service_forget(service);
    }
}

static void on_time(struct loop_timer *timer, void *data)
{
    pk_supervisor *supervisor = data;
    pk_service *next;
    (void)timer;
    if (supervisor->epoch != sys_epoch())
        return;
    if (supervisor->phase == SUPERVISOR_OVER) {
        forget_removed(supervisor);
        return;
    }
    for (pk_service *service = supervisor->first; service; service = next) {
        next = service->next;
        look_at(service);
    }
    if (is_done(supervisor))
        conclude(supervisor);
}

void supervisor_poke(pk_supervisor *supervisor)
{
    if (supervisor->phase == SUPERVISOR_RUNNING || supervisor->telling)
        loop_timer_set(&supervisor->timer, 0);
}

/* ---- The beginning and the end ---------------------------------------------------------------------------------- */

static void on_token(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    pk_supervisor *supervisor = data;
    (void)watch, (void)fd, (void)events;
    forget_token(supervisor);
    supervisor_stop(supervisor, NULL);
}

static int hear_token(pk_supervisor *supervisor)
{
    if (!supervisor->cancel)
        return 0;
    supervisor->token_fd = sys_fcntl(pk_cancel_fd(supervisor->cancel), F_DUPFD_CLOEXEC, 3);
    if (supervisor->token_fd < 0)
        return supervisor->token_fd;
    int r = loop_watch_add(supervisor->loop, &supervisor->token, supervisor->token_fd, EPOLLIN, on_token, supervisor);
    if (r < 0)
        supervisor->token_fd = sys_close_safe(supervisor->token_fd);
    return r;
}

int supervisor_begin(pk_supervisor *supervisor, pk_error *error)
{
    int r = 0;
    for (pk_service *service = supervisor->first; r == 0 && service; service = service->next)
        r = service_check(service, error);
    if (r == 0)
        r = order_check(supervisor, error);
    if (r < 0)
        return r;
    supervisor->epoch = sys_epoch();
    r = loop_timer_add(supervisor->loop, &supervisor->timer, 0, on_time, supervisor);
    if (r == 0)
        r = hear_token(supervisor);
    if (r < 0) {
        loop_timer_remove(&supervisor->timer);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot run a supervisor");
    }
    supervisor->phase = SUPERVISOR_RUNNING;
    return 0;
}

void supervisor_end(pk_supervisor *supervisor)
{
    supervisor->phase = supervisor->phase == SUPERVISOR_BUILT ? SUPERVISOR_BUILT : SUPERVISOR_OVER;
    for (pk_service *service = supervisor->first; service; service = service->next) {
        incarnation_drop(service);
        journal_close(service);
        loop_timer_remove(&service->timer);
    }
    loop_timer_remove(&supervisor->timer);
    forget_token(supervisor);
}

void supervisor_stop(pk_supervisor *supervisor, const pk_stop_options *options)
{
    pk_stop_options checked = {0};
    bool usable = options && stop_check(options, &checked, NULL) == 0;
    supervisor->stopping = true;
    for (pk_service *service = supervisor->first; service; service = service->next)
        service_stop(service, usable ? &checked : NULL);
    supervisor_poke(supervisor);
}
