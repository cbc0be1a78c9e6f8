/*
 * Asking a probe on a loop.
 */
#include "supervise/inquiry.h"

#include "base/error.h"
#include "base/time.h"
#include "process/task.h"

#include <processkit/parse.h>
#include <processkit/retry.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

PK_PRINTF(2, 3) static void refuse(struct inquiry *inquiry, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(inquiry->refusal, sizeof(inquiry->refusal), format, arguments);
    va_end(arguments);
}

static void unwatch(struct inquiry *inquiry)
{
    loop_watch_remove(&inquiry->watch);
    inquiry->watched = -1;
}

static void answer(struct inquiry *inquiry, int number)
{
    inquiry->asked = false;
    loop_timer_set(&inquiry->timer, PK_FOREVER);
    inquiry->callback(inquiry, number, inquiry->data); /* the inquiry may be gone */
}

/* What is short in this process or on this machine. A limit on watches is -ENOSPC; nothing that is asked is. */
static bool is_shortage(int number)
{
    return number == -EMFILE || number == -ENFILE || number == -ENOMEM || number == -ENOBUFS || number == -ENOSPC;
}

/* Whoever has got no answer for another reason has got none from the service. */
static int judge_errno(int number)
{
    return is_shortage(number) ? INQUIRY_UNASKED : INQUIRY_BAD;
}

/* ---- Connections, paths and callbacks --------------------------------------------------------------------------- */

static void advance(struct inquiry *inquiry);

static void on_descriptor(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    advance(data);
}

/* A descriptor that was closed has left the loop by itself, but its number may be that of the next. */
static int follow(struct inquiry *inquiry)
{
    struct pollfd fd;
    unwatch(inquiry);
    pk_time wake = probe_interest(&inquiry->asking, &fd);
    int r = loop_watch_add(inquiry->loop, &inquiry->watch, fd.fd, (uint32_t)(unsigned short)fd.events, on_descriptor,
                           inquiry);
    if (r < 0)
        return r;
    inquiry->watched = fd.fd;
    return loop_timer_set(&inquiry->timer, wake);
}

/* The probe's own rhythm is not used: what it would ask again after a pause is an answer here. A callback that is asked
 * may end the inquiry: then nobody waits for its answer any more. */
static void advance(struct inquiry *inquiry)
{
    unsigned ended = inquiry->ended;
    unwatch(inquiry); /* before it is closed */
    int r = probe_advance(&inquiry->asking, sys_now());
    if (inquiry->ended != ended)
        return;
    if (r == 0 && inquiry->asking.fd >= 0) {
        r = follow(inquiry);
        if (r == 0)
            return;
        unwatch(inquiry);
        probe_stop(&inquiry->asking); /* the next question is another one */
    }
    if (r < 0)
        refuse(inquiry, "%s", error_text(r));
    else if (r == 0)
        refuse(inquiry, "%s", probe_refusal(&inquiry->asking));
    inquiry->asking.wake = 0;
    answer(inquiry, r < 0 && inquiry->probe->nature != PROBE_OF_CALLBACK ? judge_errno(r) : r);
}

/* ---- Commands --------------------------------------------------------------------------------------------------- */

/* One that could not be started may be so for the same want, or be busy being written. */
static int judge_error(const pk_error *error)
{
    return pk_error_is_transient(error) || error->kind == PK_ERROR_NO_MEMORY ? INQUIRY_UNASKED : INQUIRY_BAD;
}

static void on_task(pk_task *task, int number, const pk_error *error, void *data)
{
    struct inquiry *inquiry = data;
    inquiry->task = pk_task_free(task);
    if (inquiry->lingers) {
        inquiry->lingers = false;
        loop_timer_set(&inquiry->timer, inquiry->next);
        return;
    }
    if (number < 0)
        refuse(inquiry, "%s", error->message);
    answer(inquiry, number < 0 ? judge_error(error) : INQUIRY_GOOD);
}

static void ask_command(struct inquiry *inquiry)
{
    pk_error error;
    int r = pk_command_submit(inquiry->probe->command, PK_VERB_CHECK, inquiry->loop, on_task, inquiry, &inquiry->task,
                              &error);
    if (r == 0) {
        loop_timer_set(&inquiry->timer, pk_deadline(inquiry->patience));
        return;
    }
    refuse(inquiry, "%s", error.message);
    answer(inquiry, judge_error(&error));
}

/* It is not waited for: one that cannot be killed, on a file system that does not answer, would hold up everything. Who
 * traces it may end the inquiry. */
static void give_up_command(struct inquiry *inquiry)
{
    static const pk_stop_options at_once = {.size = sizeof(pk_stop_options), .signal_number = SIGKILL};
    unsigned ended = inquiry->ended;
    char time[32];
    inquiry->lingers = true;
    inquiry->next = PK_FOREVER;
    task_stop(inquiry->task, &at_once);
    if (inquiry->ended != ended)
        return;
    refuse(inquiry, "%s has not ended within %s", pk_command_program(inquiry->probe->command),
           pk_format_duration(inquiry->patience, time, sizeof(time)));
    answer(inquiry, INQUIRY_BAD);
}

/* ---- Heartbeats ------------------------------------------------------------------------------------------------- */

static bool was_touched(const struct inquiry *inquiry, const struct timespec *changed)
{
    return inquiry->touched.tv_sec != changed->tv_sec || inquiry->touched.tv_nsec != changed->tv_nsec;
}

/* A file that is not there beats as little as one that is not touched. */
static void ask_heartbeat(struct inquiry *inquiry)
{
    struct stat status = {0};
    pk_time now = sys_now();
    int r = sys_fstatat(AT_FDCWD, inquiry->probe->place, &status, 0);
    bool first = inquiry->seen == 0, changed = r == 0 && was_touched(inquiry, &status.st_mtim);
    if (first || changed)
        inquiry->seen = now;
    if (r == 0)
        inquiry->touched = status.st_mtim;
    inquiry->anew &= first || !changed;
    bool beats = !inquiry->anew && now - inquiry->seen <= inquiry->probe->most;
    if (!beats && r < 0)
        refuse(inquiry, "%s: %s", error_text(r), inquiry->probe->place);
    else if (!beats)
        refuse(inquiry, "%s was not touched", inquiry->probe->place);
    answer(inquiry, beats ? INQUIRY_GOOD : judge_errno(r));
}

/* ---- Questions -------------------------------------------------------------------------------------------------- */

static void ask(struct inquiry *inquiry)
{
    inquiry->asked = true;
    if (inquiry->probe->nature == PROBE_OF_COMMAND)
        ask_command(inquiry);
    else if (inquiry->probe->nature == PROBE_OF_HEARTBEAT)
        ask_heartbeat(inquiry);
    else
        advance(inquiry);
}

static void on_time(struct loop_timer *timer, void *data)
{
    struct inquiry *inquiry = data;
    (void)timer;
    if (!inquiry->asked)
        ask(inquiry);
    else if (inquiry->task)
        give_up_command(inquiry);
    else
        advance(inquiry);
}

int inquiry_begin(struct inquiry *inquiry, pk_loop *loop, pk_probe *probe, pk_duration patience,
                  inquiry_callback callback, void *data, pk_error *error)
{
    bool asks = probe->nature != PROBE_OF_COMMAND && probe->nature != PROBE_OF_HEARTBEAT;
    *inquiry = (struct inquiry){
        .loop = loop, .callback = callback, .data = data, .patience = patience, .watched = -1, .ended = inquiry->ended};
    int r = asks ? probe_begin(probe, &inquiry->asking, error) : 0;
    if (r < 0)
        return r;
    inquiry->asking.patience = patience;
    r = loop_timer_add(loop, &inquiry->timer, PK_FOREVER, on_time, inquiry);
    if (r < 0) {
        if (asks)
            probe_end(&inquiry->asking);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot ask a probe");
    }
    inquiry->probe = probe_ref(probe);
    return 0;
}

void inquiry_ask(struct inquiry *inquiry, pk_time when)
{
    if (!inquiry->probe || inquiry->asked)
        return;
    inquiry->next = when;
    if (!inquiry->lingers)
        loop_timer_set(&inquiry->timer, when);
}

const char *inquiry_refusal(const struct inquiry *inquiry)
{
    return inquiry->refusal;
}

void inquiry_end(struct inquiry *inquiry)
{
    if (!inquiry->probe)
        return;
    if (inquiry->watched >= 0)
        unwatch(inquiry);
    inquiry->task = pk_task_free(inquiry->task);
    loop_timer_remove(&inquiry->timer);
    if (inquiry->probe->nature != PROBE_OF_COMMAND && inquiry->probe->nature != PROBE_OF_HEARTBEAT)
        probe_end(&inquiry->asking);
    pk_probe_free(inquiry->probe);
    inquiry->probe = NULL;
    inquiry->ended++;
}
