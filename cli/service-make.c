/*
 * Making a service of a plan.
 */
#include "service-make.h"

#include <string.h>

static pk_probe *make_probe(const struct question *question)
{
    switch (question->asks) {
    case ASKS_PORT:
        return pk_probe_port(question->text, question->number);
    case ASKS_SOCKET:
        return pk_probe_socket(question->text);
    case ASKS_PATH:
        return pk_probe_path(question->text);
    case ASKS_HTTP:
        return pk_probe_http(question->text, question->first, question->last);
    case ASKS_HEARTBEAT:
        return pk_probe_heartbeat(question->text, question->most);
    default:
        return pk_probe_command(question->command);
    }
}

static bool has_text(const pk_line *line, void *data)
{
    return memmem(line->text, line->length, data, strlen(data)) != NULL;
}

static void say_when_ready(pk_service *service, const struct service_plan *plan)
{
    const struct question *ready = &plan->ready;
    switch (ready->asks) {
    case ASKS_NOTHING:
        return;
    case ASKS_END:
        pk_service_ready_end(service);
        return; /* which has no time of its own */
    case ASKS_LINE:
        pk_service_ready_line(service, (int)ready->number, has_text, ready->text);
        break;
    case ASKS_FD:
        pk_service_ready_fd(service, (int)ready->number);
        break;
    case ASKS_NOTIFY:
        pk_service_ready_notify(service);
        break;
    default:
        pk_service_ready_take(service, make_probe(ready));
    }
    pk_service_ready_timeout(service, plan->ready_timeout);
}

static void say_when_well(pk_service *service, const struct service_plan *plan)
{
    if (plan->alive.asks != ASKS_NOTHING)
        pk_service_alive_take(service, make_probe(&plan->alive), &plan->alive_options);
    if (plan->notify || plan->watchdog || plan->ready.asks == ASKS_NOTIFY)
        pk_service_notify(service);
    if (plan->watchdog)
        pk_service_watchdog(service, plan->watchdog);
}

static void say_where_output_goes(pk_service *service, const struct service_plan *plan)
{
    pk_log_options options = plan->log_options;
    options.path = plan->log_path;
    if (plan->log == LOG_TO_FILE || plan->log == LOG_TO_STDERR)
        pk_service_log(service, &options);
}

pk_service *service_plan_make(const struct service_plan *plan, pk_supervisor *supervisor)
{
    pk_service *service = pk_supervisor_add(supervisor, plan->name, plan->command);
    pk_service_restarts(service, &plan->restart);
    say_when_ready(service, plan);
    say_when_well(service, plan);
    for (size_t i = 0; i < plan->need_count; i++)
        pk_service_needs(service, plan->needs[i].name);
    say_where_output_goes(service, plan);
    pk_service_reload_signal(service, plan->reload_signal);
    return service;
}
