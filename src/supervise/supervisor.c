/*
 * Supervisors as their owner sees them.
 */
#include "base/error.h"
#include "base/text.h"
#include "process/cancel.h"
#include "process/command.h"
#include "supervise/supervise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making ----------------------------------------------------------------------------------------------------- */

pk_supervisor *pk_supervisor_new(void)
{
    pk_supervisor *supervisor = calloc(1, sizeof(*supervisor));
    if (!supervisor)
        return NULL;
    supervisor->end = &supervisor->first;
    supervisor->token_fd = -1;
    return supervisor;
}

pk_supervisor *pk_supervisor_free(pk_supervisor *supervisor)
{
    if (!supervisor)
        return NULL;
    supervisor_end(supervisor);
    while (supervisor->first)
        service_forget(supervisor->first);
    pk_cancel_free(supervisor->cancel);
    free(supervisor);
    return NULL;
}

PK_PRINTF(3, 4) static void remember(pk_supervisor *supervisor, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&supervisor->problem, number, format, arguments);
    va_end(arguments);
}

/* ---- Services --------------------------------------------------------------------------------------------------- */

/* What is wrong with a name; NULL: nothing. */
static const char *check_name(const pk_supervisor *supervisor, const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@";
    if (!name || name[0] == '\0')
        return "its name is empty";
    if (strlen(name) >= SERVICE_NAME_SIZE)
        return "its name is longer than 64 characters";
    if (name[strspn(name, allowed)] != '\0')
        return "its name may have letters, digits and .-_@ only";
    return pk_supervisor_find(supervisor, name) ? "there is another one of that name" : NULL;
}

static pk_service *make(pk_supervisor *supervisor, const char *name, const pk_command *command)
{
    pk_service *service = calloc(1, sizeof(*service));
    pk_command *copy = pk_command_copy(command);
    if (!service || !copy) {
        free(service);
        pk_command_free(copy);
        return NULL;
    }
    *service = (pk_service){
        .supervisor = supervisor,
        .command = copy,
        .ready_timeout = PK_DEFAULT_READY_TIMEOUT,
        .reload_signal = SIGHUP,
        .ready_by = PK_FOREVER,
        .fed_by = PK_FOREVER,
        .alive_from = PK_FOREVER,
        .stuck_until = PK_FOREVER,
        .log_watched = -1,
    };
    text_copy(service->name, sizeof(service->name), name ? name : "");
    pk_service_restarts(service, NULL);
    machine_init(&service->machine, pk_now());
    return service;
}

pk_service *pk_supervisor_add(pk_supervisor *supervisor, const char *name, const pk_command *command)
{
    if (!supervisor)
        return NULL;
    const char *wrong = check_name(supervisor, name);
    pk_service *service = make(supervisor, name, command);
    if (!service) {
        remember(supervisor, -ENOMEM, "out of memory");
        return NULL;
    }
    service->misnamed = wrong != NULL;
    if (wrong)
        service_remember(service, -EINVAL, "%s", wrong);
    order_is_another(supervisor);
    *supervisor->end = service;
    supervisor->end = &service->next;
    service->unwanted = supervisor->stopping;
    supervisor_poke(supervisor);
    return service;
}

pk_service *pk_supervisor_find(const pk_supervisor *supervisor, const char *name)
{
    for (pk_service *service = supervisor ? supervisor->first : NULL; service; service = service->next)
        if (!service->removing && !service->misnamed && strcmp(service->name, name) == 0)
            return service;
    return NULL;
}

pk_service *pk_supervisor_next(const pk_supervisor *supervisor, const pk_service *service)
{
    if (service)
        return service->next;
    return supervisor ? supervisor->first : NULL;
}

/* ---- Settings --------------------------------------------------------------------------------------------------- */

void pk_supervisor_on_event(pk_supervisor *supervisor, pk_service_event_callback callback, void *data)
{
    if (!supervisor)
        return;
    supervisor->on_event = callback;
    supervisor->event_data = data;
}

void pk_supervisor_stay(pk_supervisor *supervisor, bool stays)
{
    if (!supervisor)
        return;
    supervisor->stays = stays;
    supervisor_poke(supervisor);
}

void pk_supervisor_cancel(pk_supervisor *supervisor, pk_cancel *cancel)
{
    if (!supervisor)
        return;
    pk_cancel_free(supervisor->cancel);
    supervisor->cancel = cancel ? cancel_ref(cancel) : NULL;
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static int begin(pk_supervisor *supervisor, pk_loop *loop, pk_error *error)
{
    int r = problem_check(&supervisor->problem, "supervisor", error);
    if (r < 0)
        return r;
    supervisor->loop = loop;
    return supervisor_begin(supervisor, error);
}

static int check(const pk_supervisor *supervisor, pk_error *error)
{
    if (!supervisor)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a supervisor");
    if (supervisor->phase != SUPERVISOR_BUILT)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "a supervisor can be run once only");
    return 0;
}

int pk_supervisor_start(pk_supervisor *supervisor, pk_loop *loop, pk_supervisor_ended ended, void *data,
                        pk_error *error)
{
    int r = check(supervisor, error);
    if (r < 0)
        return r;
    supervisor->ended = ended;
    supervisor->ended_data = data;
    return begin(supervisor, loop, error);
}

static int run(pk_supervisor *supervisor, pk_loop *loop, pk_error *error)
{
    int r = begin(supervisor, loop, error);
    while (r >= 0 && supervisor->phase != SUPERVISOR_OVER)
        r = pk_loop_dispatch(loop, PK_FOREVER, error);
    return r < 0 ? r : problem_check(&supervisor->problem, "supervisor", error);
}

int pk_supervisor_run(pk_supervisor *supervisor, pk_error *error)
{
    pk_loop *loop;
    int r = check(supervisor, error);
    if (r == 0)
        r = pk_loop_create(&loop, error);
    if (r < 0)
        return r;
    r = run(supervisor, loop, error);
    supervisor_end(supervisor); /* before the loop that carries it */
    pk_loop_free(loop);
    return r;
}

void pk_supervisor_stop(pk_supervisor *supervisor, const pk_stop_options *options)
{
    if (supervisor)
        supervisor_stop(supervisor, options);
}
