/*
 * A loop carries a process: what it waits for is watched, and each step's events are reported.
 *
 * What the run waits for changes from step to step, and is watched anew each time. Its streams, its input and its token
 * stay watched as long as they are waited for: bytes should cost no more than reading them.
 */
#include "base/error.h"
#include "base/time.h"
#include "contain/owner.h"
#include "process/carry.h"
#include "process/company.h"
#include "process/trace.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* A descriptor that stays watched. */
struct part {
    struct loop_watch watch;
    struct process_watch *whole;
    int fd;   /* that is waited for; -1: none */
    int copy; /* what is watched in its place, since an epoll takes each descriptor only once; -1: itself */
    short events;
};

struct process_watch {
    pk_process *process;
    pk_loop *loop;
    pk_process_callback callback;
    void *data;
    unsigned reported; /* events, as bits */
    struct loop_watch fds[RUN_FDS];
    bool watched[RUN_FDS];
    int guard;   /* a pidfd of the guardian, our own; or -1 */
    bool stale;  /* what is waited for has changed since it was followed */
    bool behind; /* lines were read that nobody has got yet */
    struct loop_timer timer;
    size_t part_count;
    struct part parts[]; /* as carry_interest has them, without those of the run */
};

/* ---- What the run waits for ------------------------------------------------------------------------------------- */

static void on_run_fd(struct loop_watch *fd_watch, int fd, uint32_t events, void *data);

/* What stands in a poll, or what stands for it in an epoll. */
static int followable(struct process_watch *watch, int index, int fd)
{
    if (index != RUN_GUARD_FD || fd < 0 || watch->process->run.leader->reaper)
        return fd;
    if (watch->guard < 0)
        watch->guard = owner_open_guard(watch->process->run.group->site);
    return watch->guard;
}

/* Before each step: a step may close what is watched. */
static void unfollow(struct process_watch *watch)
{
    for (int i = 0; i < RUN_FDS; i++) {
        if (watch->watched[i])
            loop_watch_remove(&watch->fds[i]);
        watch->watched[i] = false;
    }
}

static int follow_run(struct process_watch *watch, const struct pollfd *wanted)
{
    for (int i = 0; i < RUN_FDS; i++) {
        if (wanted[i].fd < 0)
            continue;
        int fd = followable(watch, i, wanted[i].fd);
        if (fd == -ESRCH)
            continue;
        if (fd < 0)
            return fd;
        /* The same bits mean the same to both calls. */
        int r = loop_watch_add(watch->loop, &watch->fds[i], fd, (uint32_t)wanted[i].events, on_run_fd, watch);
        if (r < 0)
            return r;
        watch->watched[i] = true;
    }
    return 0;
}

/* ---- Parts ------------------------------------------------------------------------------------------------------ */

static void on_part_fd(struct loop_watch *fd_watch, int fd, uint32_t events, void *data);

static void unfollow_part(struct part *part)
{
    loop_watch_remove(&part->watch);
    part->copy = sys_close_safe(part->copy);
    part->fd = -1;
}

/* A token's descriptor may be watched for several processes in one loop. */
static int follow_part(struct part *part, const struct pollfd *wanted, bool shared)
{
    if (part->fd == wanted->fd && part->events == wanted->events)
        return 0;
    unfollow_part(part);
    if (wanted->fd < 0)
        return 0;
    if (shared) {
        part->copy = sys_fcntl(wanted->fd, F_DUPFD_CLOEXEC, 3);
        if (part->copy < 0)
            return part->copy;
    }
    int r = loop_watch_add(part->whole->loop, &part->watch, shared ? part->copy : wanted->fd, (uint32_t)wanted->events,
                           on_part_fd, part);
    if (r < 0) {
        part->copy = sys_close_safe(part->copy);
        return r;
    }
    part->fd = wanted->fd;
    part->events = wanted->events;
    return 0;
}

static bool is_news(const struct process_watch *watch, pk_event event)
{
    const pk_process *process = watch->process;
    bool is_new = process->run.reached & ~watch->reported & RUN_REACHED(event);
    return is_new && (event != PK_EVENT_ENDED || process->finished);
}

static const pk_event in_order[] = {PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY, PK_EVENT_ENDED};

enum { EVENTS = sizeof(in_order) / sizeof(in_order[0]) };

static bool has_news(const struct process_watch *watch)
{
    bool any = watch->behind;
    for (size_t i = 0; i < EVENTS; i++)
        any |= is_news(watch, in_order[i]);
    return any;
}

/* Watches what is waited for, and closes what was waited for long enough. */
static int follow(struct process_watch *watch)
{
    pk_process *process = watch->process;
    size_t most = carry_most(process);
    struct pollfd usual[CARRY_USUAL];
    struct pollfd *wanted = most <= CARRY_USUAL ? usual : reallocarray(NULL, most, sizeof(*wanted));
    if (!wanted)
        return -ENOMEM;
    pk_time wake = carry_interest(process, wanted);
    if (has_news(watch) || trace_is_due(process))
        wake = 0; /* at once, but from the loop */
    int r = follow_run(watch, wanted);
    for (size_t i = 0; r == 0 && i < watch->part_count; i++)
        r = follow_part(&watch->parts[i], &wanted[RUN_FDS + i], RUN_FDS + i == CARRY_CANCEL);
    if (wanted != usual)
        free(wanted);
    if (r < 0)
        return r;
    watch->stale = false;
    carry_settle(process);
    return loop_timer_set(&watch->timer, wake);
}

/* What cannot be watched now, for want of descriptors or memory, is tried again shortly. */
static void follow_or_retry(struct process_watch *watch, int r)
{
    if (follow(watch) < 0 || r < 0)
        loop_timer_set(&watch->timer, pk_deadline(PK_MILLISECONDS(10)));
}

/* ---- Stepping --------------------------------------------------------------------------------------------------- */

/* Reports what is new, each event once and in this order, after what was written before. False if a callback freed the
 * process. */
static bool report(struct process_watch *watch)
{
    pk_process *process = watch->process;
    if (has_news(watch))
        carry_owed(process);
    for (size_t i = 0; process->watch == watch && i < EVENTS; i++) {
        if (process->freed || !is_news(watch, in_order[i]))
            continue;
        watch->reported |= RUN_REACHED(in_order[i]);
        watch->callback(process, in_order[i], watch->data);
    }
    return process->watch == watch && !process->freed; /* a callback may have ended either */
}

static void catch_up(struct process_watch *watch)
{
    pk_process *process = watch->process;
    watch->behind = false;
    for (size_t i = 0; i < process->stream_count && !process->freed; i++)
        if (process->streams[i].driven)
            carry_stream(process, &process->streams[i]);
}

static void step(struct process_watch *watch)
{
    pk_process *process = watch->process;
    process_enter(process);
    unfollow(watch);
    if (watch->behind)
        catch_up(watch);
    int r = process->freed ? 0 : carry_run(process);
    if (!process->freed && report(watch))
        follow_or_retry(watch, r);
    process_leave(process);
}

static void on_run_fd(struct loop_watch *fd_watch, int fd, uint32_t events, void *data)
{
    struct process_watch *watch = data;
    (void)fd, (void)events;
    if (fd_watch == &watch->fds[RUN_GUARD_FD]) {
        unfollow(watch);
        watch->guard = sys_close_safe(watch->guard);
        owner_check_guard(watch->process->run.group->site);
    }
    step(watch);
}

static void on_time(struct loop_timer *timer, void *data)
{
    (void)timer;
    step(data);
}

/* Whether this was only about bytes, and nothing else has changed. */
static bool goes_on(const pk_process *process, size_t index, const struct part *part, enum run_phase before)
{
    bool only_bytes = index == CARRY_FEED || index >= CARRY_STREAMS;
    if (!only_bytes || before == RUN_ENDED || process->run.phase != before || part->whole->stale)
        return false;
    struct pollfd now = carry_part(process, index);
    return now.fd == part->fd && now.events == part->events;
}

static void on_part_fd(struct loop_watch *fd_watch, int fd, uint32_t events, void *data)
{
    struct part *part = data;
    struct process_watch *watch = part->whole;
    pk_process *process = watch->process;
    size_t index = (size_t)(part - watch->parts) + RUN_FDS;
    enum run_phase before = process->run.phase;
    (void)fd_watch, (void)fd, (void)events;
    process_enter(process);
    if (index == CARRY_FEED)
        feed_advance(&process->feed);
    else if (index == CARRY_COMPANY)
        process->company->advance(process->company);
    else if (index >= CARRY_STREAMS)
        carry_stream(process, &process->streams[index - CARRY_STREAMS]);
    if (!process->freed && !goes_on(process, index, part, before))
        step(watch);
    process_leave(process);
}

/* ---- The handle's side ------------------------------------------------------------------------------------------ */

static struct process_watch *new_watch(pk_process *process, pk_loop *loop, pk_process_callback callback, void *data)
{
    size_t count = carry_most(process) - RUN_FDS;
    struct process_watch *watch = calloc(1, sizeof(*watch) + count * sizeof(watch->parts[0]));
    if (!watch)
        return NULL;
    watch->process = process;
    watch->loop = loop;
    watch->callback = callback;
    watch->data = data;
    watch->guard = -1;
    watch->part_count = count;
    for (size_t i = 0; i < count; i++) {
        watch->parts[i].whole = watch;
        watch->parts[i].fd = watch->parts[i].copy = -1;
    }
    return watch;
}

static void free_watch(struct process_watch *watch)
{
    unfollow(watch);
    for (size_t i = 0; i < watch->part_count; i++)
        unfollow_part(&watch->parts[i]);
    loop_timer_remove(&watch->timer);
    sys_close_safe(watch->guard);
    free(watch);
}

int pk_process_watch(pk_process *process, pk_loop *loop, pk_process_callback callback, void *data, pk_error *error)
{
    int r = group_check_owner(process->run.group, error);
    if (r < 0)
        return r;
    if (process->watch)
        return error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_LOOP, NULL, "the process is watched already");
    struct process_watch *watch = new_watch(process, loop, callback, data);
    if (!watch)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot watch a process");
    watch->behind = carry_unpull(process);
    process->watch = watch;
    r = loop_timer_add(loop, &watch->timer, PK_FOREVER, on_time, watch);
    if (r == 0)
        r = follow(watch);
    if (r == 0)
        return 0;
    process_unwatch(process);
    return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot watch a process");
}

pk_loop *process_loop(const pk_process *process)
{
    return process->watch ? process->watch->timer.loop : NULL;
}

void process_unwatch(pk_process *process)
{
    if (process->watch)
        free_watch(process->watch);
    process->watch = NULL;
}

void process_unfollow(pk_process *process)
{
    if (!process->watch)
        return;
    unfollow(process->watch);
    process->watch->stale = true;
}

/* Whoever is busy with it does so in the end. */
void process_refollow(pk_process *process)
{
    process_unfollow(process);
    if (process->watch && process->busy == 0)
        follow_or_retry(process->watch, 0);
}

int process_stop_alone(pk_process *process, const pk_stop_options *options, pk_error *error)
{
    struct run *run = &process->run;
    pk_stop_options checked;
    int r = group_check_owner(run->group, error);
    if (r == 0)
        r = group_check_stop(options ? options : &run->stop, &checked, error);
    if (r == 0 && checked.spare)
        r = error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                      "invalid stop options: a run cannot end with its leader spared (see pk_group_stop)");
    if (r < 0)
        return r;
    process_unfollow(process);
    run_catch_up(run);
    process_enter(process);
    run_stop(run, REASON_STOPPED, &checked);
    trace_tell(process);
    if (process_leave(process))
        process_refollow(process);
    return 0;
}

int pk_process_stop(pk_process *process, const pk_stop_options *options, pk_error *error)
{
    process_enter(process);
    int r = process_stop_alone(process, options, error);
    if (r == 0 && process->company && !process->freed)
        process->company->stop(process->company, options);
    if (process_leave(process) && r == 0) /* a forked copy must leave the loop alone */
        process_refollow(process);
    return r;
}
