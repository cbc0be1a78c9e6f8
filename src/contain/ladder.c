/*
 * The teardown ladder.
 */
#include "contain/ladder.h"

#include "base/error.h"
#include "base/time.h"
#include "contain/backend.h"
#include "contain/broadcast.h"
#include "contain/counters.h"
#include "contain/group.h"
#include "contain/late-child.h"
#include "contain/members.h"
#include "contain/proc.h"
#include "sys/sys.h"
#include "sys/usdt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* How long the end of a group may take: whoever frees a handle is not to be held up for long. */
#define END_BOUND PK_MILLISECONDS(100)

/* How often members are counted after a hard kill that takes long. */
#define COUNT_INTERVAL PK_SECONDS(1)

/* ---- What it stands on: a group, or one leader in it ------------------------------------------------------------ */

static int target_count(struct ladder *ladder)
{
    if (ladder->only)
        return leader_look(ladder->only, true) == 0;
    return members_count(ladder->group);
}

/* Needs the lock. 1 when nothing is left. */
static int target_look(struct ladder *ladder, pk_time now)
{
    if (ladder->only)
        return leader_look(ladder->only, true);
    return drain_look(&ladder->drain, ladder->group, now);
}

static int signal_target(struct ladder *ladder, int signal_number, pid_t skip_pgid)
{
    if (!ladder->only)
        return ladder->group->backend->signal(ladder->group, signal_number, skip_pgid);
    if (broadcast_skips(ladder->only->pid, skip_pgid))
        return 0;
    int r = leader_signal(ladder->only, signal_number);
    return r == -ESRCH ? 0 : r;
}

/* Who was stopped, by a terminal or a debugger, could not obey. */
static int target_signal(struct ladder *ladder)
{
    const pk_stop_options *options = &ladder->options;
    int signal_number = options->signal_number;
    int r = signal_target(ladder, signal_number, options->skip_pgid);
    if (signal_number != SIGCONT && signal_number != SIGSTOP && signal_number != SIGTSTP)
        (void)signal_target(ladder, SIGCONT, 0);
    return r;
}

static int target_kill(struct ladder *ladder)
{
    pk_group *group = ladder->group;
    if (!ladder->only) {
        group->kills++;
        group->suspended = false;
        return group->backend->kill(group);
    }
    int r = leader_signal(ladder->only, SIGKILL);
    return r == -ESRCH ? 0 : r;
}

/* ---- Telling ---------------------------------------------------------------------------------------------------- */

/* In probes, where there are any: 0 for the whole group. */
static inline int target_pid(const struct ladder *ladder)
{
    return ladder->only ? ladder->only->pid : 0;
}

static void tell_end(const struct ladder *ladder)
{
    const pk_stop_report *report = &ladder->report;
    if (ladder->result == -EBUSY && ladder->patient) {
        counter_add(COUNTER_UNKILLABLE);
        USDT(unkillable, ladder->group, target_pid(ladder), report->elapsed);
    } else if (report->spared) {
        USDT(spared, ladder->group, target_pid(ladder));
    } else if (ladder->result == 0) {
        USDT(drained, ladder->group, target_pid(ladder), report->elapsed, (int)report->escalated);
    }
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

static void go_hard(struct ladder *ladder, pk_time now)
{
    pthread_mutex_lock(ladder->group->lock);
    ladder->repeat = target_kill(ladder) > 0; /* whether it worked is seen by what is left */
    pthread_mutex_unlock(ladder->group->lock);
    ladder->drain.killed = true;
    ladder->phase = LADDER_HARD;
    ladder->report.escalated = true;
    ladder->next = time_add(now, COUNT_INTERVAL);
    ladder->left = SIZE_MAX;
    ladder->progressed = now;
    counter_add(COUNTER_HARD_KILLS);
    USDT(hard_kill, ladder->group, target_pid(ladder));
}

/* Standing still it could not obey; nor if that stands still which it is a part of. */
static void let_go_on(pk_group *group)
{
    for (; group; group = group->trunk)
        if (group->suspended && group->backend->resume(group) == 0)
            group->suspended = false;
}

static void send_soft(struct ladder *ladder)
{
    pk_group *group = ladder->group;

    /* No child may be half born while the group is frozen for the signal; a kill from another thread need not wait. */
    pthread_mutex_lock(group->birth);
    pthread_mutex_lock(group->lock);
    int r = target_signal(ladder);
    if (!ladder->only)
        let_go_on(group);
    pthread_mutex_unlock(group->lock);
    pthread_mutex_unlock(group->birth);

    ladder->soft_signals++;
    counter_add(COUNTER_SOFT_SIGNALS);
    USDT(soft_signal, ladder->group, target_pid(ladder), ladder->options.signal_number, r);
    ladder->report.signal_sent = ladder->options.signal_number;
    if (ladder->report.signal_error == 0)
        ladder->report.signal_error = r;
}

static void finish(struct ladder *ladder, pk_time now, int result)
{
    ladder->phase = LADDER_OVER;
    ladder->result = result;
    ladder->report.elapsed = now - ladder->started;
    if (ladder->count && (result < 0 || ladder->report.spared)) {
        pthread_mutex_lock(ladder->group->lock);
        ladder->report.members_after = target_count(ladder);
        pthread_mutex_unlock(ladder->group->lock);
    }
    drain_end(&ladder->drain);
    tell_end(ladder);
}

void ladder_begin(struct ladder *ladder, pk_group *group, struct leader *only, const pk_stop_options *options,
                  bool count)
{
    *ladder = (struct ladder){
        .group = group,
        .only = only,
        .options = *options,
        .count = count,
        .started = sys_now(),
        .patient = true,
        .drain = DRAIN_INIT,
    };
    if (!only) /* nobody has looked yet what there is to wait for: whoever waits elsewhere begins with that */
        ladder->drain.wake = ladder->started;
    if (count) {
        pthread_mutex_lock(group->lock);
        ladder->report.members_before = target_count(ladder);
        pthread_mutex_unlock(group->lock);
    }

    if (options->grace == 0) {
        go_hard(ladder, ladder->started);
        return;
    }
    send_soft(ladder);
    ladder->phase = LADDER_SOFT;
    ladder->next = time_add(ladder->started, options->grace);
}

void ladder_hasten(struct ladder *ladder, const pk_stop_options *options)
{
    pk_time now = sys_now();
    if (ladder->phase != LADDER_SOFT)
        return;
    if (options->grace == 0) {
        go_hard(ladder, now);
        return;
    }
    ladder->options.signal_number = options->signal_number;
    ladder->options.skip_pgid = options->skip_pgid;
    send_soft(ladder);
    ladder->next = time_earlier(ladder->next, time_add(now, options->grace));
}

/*
 * cgroup.kill sends its signal to the main *thread* of each process. Where that has ended while other threads go on,
 * the kernel drops it, and the process lives (seen on Linux 6.18). By pidfd the signal goes to the process. When
 * nothing else is left, the sentinel is such a process; the list, read after its pidfd was opened, confirms who it is.
 */
static void kill_headless(struct ladder *ladder)
{
    const struct drain *drain = &ladder->drain;
    struct proc_stat stat;
    if (drain->sentinel < 0 || proc_stat_read(drain->sentinel_pid, &stat) < 0)
        return;
    if (stat.state == 'Z' && stat.threads > 1 && group_lists(ladder->group, drain->sentinel_pid) > 0)
        sys_pidfd_send_signal(drain->sentinel, SIGKILL);
}

/* Needs the lock. What the first kill did not reach. */
static void kill_again(struct ladder *ladder)
{
    if (ladder->only)
        return;
    if (ladder->repeat)
        target_kill(ladder);
    kill_headless(ladder);
}

/* After the hard kill: counts what is left, from time to time, and says whether it is worth waiting longer. */
static bool is_worth_waiting(struct ladder *ladder, pk_time now)
{
    struct pids pids = {0};
    if (!ladder->patient)
        return false;
    if (!ladder->only) {
        pthread_mutex_lock(ladder->group->lock);
        ladder->group->backend->list(ladder->group, &pids);
        pthread_mutex_unlock(ladder->group->lock);
    }
    if (pids.count < ladder->left && ladder->left != SIZE_MAX)
        ladder->progressed = now;
    ladder->left = pids.count;
    ladder->next = time_add(now, COUNT_INTERVAL);
    pids_free(&pids);
    return now < time_add(ladder->progressed, LADDER_KILL_BOUND);
}

bool ladder_advance(struct ladder *ladder)
{
    if (ladder->phase == LADDER_OVER || ladder->phase == LADDER_IDLE)
        return ladder->phase == LADDER_OVER;

    pk_time now = sys_now();
    pthread_mutex_lock(ladder->group->lock);
    int r = target_look(ladder, now);
    if (r == 0 && ladder->phase == LADDER_HARD)
        kill_again(ladder);
    pthread_mutex_unlock(ladder->group->lock);

    if (r > 0) {
        ladder->report.drained = ladder->phase == LADDER_SOFT;
        finish(ladder, now, 0);
        return true;
    }
    if (now < ladder->next)
        return false; /* not empty, or not to be told just now: for want of a descriptor, say */
    if (ladder->phase == LADDER_HARD && is_worth_waiting(ladder, now))
        return false;
    if (ladder->phase == LADDER_HARD) {
        finish(ladder, now, r < 0 ? r : -EBUSY);
        return true;
    }
    if (ladder->options.spare) {
        pk_group_spare(ladder->group);
        ladder->report.spared = true;
        finish(ladder, now, 0);
        return true;
    }
    go_hard(ladder, now);
    return ladder_advance(ladder);
}

pk_time ladder_wake(const struct ladder *ladder)
{
    return time_earlier(ladder->next, ladder->drain.wake);
}

void ladder_end(struct ladder *ladder)
{
    drain_end(&ladder->drain);
    ladder->phase = LADDER_IDLE;
}

/* ---- Waiting here ----------------------------------------------------------------------------------------------- */

static int wait_for_drain(const struct drain *drain, pk_time until)
{
    struct pollfd fds[2];
    drain_poll(drain, fds);
    struct timespec timeout = time_to_timespec(time_left(until, sys_now()));
    int r = sys_ppoll(fds, 2, &timeout);
    return r == -EINTR || r > 0 ? 0 : r;
}

int ladder_run(struct ladder *ladder)
{
    while (!ladder_advance(ladder)) {
        int r = wait_for_drain(&ladder->drain, ladder_wake(ladder));
        if (r < 0) {
            finish(ladder, sys_now(), r);
            break;
        }
    }
    return ladder->result;
}

int ladder_wait_empty(pk_group *group, pk_time deadline)
{
    struct drain drain = DRAIN_INIT;
    int r;
    for (;;) {
        pk_time now = sys_now();
        pthread_mutex_lock(group->lock);
        r = drain_look(&drain, group, now);
        pthread_mutex_unlock(group->lock);
        if (r != 0)
            break;
        r = now >= deadline ? -ETIMEDOUT : wait_for_drain(&drain, time_earlier(deadline, drain.wake));
        if (r < 0)
            break;
    }
    drain_end(&drain);
    return r < 0 ? r : 0;
}

static const pk_stop_options at_once = {.size = sizeof(at_once)};

void ladder_kill(pk_group *group)
{
    struct ladder ladder;
    ladder_begin(&ladder, group, NULL, &at_once, false);
    ladder_advance(&ladder);
    ladder_end(&ladder);
}

static void kill_group(pk_group *group)
{
    struct ladder ladder;
    ladder_begin(&ladder, group, NULL, &at_once, false);
    ladder.patient = false;
    ladder.next = time_add(ladder.started, END_BOUND);
    ladder_run(&ladder);
}

void ladder_end_group(pk_group *group)
{
    pthread_mutex_lock(group->lock);
    bool spared = group->spared;
    bool closed = group->backend->close(group, false) == 0;
    pthread_mutex_unlock(group->lock);

    if (!closed && !spared)
        kill_group(group);

    pthread_mutex_lock(group->lock);
    pk_time deadline = closed || !spared ? time_add(sys_now(), END_BOUND) : 0;
    for (struct leader *leader = group->leaders; leader; leader = leader->next) {
        leader_collect(leader, deadline);
        if (!spared)
            leader_leave(leader);
    }
    group->backend->abandon(group);
    pthread_mutex_unlock(group->lock);
    late_child_tidy();
}

int ladder_explain(pk_group *group, int number, pk_error *error)
{
    if (number != -EBUSY)
        return error_errno(error, number, PK_STEP_DRAIN, NULL, "cannot tell whether the group is empty");
    char names[256];
    members_format(group, names, sizeof(names));
    return error_set(error, number, PK_ERROR_TEARDOWN, PK_STEP_DRAIN, NULL,
                     "cannot end the group: still there after the hard kill: %s", names);
}
