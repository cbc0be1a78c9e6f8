/*
 * A process is over when its run has ended and its streams have: after the last member only what is in the pipes is
 * left to read. Whoever still holds a stream then was spared or has escaped, and is not waited for any longer than the
 * command says; but what was written before is read, at the pace of those it is passed on to.
 */
#include "process/carry.h"

#include "base/error.h"
#include "base/time.h"
#include "contain/owner.h"
#include "process/company.h"
#include "process/trace.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Before the end --------------------------------------------------------------------------------------------- */

static bool is_going_on(const struct run *run)
{
    return run->phase == RUN_RUNNING || run->phase == RUN_WAITING;
}

void carry_stream(pk_process *process, struct stream *stream)
{
    if (stream_advance(stream) > 0 && process->idle_timeout)
        process->last_output = sys_now();
    carry_judge(process, stream);
}

void carry_judge(pk_process *process, struct stream *stream)
{
    if (process->freed || stream->overflow != PK_OVERFLOW_KILL || !stream_is_over(stream))
        return;
    process_unfollow(process);
    run_kill(&process->run, REASON_OVERFLOW);
    trace_tell(process);
}

static pk_time idle_deadline(const pk_process *process)
{
    bool counts = process->idle_timeout && is_going_on(&process->run);
    return counts ? time_add(process->last_output, process->idle_timeout) : PK_FOREVER;
}

static bool has_unread_bytes(const pk_process *process)
{
    for (size_t i = 0; i < process->stream_count; i++) {
        const struct stream *stream = &process->streams[i];
        int count = 0;
        bool reads = stream->driven && !stream->at_end && !stream_is_held(stream);
        if (reads && sys_readable_bytes(stream->fd, &count) == 0 && count > 0)
            return true;
    }
    return false;
}

/* That nobody has come to read it yet is no silence. */
static bool is_idle(pk_process *process, pk_time now)
{
    if (now < idle_deadline(process))
        return false;
    if (!has_unread_bytes(process))
        return true;
    process->last_output = now;
    return false;
}

/* Whether there was one. */
static bool look_at_reasons(pk_process *process, pk_time now)
{
    struct run *run = &process->run;
    if (!is_going_on(run))
        return false;
    if (process->cancel && pk_cancel_is_set(process->cancel))
        run_stop(run, REASON_CANCELLED, &run->stop);
    else if (is_idle(process, now))
        run_stop(run, REASON_IDLE, &run->stop);
    else
        return false;
    return true;
}

/* ---- After the end ---------------------------------------------------------------------------------------------- */

/* Passes on what was written before now, but not what somebody holds up. */
static void pass_owed(pk_process *process, struct stream *stream)
{
    uint64_t before;
    stream_owe(stream);
    do {
        before = stream->total;
        carry_stream(process, stream);
    } while (!process->freed && stream->total != before && stream->total < stream->owed);
}

void carry_owed(pk_process *process)
{
    for (size_t i = 0; process->run.phase != RUN_ENDED && i < process->stream_count && !process->freed; i++)
        if (process->streams[i].driven && !process->streams[i].ended)
            pass_owed(process, &process->streams[i]);
}

static void begin_drain(pk_process *process, pk_time now)
{
    process->draining = true;
    process->drained = time_add(now, process->drain);
    process->feed.done = true;
    for (size_t i = 0; i < process->stream_count && !process->freed; i++) {
        struct stream *stream = &process->streams[i];
        if (!stream->driven || stream->ended)
            continue;
        pass_owed(process, stream);
    }
}

static bool may_wait_for(const pk_process *process, const struct stream *stream, pk_time now)
{
    bool owes = stream->total < stream->owed || stream_is_held(stream);
    return now < process->drained || (owes && now < process->run.deadline);
}

/* What the streams say about the run. */
static void judge_streams(pk_process *process)
{
    pk_result *result = &process->run.result;
    bool own = result->verdict == PK_VERDICT_EXITED || result->verdict == PK_VERDICT_SIGNALLED;
    for (size_t i = 0; own && i < process->stream_count; i++)
        if (stream_is_over(&process->streams[i]))
            result->verdict = PK_VERDICT_OVERFLOW;
}

static void drain(pk_process *process, pk_time now)
{
    if (!process->draining)
        begin_drain(process, now);
    bool all = true;
    for (size_t i = 0; i < process->stream_count && !process->freed; i++) {
        struct stream *stream = &process->streams[i];
        if (!stream->driven || stream->ended)
            continue;
        if (!may_wait_for(process, stream, now))
            stream_cut(stream);
        all &= stream->ended;
    }
    if (all && !process->freed && process->company)
        all = process->company->look(process->company);
    if (!all || process->freed)
        return;
    judge_streams(process);
    if (process->company)
        process->company->conclude(process->company);
    process->finished = true;
    trace_end(process);
    process_end_taps(process);
}

/* ---- Carrying on ------------------------------------------------------------------------------------------------ */

int carry_run(pk_process *process)
{
    /* What has ended by itself has done so for no other reason, however late that is looked at. */
    int r = run_advance(&process->run);
    if (r == 0 && look_at_reasons(process, sys_now()))
        r = run_advance(&process->run);
    if (process->company)
        process->company->look(process->company);
    if (process->run.phase == RUN_ENDED && !process->finished && !process->freed)
        drain(process, sys_now());
    trace_tell(process);
    return r;
}

bool carry_unpull(pk_process *process)
{
    bool any = false;
    for (size_t i = 0; i < process->stream_count; i++) {
        any |= process->streams[i].pulled;
        process->streams[i].pulled = false;
    }
    return any;
}

/* And for nothing else any more. */
static bool waits_for_company(const pk_process *process)
{
    for (size_t i = 0; process->company && i < process->stream_count; i++)
        if (process->streams[i].driven && !process->streams[i].ended)
            return false;
    return process->company;
}

static pk_time next_wake(const pk_process *process)
{
    if (process->run.phase != RUN_ENDED)
        return idle_deadline(process);
    if (process->finished || (process->draining && waits_for_company(process)))
        return PK_FOREVER;
    if (!process->draining) /* it ended outside of what carries it on */
        return 0;
    pk_time now = sys_now();
    return now < process->drained ? process->drained : process->run.deadline;
}

size_t carry_most(const pk_process *process)
{
    return CARRY_STREAMS + process->stream_count;
}

static struct pollfd cancel_interest(const pk_process *process)
{
    bool cancellable = process->cancel && is_going_on(&process->run);
    return (struct pollfd){.fd = cancellable ? pk_cancel_fd(process->cancel) : -1, .events = POLLIN};
}

static struct pollfd company_interest(const pk_process *process)
{
    bool goes_along = process->company && !process->finished;
    return (struct pollfd){.fd = goes_along ? process->company->fd : -1, .events = POLLIN};
}

struct pollfd carry_part(const pk_process *process, size_t index)
{
    if (index == CARRY_FEED)
        return feed_interest(&process->feed);
    if (index == CARRY_COMPANY)
        return company_interest(process);
    return index == CARRY_CANCEL ? cancel_interest(process) : stream_interest(&process->streams[index - CARRY_STREAMS]);
}

pk_time carry_interest(pk_process *process, struct pollfd *fds)
{
    process->run_wake = run_interest(&process->run, fds);
    process->run_wake = time_earlier(process->run_wake, next_wake(process));
    for (size_t i = CARRY_FEED; i < carry_most(process); i++)
        fds[i] = carry_part(process, i);
    return process->run_wake;
}

static bool run_is_due(const pk_process *process, const struct pollfd *fds)
{
    bool fired = !fds || fds[CARRY_CANCEL].revents || fds[CARRY_COMPANY].revents;
    for (int i = 0; i < RUN_FDS && !fired; i++)
        fired = fds[i].revents;
    return fired || process->run.phase == RUN_ENDED || sys_now() >= process->run_wake;
}

void carry_settle(pk_process *process)
{
    feed_settle(&process->feed);
    for (size_t i = 0; i < process->stream_count; i++)
        stream_settle(&process->streams[i]);
}

/* Where one has come to its end the others mostly have too: who ends closes all of them. */
static void advance_streams(pk_process *process, const struct pollfd *fds)
{
    bool all = !fds;
    for (size_t i = 0; i < process->stream_count && !process->freed; i++) {
        struct stream *stream = &process->streams[i];
        if (!stream->driven || stream->ended || !(all || fds[CARRY_STREAMS + i].revents))
            continue;
        carry_stream(process, stream);
        all |= stream->at_end;
    }
}

static int advance(pk_process *process, const struct pollfd *fds)
{
    if (process->finished || process->freed)
        return 0;
    if (fds && fds[RUN_GUARD_FD].revents)
        owner_check_guard(process->run.group->site);
    if (!fds || fds[CARRY_FEED].revents)
        feed_advance(&process->feed);
    if (process->company && (!fds || fds[CARRY_COMPANY].revents))
        process->company->advance(process->company);
    advance_streams(process, fds);
    int r = !process->freed && run_is_due(process, fds) ? carry_run(process) : 0;
    if (!process->freed)
        carry_settle(process);
    return r;
}

int carry_look(pk_process *process, const struct pollfd *fds)
{
    process_enter(process);
    int r = advance(process, fds);
    return process_leave(process) ? r : -ECANCELED;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

int carry_check(const pk_process *process, pk_error *error)
{
    int r = group_check_owner(process->run.group, error);
    if (r == 0 && process->watch)
        r = error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_WAIT, NULL,
                      "cannot wait for a process that a loop watches");
    if (r == 0 && process->busy > 0)
        r = error_set(error, -EDEADLK, PK_ERROR_INVALID, PK_STEP_WAIT, NULL,
                      "cannot wait for a process from one of its own callbacks");
    return r;
}

int carry_explain(int number, pk_error *error)
{
    if (number == -ECANCELED)
        return error_set(error, number, PK_ERROR_INVALID, PK_STEP_WAIT, NULL,
                         "a callback has freed the process that was waited for");
    return error_errno(error, number, PK_STEP_WAIT, NULL, "cannot wait for a process");
}

static int poll_until(struct pollfd *fds, size_t count, pk_time until)
{
    struct timespec timeout = time_to_timespec(time_left(until, sys_now()));
    int r = sys_ppoll(fds, count, until == PK_FOREVER ? NULL : &timeout);
    return r == -EINTR ? 0 : r;
}

static int pump_with(pk_process *process, struct pollfd *fds, struct pollfd *extra, pk_time until)
{
    size_t count = carry_most(process);
    pk_time wake = carry_interest(process, fds);
    fds[count] = extra ? *extra : (struct pollfd){.fd = -1};
    int r = poll_until(fds, count + 1, time_earlier(wake, until));
    if (r < 0)
        return r;
    if (extra)
        extra->revents = fds[count].revents;
    return carry_look(process, fds);
}

int carry_pump(pk_process *process, struct pollfd *extra, pk_time until)
{
    struct pollfd usual[CARRY_USUAL];
    size_t count = carry_most(process) + 1;
    struct pollfd *fds = count <= CARRY_USUAL ? usual : reallocarray(NULL, count, sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    int r = pump_with(process, fds, extra, until);
    if (fds != usual)
        free(fds);
    return r;
}
