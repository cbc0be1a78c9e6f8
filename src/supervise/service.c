/*
 * Services as their owner sees them: what is asked for, and what can be looked at.
 */
#include "base/array.h"
#include "base/error.h"
#include "process/command.h"
#include "supervise/supervise.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void service_remember(pk_service *service, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&service->problem, number, format, arguments);
    va_end(arguments);
}

/* Whether options that begin with their size can be taken over: an earlier version may have known fewer. */
static bool has_size(pk_service *service, const size_t *options, size_t most, const char *init)
{
    bool fits = !options || (*options > 0 && *options <= most);
    if (!fits)
        service_remember(service, -EINVAL, "invalid options: start from %s of this version", init);
    return fits;
}

/* ---- Again ------------------------------------------------------------------------------------------------------ */

void pk_service_restarts(pk_service *service, const pk_restart_options *options)
{
    pk_restart_options taken = PK_RESTART_OPTIONS_INIT;
    if (!service || !has_size(service, options ? &options->size : NULL, sizeof(taken), "PK_RESTART_OPTIONS_INIT"))
        return;
    if (options)
        memcpy(&taken, options, options->size);
    taken.size = sizeof(taken);
    const char *wrong = machine_check_options(&taken);
    if (wrong)
        service_remember(service, -EINVAL, "%s", wrong);
    else
        service->restarts = taken;
}

void pk_service_on_end(pk_service *service, pk_service_judge judge, void *data)
{
    if (!service)
        return;
    service->judge = judge;
    service->judge_data = data;
}

/* ---- Ready ------------------------------------------------------------------------------------------------------ */

/* A wrong setting is remembered, and changes nothing. */

static void set_sign(pk_service *service, struct ready_sign sign)
{
    service->ready_probe = pk_probe_free(service->ready_probe);
    service->sign = sign;
}

/* False: the probe is gone. */
static bool take_probe(pk_service *service, pk_probe *probe)
{
    pk_error error;
    if (service && probe_check(probe, &error) == 0)
        return true;
    if (service)
        service_remember(service, error.number, "%s", error.message);
    pk_probe_free(probe);
    return false;
}

void pk_service_ready_take(pk_service *service, pk_probe *probe)
{
    if (!take_probe(service, probe))
        return;
    set_sign(service, (struct ready_sign){.by = READY_BY_PROBE});
    service->ready_probe = probe;
}

void pk_service_ready_line(pk_service *service, int fd, pk_match_callback match, void *data)
{
    if (!service)
        return;
    if (fd < 1)
        service_remember(service, -EINVAL, "nothing is written to descriptor %d", fd);
    else
        set_sign(service, (struct ready_sign){.by = READY_BY_LINE, .fd = fd, .match = match, .data = data});
}

void pk_service_ready_fd(pk_service *service, int fd)
{
    if (!service)
        return;
    if (fd < 3)
        service_remember(service, -EINVAL, "descriptor %d is not one to say on that it is ready: the first is 3", fd);
    else
        set_sign(service, (struct ready_sign){.by = READY_BY_FD, .fd = fd});
}

void pk_service_ready_notify(pk_service *service)
{
    if (!service)
        return;
    set_sign(service, (struct ready_sign){.by = READY_BY_NOTIFY});
    service->notifies = true;
}

void pk_service_ready_end(pk_service *service)
{
    if (service)
        set_sign(service, (struct ready_sign){.by = READY_BY_END});
}

void pk_service_ready_timeout(pk_service *service, pk_duration timeout)
{
    if (!service)
        return;
    if (timeout == 0)
        service_remember(service, -EINVAL, "a ready timeout of 0");
    else
        service->ready_timeout = timeout;
}

/* ---- Well ------------------------------------------------------------------------------------------------------- */

void pk_service_alive_take(pk_service *service, pk_probe *probe, const pk_alive_options *options)
{
    pk_alive_options taken = PK_ALIVE_OPTIONS_INIT;
    if (!take_probe(service, probe))
        return;
    bool fits = has_size(service, options ? &options->size : NULL, sizeof(taken), "PK_ALIVE_OPTIONS_INIT");
    if (options && fits)
        memcpy(&taken, options, options->size);
    if (taken.interval == 0 || taken.timeout == 0 || taken.failures == 0) {
        service_remember(service, -EINVAL, "an interval, timeout or number of failures of 0, for whether it is alive");
        fits = false;
    }
    pk_probe_free(fits ? service->alive_probe : probe);
    if (!fits)
        return;
    service->alive_probe = probe;
    service->alive = taken;
}

void pk_service_notify(pk_service *service)
{
    if (service)
        service->notifies = true;
}

void pk_service_watchdog(pk_service *service, pk_duration most)
{
    if (!service)
        return;
    if (most == 0) {
        service_remember(service, -EINVAL, "a watchdog time of 0");
        return;
    }
    service->watchdog = most;
    service->notifies = true;
}

/* ---- Order, logs, reloading ------------------------------------------------------------------------------------- */

/* While it runs, nobody looks at the whole again. */
static void refuse_circle(pk_service *service)
{
    pk_error error;
    order_is_another(service->supervisor);
    if (!service->enlisted || order_check_one(service, &error) == 0)
        return;
    free(service->needs[--service->need_count].name);
    service_remember(service, error.number, "%s", error.message);
}

void pk_service_needs(pk_service *service, const char *name)
{
    if (!service)
        return;
    struct need need = {.name = strdup(name ? name : "")};
    if (!need.name || !array_grow(&service->needs, service->need_count, sizeof(need))) {
        free(need.name);
        service_remember(service, -ENOMEM, "out of memory");
        return;
    }
    service->needs[service->need_count++] = need;
    refuse_circle(service);
}

void pk_service_log(pk_service *service, const pk_log_options *options)
{
    pk_log_options taken = PK_LOG_OPTIONS_INIT;
    if (!service || !has_size(service, options ? &options->size : NULL, sizeof(taken), "PK_LOG_OPTIONS_INIT"))
        return;
    if (options)
        memcpy(&taken, options, options->size);
    free(service->log_path);
    service->log_place.name = NULL;
    service->log_options = taken;
    service->log_path = service->log_options.path ? strdup(service->log_options.path) : NULL;
    if (service->log_options.path && !service->log_path)
        service_remember(service, -ENOMEM, "out of memory");
    service->log_options.path = service->log_path;
    service->logs = service->log_changed = true;
}

void pk_service_reload_signal(pk_service *service, int signal_number)
{
    if (!service)
        return;
    if (signal_number < 0 || signal_number >= NSIG)
        service_remember(service, -EINVAL, "%d is no signal", signal_number);
    else
        service->reload_signal = signal_number;
}

/* ---- Whether it makes sense ------------------------------------------------------------------------------------- */

/* One whose log was not looked for yet will find this one. */
static bool has_log_of(const pk_service *service, const pk_service *other)
{
    return strcmp(service->log_path, other->log_path) == 0 ||
           (other->log_place.name && log_place_is_same(&service->log_place, &other->log_place));
}

/* Two who rotate one file would take it from each other. */
static bool shares_its_log(pk_service *service)
{
    service->log_place = log_place_of(service->log_path);
    for (const pk_service *other = service->supervisor->first; other; other = other->next)
        if (other != service && !other->removing && other->log_path && has_log_of(service, other) &&
            (other->log_options.most_bytes > 0 || service->log_options.most_bytes > 0))
            return true;
    return false;
}

/* What is wrong with its settings, each of which makes sense by itself; NULL: nothing. */
static const char *find_contradiction(pk_service *service)
{
    if (service->command->leftovers == PK_LEFTOVERS_ALLOW)
        return "its leftovers cannot be allowed to live on: it is never started again before its tree is empty";
    if (service->sign.by == READY_BY_END && service->restarts.when == PK_RESTART_ALWAYS)
        return "it is ready when it has ended, and is always restarted then";
    if (service->log_path && shares_its_log(service))
        return "another one has the same log, and it is rotated by size";
    return NULL;
}

int service_check(pk_service *service, pk_error *error)
{
    char what[SERVICE_NAME_SIZE + 16] = "service ";
    strcat(what, service->name);
    int r = problem_check(&service->problem, what, error);
    if (r == 0)
        r = command_check(service->command, error);
    const char *wrong = r == 0 ? find_contradiction(service) : NULL;
    return wrong ? error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "invalid %s: %s", what, wrong)
                 : r;
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

void pk_service_look(const pk_service *service, pk_service_status *status)
{
    *status = (pk_service_status){.text = ""};
    if (!service)
        return;
    const struct machine *machine = &service->machine;
    *status = (pk_service_status){
        .state = machine->state,
        .end = machine->state == PK_SERVICE_OVER ? machine->end : 0,
        .since = machine->since,
        .reloading = service->reloading,
        .stuck = service->stuck,
        .pid = service->process && !service->leader_ended ? service->pid : 0,
        .incarnation = machine->incarnation,
        .restarts = machine->restarts,
        .storms = machine->storms,
        .not_well = service->not_well,
        .alive_misses = service->alive_misses,
        .started = machine->started,
        .resumes = machine->state == PK_SERVICE_PAUSING ? machine->resumes : 0,
        .error_number = service->error_number,
        .log_lost = service->log_lost + log_lost(&service->log),
        .result = service->has_last ? &service->last : NULL,
        .text = service->text,
    };
}

const char *pk_service_name(const pk_service *service)
{
    return service ? service->name : "";
}

pk_process *pk_service_process(const pk_service *service)
{
    return service ? service->process : NULL;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static void take_out(pk_service *service)
{
    pk_service **link = &service->supervisor->first;
    while (*link != service)
        link = &(*link)->next;
    *link = service->next;
    order_is_another(service->supervisor);
    if (!service->next)
        service->supervisor->end = link;
}

void service_forget(pk_service *service)
{
    take_out(service);
    incarnation_drop(service);
    journal_close(service);
    loop_timer_remove(&service->timer);
    pk_probe_free(service->ready_probe);
    pk_probe_free(service->alive_probe);
    for (size_t i = 0; i < service->need_count; i++)
        free(service->needs[i].name);
    free(service->needs);
    free(service->log_path);
    pk_command_free(service->command);
    free(service);
}
