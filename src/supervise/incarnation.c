/*
 * One run of a service, from its start until its tree is empty: when it is ready, whether it is well, how it ends.
 */
#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "contain/group.h"
#include "process/carry.h"
#include "process/command.h"
#include "process/company.h"
#include "process/output.h"
#include "process/process.h"
#include "supervise/supervise.h"

#include <processkit/parse.h>
#include <processkit/pipeline.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_STUCK_PAUSE PK_MILLISECONDS(10) /* for what was only just killed */
#define MOST_STUCK_PAUSE  PK_SECONDS(1)

/* ---- Its groups ------------------------------------------------------------------------------------------------- */

/* What its tree is in, by place: of a pipeline the groups of all stages, which may be their own, and the one around
 * those that have none. NULL: there is none at that place, but there may be at the next. */
static size_t group_places(const pk_service *service)
{
    const struct company *company = service->process->company;
    return company ? company->count + 1 : 1;
}

static pk_group *group_at(const pk_service *service, size_t place)
{
    const pk_process *stage = pk_process_stage(service->process, place);
    return stage ? stage->run.group : service->process->company->group;
}

int incarnation_has_member(const pk_service *service, pid_t pid)
{
    int r = 0;
    for (size_t i = 0; r <= 0 && i < group_places(service); i++) {
        pk_group *group = group_at(service, i);
        int has = group ? group_has_member(group, pid) : 0;
        r = has != 0 ? has : r;
    }
    return r;
}

static void kill_all(const pk_service *service)
{
    for (size_t i = 0; i < group_places(service); i++)
        if (group_at(service, i))
            ladder_kill(group_at(service, i));
}

static bool is_empty(const pk_service *service)
{
    bool empty = true;
    for (size_t i = 0; empty && i < group_places(service); i++)
        empty = !group_at(service, i) || pk_group_is_empty(group_at(service, i), NULL) > 0;
    return empty;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

void incarnation_drop(pk_service *service)
{
    pk_process *process = service->process;
    health_end(service);
    service->stuck = service->refused = false;
    service->stuck_until = PK_FOREVER;
    service->process = NULL;
    if (process)
        process->on_free = NULL;
    pk_process_free(process);
}

/* Its tree is empty. */
static void conclude(pk_service *service)
{
    pk_error *error = &service->last_error;
    carry_settle(service->process);
    journal_finish(service);
    service->last = *pk_process_result(service->process);
    service->has_last = true;
    pk_output *output = output_take(service->process, error);
    if (output && pk_output_check(output, error) >= 0)
        error->number = 0;
    pk_output_free(output);
    incarnation_drop(service);
    service_tell(
        service,
        (pk_service_event){.kind = PK_SERVICE_ENDED, .result = &service->last, .error = error->number ? error : NULL});
    service_feed_empty(service);
}

/* A callback of the command may have freed the process: whether anything is left of it, nobody knows any more. */
static void on_freed(void *data)
{
    pk_service *service = data;
    service->process = NULL;
    incarnation_drop(service);
    carry_explain(-ECANCELED, &service->last_error);
    service->has_last = false;
    if (service->machine.after == AFTER_RENEWAL)
        service_feed(service, MACHINE_UNWANTED); /* it cannot be renewed without that proof */
    service_feed_empty(service);
}

/* Of a pipeline, any stage counts, whoever was the culprit. */
static bool is_unkillable(const pk_process *process)
{
    for (size_t i = 0; i < pk_process_stage_count(process); i++)
        if (pk_process_stage_result(process, i)->verdict == PK_VERDICT_UNKILLABLE)
            return true;
    return false;
}

static size_t name_members(const pk_result *result, char *names, size_t used, size_t size)
{
    char name[64];
    if (result->verdict != PK_VERDICT_UNKILLABLE)
        return used;
    for (int i = 0; i < result->leftover_count && i < PK_RESULT_LEFTOVERS && used < size; i++)
        used += (size_t)snprintf(names + used, size - used, "%s%s (pid %d)", used ? ", " : "",
                                 pk_format_text(result->leftovers[i].name, name, sizeof(name)),
                                 (int)result->leftovers[i].pid);
    return used;
}

/* Members that cannot be killed are in uninterruptible sleep: when that is over, they are gone. */
static void be_stuck(pk_service *service)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < pk_process_stage_count(service->process); i++)
        used = name_members(pk_process_stage_result(service->process, i), names, used, sizeof(names));
    service->stuck = true;
    service->stuck_pause = MOST_STUCK_PAUSE;
    service->stuck_until = pk_deadline(service->stuck_pause);
    service_tell(service, (pk_service_event){.kind = PK_SERVICE_STUCK, .text = names});
    service_feed(service, MACHINE_EXITED);
}

/* Nothing is waited for: there are others to look after. */
static void look_whether_stuck(pk_service *service)
{
    kill_all(service);
    service->stuck_until = pk_deadline(service->stuck_pause);
    service->stuck_pause = time_earlier(service->stuck_pause * 2, MOST_STUCK_PAUSE);
    if (!is_empty(service))
        return;
    if (!service->refused) {
        conclude(service);
        return;
    }
    incarnation_drop(service);
    service_feed_refusal(service);
}

static void on_leader_ended(pk_service *service)
{
    service->leader_ended = true;
    health_hear_last_words(service);
    if (service->command->leftovers == PK_LEFTOVERS_WAIT)
        return; /* it goes on as long as any member does */
    health_ask_no_more(service);
    if (!pk_process_result(service->process))
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_LEADER_ENDED});
    service_feed(service, MACHINE_EXITED);
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    pk_service *service = data;
    if (event == PK_EVENT_LEADER_EXITED)
        on_leader_ended(service);
    if (event != PK_EVENT_ENDED)
        return;
    process_unwatch(process);
    health_hear_last_words(service);
    health_ask_no_more(service);
    if (is_unkillable(process))
        be_stuck(service);
    else
        conclude(service);
}

/* A second signal would be taken for impatience: it is sent only if that makes the end come sooner. */
void incarnation_stop(pk_service *service)
{
    health_ask_no_more(service);
    const pk_stop_options *options = service->unwanted && service->stop_options.size ? &service->stop_options : NULL;
    if (!service->process || service->stuck)
        return;
    bool ends = true;
    for (size_t i = 0; ends && i < pk_process_stage_count(service->process); i++)
        ends = run_ends_as_soon(&pk_process_stage(service->process, i)->run, options);
    if (!ends)
        pk_process_stop(service->process, options, NULL);
}

/* ---- The start -------------------------------------------------------------------------------------------------- */

static void on_line(pk_process *process, const pk_line *line, void *data)
{
    pk_service *service = data;
    journal_write(service, line);
    health_hear_line(service, line);
    for (size_t i = 0; i < SERVICE_LISTENERS; i++)
        if (service->listeners[i].fd == line->fd && service->listeners[i].callback)
            service->listeners[i].callback(process, line, service->listeners[i].data);
}

/* The command's own callback for that stream is called by ours. */
static void listen_to(pk_service *service, pk_command *command, int fd)
{
    struct listener *listener = service->listeners;
    while (listener->fd != 0 && listener->fd != fd)
        listener++;
    if (listener->fd == fd)
        return;
    const struct descriptor *descriptor = command_find_descriptor(command, fd);
    *listener = (struct listener){.fd = fd};
    if (descriptor && descriptor->uses) {
        listener->callback = descriptor->uses->on_line;
        listener->data = descriptor->uses->line_data;
    }
    pk_command_on_line(command, fd, on_line, service);
}

static int assemble(pk_service *service, pk_command *command, pk_error *error)
{
    memset(service->listeners, 0, sizeof(service->listeners));
    int r = journal_open(service, error);
    if (r == 0)
        r = health_begin(service, command, error);
    if (r < 0)
        return r;
    if (log_is_open(&service->log)) {
        listen_to(service, command, 1);
        listen_to(service, command, 2);
    }
    if (service->now.by == READY_BY_LINE || service->now.by == READY_BY_FD)
        listen_to(service, command, service->now.fd);
    return 0;
}

static int launch(pk_service *service, pk_error *error)
{
    pk_auto(pk_command) command = pk_command_copy(service->command);
    if (!command)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start service %s", service->name);
    int r = assemble(service, command, error);
    if (r == 0)
        r = process_start(command, STDIO_UNATTENDED, &service->process, error);
    if (r < 0)
        return r;
    service->process->on_free = on_freed;
    service->process->free_data = service;
    return pk_process_watch(service->process, service->supervisor->loop, on_event, service, error);
}

/* It runs, and cannot be watched: its tree is ended, and looked at until it is empty. */
static int end_what_cannot_be_watched(pk_service *service)
{
    health_end(service);
    service->refused = service->stuck = true;
    service->stuck_pause = FIRST_STUCK_PAUSE;
    service->stuck_until = 0;
    return 0;
}

int incarnation_start(pk_service *service)
{
    pk_error error;
    service->text[0] = '\0';
    service->ready_pause = 0;
    service->alive_misses = 0;
    service->error_number = 0;
    service->leader_ended = false;
    service->now = service->sign;
    service->last_error.number = 0;
    int r = launch(service, &error);
    service->pid = service->process ? pk_process_pid(service->process) : 0;
    if (r < 0) {
        service->last_error = error;
        if (service->process)
            return end_what_cannot_be_watched(service);
        incarnation_drop(service);
        return r;
    }
    if (service->machine.state == PK_SERVICE_STARTING)
        health_expect(service);
    else
        incarnation_stop(service); /* a callback of the command has said so before there was anything to stop */
    return 1;
}

/* ---- Times ------------------------------------------------------------------------------------------------------ */

pk_time incarnation_wake(const pk_service *service)
{
    return time_earlier(service->stuck_until, health_wake(service));
}

void incarnation_on_time(pk_service *service, pk_time now)
{
    if (now >= service->stuck_until)
        look_whether_stuck(service);
    health_on_time(service, now);
}
