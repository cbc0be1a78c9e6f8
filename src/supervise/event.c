/*
 * What is told of services.
 */
#include "supervise/supervise.h"
#include "sys/sys.h"

#include <processkit/parse.h>

#include <stdio.h>
#include <string.h>

/* ---- Names ------------------------------------------------------------------------------------------------------ */

const char *pk_service_state_name(pk_service_state state)
{
    static const char *const names[] = {
        [PK_SERVICE_RESTING] = "resting", [PK_SERVICE_WAITING] = "waiting",   [PK_SERVICE_STARTING] = "starting",
        [PK_SERVICE_READY] = "ready",     [PK_SERVICE_STOPPING] = "stopping", [PK_SERVICE_EMPTYING] = "emptying",
        [PK_SERVICE_PAUSING] = "pausing", [PK_SERVICE_OVER] = "over",
    };
    return state >= PK_SERVICE_RESTING && state <= PK_SERVICE_OVER ? names[state] : "unknown";
}

const char *pk_service_end_name(pk_service_end end)
{
    static const char *const names[] = {
        [PK_SERVICE_SATISFIED] = "satisfied", [PK_SERVICE_DONE] = "done",           [PK_SERVICE_FAILED] = "failed",
        [PK_SERVICE_GAVE_UP] = "gave-up",     [PK_SERVICE_EXHAUSTED] = "exhausted", [PK_SERVICE_NEEDLESS] = "needless",
        [PK_SERVICE_INVALID] = "invalid",
    };
    return end >= PK_SERVICE_SATISFIED && end <= PK_SERVICE_INVALID ? names[end] : "unknown";
}

const char *pk_service_event_kind_name(pk_service_event_kind kind)
{
    static const char *const names[] = {
        [PK_SERVICE_WAITS] = "waits",
        [PK_SERVICE_STARTED] = "started",
        [PK_SERVICE_START_FAILED] = "start-failed",
        [PK_SERVICE_IS_READY] = "ready",
        [PK_SERVICE_NOT_READY] = "not-ready",
        [PK_SERVICE_NOT_WELL] = "not-well",
        [PK_SERVICE_RELOADS] = "reloads",
        [PK_SERVICE_SAYS] = "says",
        [PK_SERVICE_STOPS] = "stops",
        [PK_SERVICE_LEADER_ENDED] = "leader-ended",
        [PK_SERVICE_STUCK] = "stuck",
        [PK_SERVICE_ENDED] = "ended",
        [PK_SERVICE_PAUSES] = "pauses",
        [PK_SERVICE_IS_OVER] = "over",
        [PK_SERVICE_RESTS] = "rests",
        [PK_SERVICE_LOG_LOST] = "log-lost",
        [PK_SERVICE_REMOVED] = "removed",
    };
    return kind >= PK_SERVICE_WAITS && kind <= PK_SERVICE_REMOVED ? names[kind] : "unknown";
}

/* ---- Telling ---------------------------------------------------------------------------------------------------- */

void service_tell(pk_service *service, pk_service_event event)
{
    pk_supervisor *supervisor = service->supervisor;
    if (!supervisor->on_event)
        return;
    event.size = sizeof(event);
    event.time = sys_now();
    event.realtime = sys_realtime();
    event.service = service;
    event.name = service->name;
    event.incarnation = service->machine.incarnation;
    event.pid = service->pid;
    if (!event.text)
        event.text = "";
    supervisor->telling++;
    supervisor->on_event(supervisor, &event, supervisor->event_data);
    supervisor->telling--;
}

/* ---- For people ------------------------------------------------------------------------------------------------- */

static const char *end_sentence(pk_service_end end)
{
    switch (end) {
    case PK_SERVICE_SATISFIED:
        return "is done: it has succeeded";
    case PK_SERVICE_DONE:
        return "is done";
    case PK_SERVICE_FAILED:
        return "is over: it has failed";
    case PK_SERVICE_GAVE_UP:
        return "is given up";
    case PK_SERVICE_EXHAUSTED:
        return "is given up: it was restarted as often as it may be";
    case PK_SERVICE_NEEDLESS:
        return "is not started: what it needs is over";
    default:
        return "is not started: its settings make no sense";
    }
}

static void format_ended(const pk_service_event *event, char *buffer, size_t size)
{
    char text[256] = "";
    if (event->result)
        pk_result_format(event->result, text, sizeof(text));
    snprintf(buffer, size, "%s: %s", event->name, text[0] ? text : "ended");
}

static void format_pause(const pk_service_event *event, char *buffer, size_t size)
{
    char pause[32];
    pk_format_duration(event->pause, pause, sizeof(pause));
    snprintf(buffer, size, "%s: starts again in %s%s", event->name, pause,
             event->storm ? ", since it fails too often" : "");
}

static void format_losses(const pk_service_event *event, char *buffer, size_t size)
{
    if (event->error)
        snprintf(buffer, size, "%s: %s", event->name, event->error->message);
    else
        snprintf(buffer, size, "%s: %llu lines of its log are lost", event->name, (unsigned long long)event->count);
}

const char *pk_service_event_format(const pk_service_event *event, char *buffer, size_t size)
{
    const char *separator = event->text && event->text[0] ? ": " : "", *text = event->text ? event->text : "";
    const char *why = event->error ? event->error->message : "";
    switch (event->kind) {
    case PK_SERVICE_WAITS:
        snprintf(buffer, size, "%s: waits for %s", event->name,
                 strcmp(text, event->name) == 0 ? "the one before it to end" : text);
        break;
    case PK_SERVICE_STARTED:
        snprintf(buffer, size, "%s: started, pid %d", event->name, (int)event->pid);
        break;
    case PK_SERVICE_START_FAILED:
        snprintf(buffer, size, "%s: %s", event->name, why);
        break;
    case PK_SERVICE_IS_READY:
        snprintf(buffer, size, "%s: is ready", event->name);
        break;
    case PK_SERVICE_NOT_READY:
        snprintf(buffer, size, "%s: was not ready in time%s%s", event->name, separator, text);
        break;
    case PK_SERVICE_NOT_WELL:
        snprintf(buffer, size, "%s: is not well%s%s", event->name, separator, text);
        break;
    case PK_SERVICE_RELOADS:
        snprintf(buffer, size, "%s: reloads", event->name);
        break;
    case PK_SERVICE_SAYS:
        snprintf(buffer, size, "%s: says: %s", event->name, text);
        break;
    case PK_SERVICE_STOPS:
        snprintf(buffer, size, "%s: stops", event->name);
        break;
    case PK_SERVICE_LEADER_ENDED:
        snprintf(buffer, size, "%s: its leader has ended", event->name);
        break;
    case PK_SERVICE_STUCK:
        snprintf(buffer, size, "%s: cannot be killed%s%s", event->name, separator, text);
        break;
    case PK_SERVICE_ENDED:
        format_ended(event, buffer, size);
        break;
    case PK_SERVICE_PAUSES:
        format_pause(event, buffer, size);
        break;
    case PK_SERVICE_IS_OVER:
        snprintf(buffer, size, "%s: %s%s%s", event->name, end_sentence(event->end), separator, text);
        break;
    case PK_SERVICE_RESTS:
        snprintf(buffer, size, "%s: rests", event->name);
        break;
    case PK_SERVICE_LOG_LOST:
        format_losses(event, buffer, size);
        break;
    default:
        snprintf(buffer, size, "%s: %s", event->name, pk_service_event_kind_name(event->kind));
        break;
    }
    return buffer;
}
