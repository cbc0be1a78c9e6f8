/*
 * One run of a service, from its start until its tree is empty: when it is ready, whether it is well, how it ends.
 */
#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "process/carry.h"
#include "process/command.h"
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

#define READY_FIRST_PAUSE   PK_MILLISECONDS(10)
#define READY_LONGEST_PAUSE PK_MILLISECONDS(100)
#define READY_PATIENCE      PK_SECONDS(1)
#define READY_PATIENCE_LONG PK_SECONDS(10) /* for a command */
#define STUCK_PAUSE         PK_SECONDS(1)

pk_group *incarnation_group(const pk_service *service)
{
    pk_group *trunk = pk_process_pipeline_group(service->process);
    return trunk ? trunk : pk_process_group(service->process);
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

/* Members that cannot be killed are in uninterruptible sleep: when that is over, they are gone. */
static void be_stuck(pk_service *service)
{
    char names[256] = "", name[64];
    size_t used = 0;
    const pk_result *result = pk_process_result(service->process);
    for (int i = 0; i < result->leftover_count && i < PK_RESULT_LEFTOVERS && used < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s (pid %d)", i ? ", " : "",
                                 pk_format_text(result->leftovers[i].name, name, sizeof(name)),
                                 (int)result->leftovers[i].pid);
    service->stuck = true;
    service->stuck_until = pk_deadline(STUCK_PAUSE);
    service_tell(service, (pk_service_event){.kind = PK_SERVICE_STUCK, .text = names});
    service_feed(service, MACHINE_EXITED);
}

static void look_whether_stuck(pk_service *service)
{
    service->stuck_until = pk_deadline(STUCK_PAUSE);
    pk_group_kill(incarnation_group(service), NULL);
    if (pk_group_is_empty(incarnation_group(service), NULL) <= 0)
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
    if (pk_process_result(process)->verdict == PK_VERDICT_UNKILLABLE)
        be_stuck(service);
    else
        conclude(service);
}

void incarnation_stop(pk_service *service)
{
    health_ask_no_more(service);
    const pk_stop_options *options = service->unwanted && service->stop_options.size ? &service->stop_options : NULL;
    if (service->process && !service->stuck)
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
    health_expect(service);
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
