/*
 * Whether a service is ready, and well: what it says of itself, what is asked, and what has not come in time.
 */
#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "process/command.h"
#include "supervise/supervise.h"
#include "sys/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define COMMAND_PATIENCE PK_SECONDS(10) /* for its answer whether the service is ready */

/* ---- What it says of itself ------------------------------------------------------------------------------------- */

static void be_ready(pk_service *service)
{
    bool reloaded = service->reloading;
    service->reloading = false;
    if (service->machine.state == PK_SERVICE_STARTING)
        service_feed(service, MACHINE_IS_READY);
    else if (reloaded)
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_IS_READY});
}

static void be_late(pk_service *service, const char *why)
{
    if (service->machine.state != PK_SERVICE_STARTING)
        return;
    service_tell(service, (pk_service_event){.kind = PK_SERVICE_NOT_READY, .text = why});
    service_feed(service, MACHINE_LATE);
}

static void be_sick(pk_service *service, const char *why)
{
    if (service->machine.state != PK_SERVICE_READY && service->machine.state != PK_SERVICE_STARTING)
        return;
    service->not_well++;
    service_tell(service, (pk_service_event){.kind = PK_SERVICE_NOT_WELL, .text = why});
    service_feed(service, MACHINE_SICK);
}

static bool says_ready(const pk_service *service, const pk_line *line)
{
    const struct ready_sign *sign = &service->now;
    if (line->fd != sign->fd || service->machine.state != PK_SERVICE_STARTING)
        return false;
    if (sign->by == READY_BY_FD)
        return line->end == PK_LINE_LF || line->end == PK_LINE_CRLF;
    return sign->by == READY_BY_LINE && (!sign->match || sign->match(line, sign->data));
}

void health_hear_line(pk_service *service, const pk_line *line)
{
    if (says_ready(service, line))
        be_ready(service);
}

static void hear_status(pk_service *service, const struct notify_word *word)
{
    if (!word->has_status)
        return;
    text_copy(service->text, sizeof(service->text), word->status);
    service_tell(service, (pk_service_event){.kind = PK_SERVICE_SAYS, .text = service->text});
}

static void hear_watchdog(pk_service *service, const struct notify_word *word)
{
    if (word->watchdog_usec > 0)
        service->watchdog_time = time_from_microseconds(word->watchdog_usec);
    if ((word->watchdog || word->watchdog_usec > 0) && service->machine.state == PK_SERVICE_READY &&
        service->watchdog_time > 0)
        service->fed_by = pk_deadline(service->watchdog_time);
    if (word->watchdog_trigger)
        be_sick(service, "it says so itself");
}

/* What it answers while it does is no longer asked; its watchdog goes on. */
static void wind_down(pk_service *service)
{
    inquiry_end(&service->alive_inquiry);
    service->alive_from = PK_FOREVER;
    service->winding_down = true;
    service_tell(service, (pk_service_event){.kind = PK_SERVICE_STOPS});
}

/* The later of two times: it is no way to be given up earlier. */
static void extend(pk_service *service, uint64_t microseconds)
{
    pk_time extended = pk_deadline(time_from_microseconds(microseconds));
    if (microseconds > 0 && service->machine.state == PK_SERVICE_STARTING && extended > service->ready_by)
        service->ready_by = extended;
}

static void on_word(const struct notify_word *word, void *data)
{
    pk_service *service = data;
    if (!service->process || service->stuck)
        return;
    hear_status(service, word);
    if (word->error_number > 0)
        service->error_number = word->error_number;
    extend(service, word->extend_usec);
    if (word->reloading && !service->reloading) {
        service->reloading = true;
        service_tell(service, (pk_service_event){.kind = PK_SERVICE_RELOADS});
    }
    bool reloaded = service->reloading && service->machine.state == PK_SERVICE_READY;
    if (word->ready && (service->now.by == READY_BY_NOTIFY || reloaded))
        be_ready(service);
    if (word->stopping)
        wind_down(service);
    hear_watchdog(service, word);
    service_set_timer(service);
}

/* Whether that process is of its tree: as notify.h asks it. */
static int is_member(pid_t pid, void *data)
{
    pk_service *service = data;
    return service->process ? incarnation_has_member(service, pid) : -ESRCH;
}

/* ---- What is asked ---------------------------------------------------------------------------------------------- */

static void on_ready_answer(struct inquiry *inquiry, int answer, void *data)
{
    pk_service *service = data;
    if (answer == INQUIRY_GOOD) {
        be_ready(service);
        return;
    }
    if (answer < 0) {
        be_late(service, inquiry_refusal(inquiry));
        return;
    }
    service->ready_pause = probe_next_pause(service->ready_pause);
    inquiry_ask(inquiry, pk_deadline(service->ready_pause));
}

static void on_alive_answer(struct inquiry *inquiry, int answer, void *data)
{
    pk_service *service = data;
    if (answer != INQUIRY_UNASKED)
        service->alive_misses = answer == INQUIRY_GOOD ? 0 : service->alive_misses + 1;
    if (answer < 0 || service->alive_misses >= service->alive_now.failures)
        be_sick(service, inquiry_refusal(inquiry));
    else
        inquiry_ask(inquiry, pk_deadline(service->alive_now.interval));
}

static int begin_to_ask_whether_ready(pk_service *service, pk_error *error)
{
    pk_duration patience = service->ready_probe->nature == PROBE_OF_COMMAND ? COMMAND_PATIENCE : PROBE_ATTEMPT;
    int r = inquiry_begin(&service->ready_inquiry, service->supervisor->loop, service->ready_probe, patience,
                          on_ready_answer, service, error);
    service->ready_inquiry.anew = true;
    inquiry_ask(&service->ready_inquiry, 0);
    return r;
}

/* For want of memory this may fail, which says nothing of the service: it is tried again when the next question would
 * come. */
static void begin_to_ask_whether_alive(pk_service *service, pk_time first)
{
    pk_error error;
    int r = inquiry_begin(&service->alive_inquiry, service->supervisor->loop, service->alive_probe,
                          service->alive.timeout, on_alive_answer, service, &error);
    service->alive_now = service->alive;
    service->alive_from = r < 0 ? pk_deadline(service->alive.interval) : PK_FOREVER;
    if (r == 0)
        inquiry_ask(&service->alive_inquiry, first);
}

void health_watch(pk_service *service)
{
    service->ready_by = PK_FOREVER;
    if (service->watchdog_time > 0)
        service->fed_by = pk_deadline(service->watchdog_time);
    if (service->alive_probe)
        begin_to_ask_whether_alive(service, pk_deadline(service->alive.interval));
}

/* ---- The beginning and the end ---------------------------------------------------------------------------------- */

static void unset_unless_said(pk_command *command, const char *name)
{
    if (!pk_command_getenv(command, name))
        pk_command_unsetenv(command, name);
}

/* What the owner itself was given is not for its children. */
static int give_socket(pk_service *service, pk_command *command, pk_error *error)
{
    char number[32];
    service->watchdog_time = service->watchdog;
    unset_unless_said(command, "WATCHDOG_PID");
    unset_unless_said(command, "WATCHDOG_USEC");
    unset_unless_said(command, "NOTIFY_SOCKET");
    if (!service->notifies)
        return 0;
    int r = notify_open(&service->notify, service->supervisor->loop, on_word, is_member, service, error);
    if (r < 0)
        return r;
    service->has_notify = true;
    if (command->has_uid)
        service->notify.user = command->uid;
    pk_command_setenv(command, "NOTIFY_SOCKET", service->notify.address);
    snprintf(number, sizeof(number), "%" PRIu64, service->watchdog / PK_MICROSECONDS(1));
    if (service->watchdog > 0)
        pk_command_setenv(command, "WATCHDOG_USEC", number);
    return 0;
}

int health_begin(pk_service *service, pk_command *command, pk_error *error)
{
    int r = give_socket(service, command, error);
    if (r == 0 && service->now.by == READY_BY_PROBE)
        r = begin_to_ask_whether_ready(service, error);
    return r;
}

void health_expect(pk_service *service)
{
    service->ready_by = service->now.by == READY_BY_END ? PK_FOREVER : pk_deadline(service->ready_timeout);
}

void health_hear_last_words(pk_service *service)
{
    if (service->has_notify)
        notify_read(&service->notify);
}

void health_ask_no_more(pk_service *service)
{
    inquiry_end(&service->ready_inquiry);
    inquiry_end(&service->alive_inquiry);
    service->ready_by = service->fed_by = service->alive_from = PK_FOREVER;
    service->overdue = false;
}

void health_end(pk_service *service)
{
    health_ask_no_more(service);
    if (service->has_notify)
        notify_close(&service->notify);
    service->has_notify = false;
    service->reloading = service->winding_down = false;
}

/* ---- Times ------------------------------------------------------------------------------------------------------ */

/* Whoever runs timers that are due has looked at the clock already: a time that comes later than that is not one of
 * them, however soon it is, and descriptors are read first. */
static pk_time next_round(void)
{
    return time_add(sys_now(), 1);
}

pk_time health_wake(const pk_service *service)
{
    pk_time judged = service->overdue ? next_round() : time_earlier(service->ready_by, service->fed_by);
    return time_earlier(judged, service->alive_from);
}

static const char *why_not_ready(const pk_service *service)
{
    switch (service->now.by) {
    case READY_BY_PROBE:
        return inquiry_refusal(&service->ready_inquiry);
    case READY_BY_LINE:
        return "it has not written such a line";
    case READY_BY_FD:
        return "it has not written a line feed";
    default:
        return "it has not said so";
    }
}

/* What it has said in time may not have been read yet, since the owner was stopped perhaps. So the loop goes round once
 * more before it is judged. */
static bool was_given_time(pk_service *service)
{
    bool given = service->overdue;
    service->overdue = !given;
    health_hear_last_words(service);
    return given;
}

void health_on_time(pk_service *service, pk_time now)
{
    if (now >= service->alive_from)
        begin_to_ask_whether_alive(service, now);
    if (now < service->ready_by && now < service->fed_by)
        service->overdue = false;
    else if (!was_given_time(service))
        return;
    if (now >= service->ready_by)
        be_late(service, why_not_ready(service));
    else if (now >= service->fed_by)
        be_sick(service, "its watchdog was not fed");
}
