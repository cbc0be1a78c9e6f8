/*
 * A loop carries a run: what the run waits for is watched, and each step's events are reported.
 */
#include "base/error.h"
#include "contain/owner.h"
#include "process/process.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

struct process_watch {
    pk_process *process; /* NULL: freed inside the callback */
    pk_loop *loop;
    pk_process_callback callback;
    void *data;
    unsigned reported; /* events, as bits */
    bool busy;         /* below a callback: who frees the process then leaves this to us */
    struct loop_watch fds[RUN_FDS];
    bool watched[RUN_FDS];
    int guard; /* a pidfd of the guardian, our own since an epoll takes each descriptor only once; or -1 */
    struct loop_timer timer;
};

/* ---- Following what the run waits for --------------------------------------------------------------------------- */

static void on_fd(struct loop_watch *fd_watch, int fd, uint32_t events, void *data);

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

static int follow(struct process_watch *watch)
{
    const struct run *run = &watch->process->run;
    struct pollfd wanted[RUN_FDS];
    pk_time wake = run_interest(run, wanted);

    if (run->reached & ~watch->reported)
        wake = 0; /* something to report: at once, but from the loop */
    for (int i = 0; i < RUN_FDS; i++) {
        if (wanted[i].fd < 0)
            continue;
        int fd = followable(watch, i, wanted[i].fd);
        if (fd == -ESRCH)
            continue;
        if (fd < 0)
            return fd;
        /* The same bits mean the same to both calls. */
        int r = loop_watch_add(watch->loop, &watch->fds[i], fd, (uint32_t)wanted[i].events, on_fd, watch);
        if (r < 0)
            return r;
        watch->watched[i] = true;
    }
    return loop_timer_set(&watch->timer, wake);
}

/* ---- Stepping --------------------------------------------------------------------------------------------------- */

/* Reports what is new, each event once and in this order. False if the callback freed the process. */
static bool report(struct process_watch *watch)
{
    static const pk_event order[] = {PK_EVENT_LEADER_EXITED, PK_EVENT_TREE_EMPTY, PK_EVENT_ENDED};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        unsigned bit = RUN_REACHED(order[i]);
        if (!(watch->process->run.reached & bit) || (watch->reported & bit))
            continue;
        watch->reported |= bit;
        watch->callback(watch->process, order[i], watch->data);
        if (!watch->process)
            return false;
    }
    return true;
}

static void release(struct process_watch *watch)
{
    sys_close_safe(watch->guard);
    free(watch);
}

static void step(struct process_watch *watch)
{
    watch->busy = true;
    unfollow(watch);
    int r = run_advance(&watch->process->run);
    if (!report(watch)) {
        release(watch);
        return;
    }
    watch->busy = false;
    /* What cannot be looked at or watched now, for want of descriptors or memory, is tried again shortly. */
    if (follow(watch) < 0 || r < 0)
        loop_timer_set(&watch->timer, pk_deadline(PK_MILLISECONDS(10)));
}

static void on_fd(struct loop_watch *fd_watch, int fd, uint32_t events, void *data)
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

/* ---- The handle's side ------------------------------------------------------------------------------------------ */

int pk_process_watch(pk_process *process, pk_loop *loop, pk_process_callback callback, void *data, pk_error *error)
{
    int r = group_check_owner(process->run.group, error);
    if (r < 0)
        return r;
    if (process->watch)
        return error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_LOOP, NULL, "the process is watched already");
    struct process_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot watch a process");
    *watch = (struct process_watch){.process = process, .loop = loop, .callback = callback, .data = data, .guard = -1};
    r = loop_timer_add(loop, &watch->timer, PK_FOREVER, on_time, watch);
    if (r == 0) {
        r = follow(watch);
        if (r < 0) {
            unfollow(watch);
            loop_timer_remove(&watch->timer);
        }
    }
    if (r < 0) {
        release(watch);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot watch a process");
    }
    process->watch = watch;
    return 0;
}

void process_unwatch(pk_process *process)
{
    struct process_watch *watch = process->watch;
    if (!watch)
        return;
    process->watch = NULL;
    unfollow(watch);
    loop_timer_remove(&watch->timer);
    watch->process = NULL;
    if (!watch->busy)
        release(watch);
}

int pk_process_stop(pk_process *process, const pk_stop_options *options, pk_error *error)
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
    struct process_watch *watch = process->watch;
    if (watch && !watch->busy)
        unfollow(watch);
    run_stop(run, &checked);
    if (watch && !watch->busy && follow(watch) < 0)
        loop_timer_set(&watch->timer, pk_deadline(PK_MILLISECONDS(10)));
    return 0;
}
