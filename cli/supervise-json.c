/*
 * Writing services and events as JSON.
 */
#include "supervise-json.h"

#include <time.h>

/* ---- Values ----------------------------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

/* What does not fit is the most that does. */
static json_t *number(uint64_t value)
{
    return json_integer(value < INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static json_t *number_or_null(uint64_t value)
{
    return value ? number(value) : json_null();
}

static json_t *figure(pk_source source, uint64_t value)
{
    return source == PK_SOURCE_UNAVAILABLE ? json_null() : number(value);
}

/* What it was on the wall; null for 0, and for what is beyond the calendar. Clocks that were set since count. */
static json_t *wall_time(pk_time time)
{
    struct timespec wall = {0};
    pk_time now = pk_now();
    clock_gettime(CLOCK_REALTIME, &wall);
    uint64_t today = (uint64_t)wall.tv_sec * PK_SECONDS(1) + (uint64_t)wall.tv_nsec;
    if (time == 0 || time == PK_FOREVER || (time > now && time - now > UINT64_MAX - today))
        return json_null();
    return json_realtime(today - now + time);
}

static json_t *result_of(const pk_result *result)
{
    char text[512];
    bool exited = result->leader_ending == PK_ENDING_EXITED;
    json_t *leftovers = json_array();
    for (int i = 0; i < result->leftover_count && i < PK_RESULT_LEFTOVERS; i++)
        json_array_append_new(leftovers, json_pack("{s:i, s:o}", "pid", (int)result->leftovers[i].pid, "name",
                                                   json_text(result->leftovers[i].name)));
    return json_pack("{s:s, s:o, s:o, s:b, s:o, s:o, s:i, s:o, s:o}", "verdict", pk_verdict_name(result->verdict),
                     "exit_code", exited ? json_integer(result->exit_code) : json_null(), "signal",
                     json_signal(result->leader_ending == PK_ENDING_SIGNALLED ? result->signal_number : 0), "success",
                     pk_result_is_success(result), "wall_ns", number(result->wall), "cpu_ns",
                     figure(result->usage.cpu_source, result->usage.cpu_user + result->usage.cpu_system),
                     "leftover_count", result->leftover_count, "leftovers", leftovers, "how",
                     json_text(pk_result_format(result, text, sizeof(text))));
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static void add_details(json_t *json, const pk_service_event *event)
{
    if (event->result)
        set(json, "result", result_of(event->result));
    if (event->kind == PK_SERVICE_PAUSES) {
        set(json, "pause_ns", number(event->pause));
        set(json, "storm", json_boolean(event->storm));
    }
    if (event->kind == PK_SERVICE_IS_OVER)
        set(json, "end", json_string(pk_service_end_name(event->end)));
    if (event->kind == PK_SERVICE_LOG_LOST)
        set(json, "count", number(event->count));
    if (event->text && event->text[0])
        set(json, "text", json_text(event->text));
    if (event->error)
        set(json, "error",
            json_pack("{s:s, s:i, s:o}", "kind", pk_error_kind_name(event->error->kind), "number", event->error->number,
                      "message", json_text(event->error->message)));
}

json_t *json_event(const pk_service_event *event)
{
    json_t *json = json_pack("{s:i, s:o, s:o, s:s, s:o, s:i, s:o}", "version", 1, "time",
                             json_realtime(event->realtime), "monotonic_ns", number(event->time), "kind",
                             pk_service_event_kind_name(event->kind), "service", json_text(event->name), "incarnation",
                             (int)event->incarnation, "pid", number_or_null((uint64_t)event->pid));
    if (json)
        add_details(json, event);
    return json;
}

/* ---- Services --------------------------------------------------------------------------------------------------- */

static json_t *usage_of(pk_group *group)
{
    pk_usage usage;
    if (!group || pk_group_usage(group, &usage, NULL) < 0)
        return json_null();
    return json_pack("{s:i, s:o, s:s, s:o, s:s, s:o}", "members", usage.members, "cpu_ns",
                     figure(usage.cpu_source, usage.cpu_user + usage.cpu_system), "cpu_source",
                     pk_source_name(usage.cpu_source), "memory_peak", figure(usage.memory_source, usage.memory_peak),
                     "memory_source", pk_source_name(usage.memory_source), "pids_peak",
                     figure(usage.pids_source, usage.pids_peak));
}

/* How its tree is held together, and what that uses; null while there is none. */
static void add_tree(json_t *json, const pk_service *service)
{
    const pk_process *process = pk_service_process(service);
    pk_group *group = process ? pk_process_group(process) : NULL;
    const char *path = group ? pk_group_path(group) : NULL;
    set(json, "mechanism", group ? json_string(pk_mechanism_name(pk_group_mechanism(group))) : json_null());
    set(json, "cgroup", path ? json_text(path) : json_null());
    set(json, "usage", usage_of(group));
}

json_t *json_service(const pk_service *service)
{
    pk_service_status status;
    pk_service_look(service, &status);
    json_t *json = json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:b, s:b, s:o, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
        json_text(pk_service_name(service)), "state", pk_service_state_name(status.state), "end",
        status.end ? json_string(pk_service_end_name(status.end)) : json_null(), "since", wall_time(status.since),
        "since_ns", number(pk_now() - status.since), "reloading", status.reloading, "stuck", status.stuck, "pid",
        number_or_null((uint64_t)status.pid), "incarnation", (int)status.incarnation, "restarts", (int)status.restarts,
        "storms", (int)status.storms, "not_well", (int)status.not_well, "alive_misses", (int)status.alive_misses,
        "started", wall_time(status.started), "resumes", wall_time(status.resumes), "log_lost", number(status.log_lost),
        "result", status.result ? result_of(status.result) : json_null(), "text", json_text(status.text), "errno",
        number_or_null((uint64_t)status.error_number));
    if (json)
        add_tree(json, service);
    return json;
}
