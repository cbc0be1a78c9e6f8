/*
 * What an owner asks of services while they run.
 */
#include "base/error.h"
#include "contain/group.h"
#include "process/command.h"
#include "supervise/supervise.h"
#include "sys/sys.h"

#include <errno.h>

static int check(const pk_service *service, const char *what, pk_error *error)
{
    if (!service)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a service");
    if (service->supervisor->epoch == sys_epoch() && service->supervisor->phase == SUPERVISOR_RUNNING &&
        !service->removing)
        return 0;
    return error_set(error, -ESRCH, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "cannot %s %s: %s", what, service->name,
                     service->removing ? "it is being removed" : "its supervisor does not run");
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

static void want_need(pk_service *need);

/* What it needs is started as well, where that is neither running nor to be expected. There are no circles. */
static void want(pk_service *service)
{
    if (service->removing || (!service->unwanted && !machine_is_done(&service->machine)))
        return;
    service->unwanted = false;
    service->told_to_rest = false;
    service->stop_options.size = 0;
    if (!service->enlisted)
        return;
    order_is_another(service->supervisor); /* one that was refused for a circle counts again */
    service_feed(service, MACHINE_WANTED);
    order_each_need(service, want_need);
}

static void want_need(pk_service *need)
{
    if (!order_is_satisfied(need))
        want(need);
}

static int refuse_while_stopping(const pk_service *service, pk_error *error)
{
    return error_set(error, -ESRCH, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "cannot start %s: its supervisor is being stopped", service->name);
}

int pk_service_start(pk_service *service, pk_error *error)
{
    int r = check(service, "start", error);
    if (r < 0)
        return r;
    if (service->supervisor->stopping)
        return refuse_while_stopping(service, error);
    if (service->machine.state == PK_SERVICE_PAUSING && !service->unwanted)
        service_feed(service, MACHINE_WANTED);
    else
        want(service);
    return 0;
}

int pk_service_restart(pk_service *service, pk_error *error)
{
    int r = check(service, "restart", error);
    if (r < 0)
        return r;
    if (service->supervisor->stopping)
        return refuse_while_stopping(service, error);
    if (service->unwanted || !service->enlisted || machine_is_done(&service->machine))
        want(service);
    if (service->enlisted) /* what was asked to stop, and was not yet, runs */
        service_feed(service, MACHINE_RENEW);
    return 0;
}

/* ---- Stopping --------------------------------------------------------------------------------------------------- */

/* Whether it leaves less time than what holds so far. */
static bool is_harder(const pk_service *service, const pk_stop_options *options)
{
    const pk_stop_options *said = &service->command->stop;
    pk_duration grace = said->signal_number == SIGKILL ? 0 : said->grace;
    pk_duration before = service->stop_options.size ? service->stop_options.grace : grace;
    return (options ? options->grace : grace) < before;
}

/* Once more is told to the machine again if it is harder. */
void service_stop(pk_service *service, const pk_stop_options *options)
{
    if (service->unwanted && !is_harder(service, options))
        return;
    service->unwanted = true;
    service->told_to_rest = false;
    service->stop_options = options ? *options : (pk_stop_options){0};
    service->supervisor->held_known = false; /* it may hold what is being removed by now */
}

/* A leader cannot be spared for its service to rest. */
int stop_check(const pk_stop_options *options, pk_stop_options *checked, pk_error *error)
{
    int r = group_check_stop(options, checked, error);
    if (r == 0 && checked->spare)
        r = error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                      "invalid stop options: a service does not rest as long as members of it are spared");
    return r;
}

static void stop_with(pk_service *service)
{
    if (service->unwanted)
        return;
    service_stop(service, NULL);
    order_each_dependent(service, stop_with);
}

int pk_service_stop(pk_service *service, const pk_stop_options *options, pk_error *error)
{
    pk_stop_options checked = {0};
    int r = check(service, "stop", error);
    if (r == 0)
        r = stop_check(options, &checked, error);
    if (r < 0)
        return r;
    order_each_dependent(service, stop_with);
    service_stop(service, options ? &checked : NULL);
    supervisor_poke(service->supervisor);
    return 0;
}

void pk_service_remove(pk_service *service)
{
    if (!service || service->removing)
        return;
    if (service->supervisor->phase != SUPERVISOR_RUNNING && !service->supervisor->telling) {
        service_forget(service);
        return;
    }
    service->removing = true;
    order_is_another(service->supervisor);
    service->told_to_rest = false;
    supervisor_poke(service->supervisor);
}

/* ---- Reloading -------------------------------------------------------------------------------------------------- */

int pk_service_reload(pk_service *service, pk_error *error)
{
    int r = check(service, "reload", error);
    if (r < 0)
        return r;
    if (service->machine.state != PK_SERVICE_READY)
        return error_set(error, -ESRCH, PK_ERROR_INVALID, PK_STEP_SIGNAL, NULL, "cannot reload %s: it is %s",
                         service->name, pk_service_state_name(service->machine.state));
    if (service->reload_signal == 0)
        return pk_service_restart(service, error);
    r = pk_process_signal(service->process, service->reload_signal, error);
    if (r == 0)
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_RELOADS});
    return r;
}
