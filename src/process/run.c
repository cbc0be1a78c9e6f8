/*
 * The states of a run.
 *
 *     RUNNING  --leader ended, tree empty----------------------> ENDED
 *              --leader ended, leftovers: wait-----------------> WAITING
 *              --leader ended, leftovers: kill, fail-----------> STOPPING (hard)
 *              --deadline, or the owner stops it---------------> STOPPING
 *     WAITING  --tree empty------------------------------------> ENDED
 *              --deadline, or the owner stops it---------------> STOPPING
 *     STOPPING --ladder over and leader ended------------------> ENDED
 */
#include "process/run.h"

#include "base/time.h"
#include "contain/group.h"
#include "contain/members.h"
#include "contain/owner.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>
#include <string.h>

void run_look_before(struct run_before *before, pk_group *group, bool private_group, const pk_command *command)
{
    *before = (struct run_before){.started = sys_now(), .losses = owner_guard_losses(group->site)};
    pthread_mutex_lock(group->lock);
    group_limiting(group)->wants_evidence |= command->evidence;
    bool counts_alone = private_group && !group->trunk;
    if (!counts_alone && group_has_evidence(group))
        group_read_evidence(group, &before->evidence);
    pthread_mutex_unlock(group->lock);
}

void run_begin(struct run *run, pk_group *group, bool private_group, struct leader *leader, const pk_command *command,
               const struct run_before *before)
{
    *run = (struct run){
        .group = group,
        .private_group = private_group,
        .leader = leader,
        .started = before->started,
        .losses = before->losses,
        .evidence_before = before->evidence,
        .deadline = command->timeout ? time_add(before->started, command->timeout) : PK_FOREVER,
        .stop = command->stop,
        .leftovers = command->leftovers,
        .ok_codes = command->ok_codes,
        .drain = DRAIN_INIT,
    };
    if (run->stop.signal_number == 0)
        run->stop.signal_number = SIGTERM;
    run->result.mechanism = pk_group_mechanism(group);
    run->result.guarantees = pk_group_guarantees(group);
    run->result.delegation = pk_group_delegation(group);
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Whether nobody else is counted with it. */
static bool counts_alone(const struct run *run)
{
    return run->private_group && !run->group->trunk;
}

/* In a group that others share, whom the kernel killed is known only of the leader. */
static bool was_out_of_memory(const struct run *run)
{
    const pk_result *result = &run->result;
    bool leader_killed = result->leader_ending == PK_ENDING_SIGNALLED && result->signal_number == SIGKILL;
    return result->evidence.oom_cause != PK_OOM_CAUSE_NONE && (counts_alone(run) || leader_killed);
}

/* Where the kernel counts what a limit above refused as well (before Linux 6.11), the peak tells whose limit it was. */
static bool was_out_of_pids(const struct run *run)
{
    const pk_evidence *evidence = &run->result.evidence;
    const pk_usage *usage = &run->result.usage;
    if (!counts_alone(run) || evidence->pids_max == 0 || evidence->pids_refused == 0)
        return false;
    return usage->pids_source != PK_SOURCE_CGROUP || usage->pids_peak >= evidence->pids_max;
}

static pk_verdict judge(const struct run *run)
{
    static const pk_verdict verdicts[] = {
        [REASON_TIMED_OUT] = PK_VERDICT_TIMED_OUT, [REASON_STOPPED] = PK_VERDICT_STOPPED,
        [REASON_IDLE] = PK_VERDICT_IDLE,           [REASON_CANCELLED] = PK_VERDICT_CANCELLED,
        [REASON_OVERFLOW] = PK_VERDICT_OVERFLOW,
    };
    const pk_result *result = &run->result;
    if (run->ladder.phase == LADDER_OVER && run->ladder.result < 0)
        return PK_VERDICT_UNKILLABLE;
    if (run->reason != REASON_NONE)
        return verdicts[run->reason];
    if (result->leader_ending == PK_ENDING_LOST)
        return PK_VERDICT_LOST;
    bool failed = result->leader_ending == PK_ENDING_SIGNALLED || !result->ok_code;
    if (failed && was_out_of_memory(run))
        return PK_VERDICT_OOM_KILLED;
    if (failed && was_out_of_pids(run))
        return PK_VERDICT_PIDS_LIMIT;
    if (result->leader_ending == PK_ENDING_SIGNALLED)
        return PK_VERDICT_SIGNALLED;
    if (run->leftovers == PK_LEFTOVERS_FAIL && result->leftover_count > 0 && result->ok_code)
        return PK_VERDICT_LEFTOVERS;
    return PK_VERDICT_EXITED;
}

/* Needs the lock. The tree's figures where a private group can give them, the leader's otherwise. */
static void read_usage(struct run *run)
{
    pk_usage *usage = &run->result.usage;
    if (run->private_group)
        run->group->backend->usage(run->group, usage);
    if (usage->cpu_source == PK_SOURCE_UNAVAILABLE && run->leader->ended && !run->leader->lost) {
        usage->cpu_source = PK_SOURCE_RUSAGE;
        usage->cpu_user = run->leader->cpu_user;
        usage->cpu_system = run->leader->cpu_system;
    }
}

/* Needs the lock. What cannot be read is unavailable: the run has ended all the same. */
static void read_evidence(struct run *run)
{
    struct evidence evidence;
    if (!group_has_evidence(run->group))
        return;
    group_read_evidence(run->group, &evidence);
    evidence_subtract(&evidence, &run->evidence_before);
    evidence_tell(&evidence, &group_limiting(run->group)->limits, &run->result.evidence);
}

/* The guardian may have been lost without anybody being woken by it. */
static void look_at_guard(struct run *run)
{
    owner_check_guard(run->group->site);
    run->result.guard_losses = owner_guard_losses(run->group->site) - run->losses + leader_lost_reaper(run->leader);
    run->result.guarantees &= pk_group_guarantees(run->group);
}

/* A controller that somebody took away has taken its limits along. */
static void look_at_limits(struct run *run)
{
    const pk_evidence *evidence = &run->result.evidence;
    bool gone = (evidence->memory_max && evidence->memory_source == PK_SOURCE_UNAVAILABLE) ||
                (evidence->pids_max && evidence->pids_source == PK_SOURCE_UNAVAILABLE) ||
                (evidence->cpu_max != 0 && evidence->cpu_source == PK_SOURCE_UNAVAILABLE);
    if (gone)
        run->result.guarantees &= ~(unsigned)PK_GUARANTEE_LIMITS;
}

static void end(struct run *run, pk_time now)
{
    if (run->result.guarantees & PK_GUARANTEE_OWNER_DEATH)
        look_at_guard(run);
    run->result.wall = now - run->started;
    pthread_mutex_lock(run->group->lock);
    read_usage(run);
    read_evidence(run);
    pthread_mutex_unlock(run->group->lock);
    look_at_limits(run);
    run->result.verdict = judge(run);
    run->phase = RUN_ENDED;
    run->reached |= RUN_REACHED(PK_EVENT_ENDED);
    drain_end(&run->drain);
}

/* ---- The leader ------------------------------------------------------------------------------------------------- */

static void take_leader_end(struct run *run, pk_time now)
{
    const struct leader *leader = run->leader;
    pk_result *result = &run->result;

    result->leader_wall = now - run->started;
    if (leader->lost) {
        result->leader_ending = PK_ENDING_LOST;
    } else if (leader->signalled) {
        result->leader_ending = PK_ENDING_SIGNALLED;
        result->signal_number = leader->value;
        result->core_dumped = leader->core_dumped;
    } else {
        result->leader_ending = PK_ENDING_EXITED;
        result->exit_code = leader->value;
        result->ok_code = code_set_has(&run->ok_codes, leader->value);
    }
    run->reached |= RUN_REACHED(PK_EVENT_LEADER_EXITED);
    run_note(run, PK_TRACE_LEADER_EXITED);
}

static bool leader_has_ended(const struct run *run)
{
    return run->reached & RUN_REACHED(PK_EVENT_LEADER_EXITED);
}

static int look_at_leader(struct run *run, pk_time now)
{
    bool known = leader_has_ended(run);
    if (known && !run->leader->stand_in) /* which goes on with what it has left */
        return 0;
    pthread_mutex_lock(run->group->lock);
    int r = leader_look(run->leader, group_keeps_zombies(run->group));
    pthread_mutex_unlock(run->group->lock);
    if (r > 0 && !known)
        take_leader_end(run, now);
    return r < 0 ? r : 0;
}

/* ---- The ladder ------------------------------------------------------------------------------------------------- */

/* What the ladder has done since it was last looked at. */
static void note_steps(struct run *run)
{
    const struct ladder *ladder = &run->ladder;
    if (ladder->report.signal_sent != 0)
        run->result.soft_signal = ladder->report.signal_sent;
    if (ladder->soft_signals != run->soft_signals)
        run_note(run, PK_TRACE_SOFT_SIGNAL);
    run->soft_signals = ladder->soft_signals;
    if (ladder->report.escalated && !run->escalated)
        run_note(run, PK_TRACE_HARD_KILL);
    run->escalated = ladder->report.escalated;
}

static void climb(struct run *run, enum run_reason reason, const pk_stop_options *options)
{
    static const pk_trace_kind kinds[] = {
        [REASON_TIMED_OUT] = PK_TRACE_TIMED_OUT, [REASON_STOPPED] = PK_TRACE_STOPPED,   [REASON_IDLE] = PK_TRACE_IDLE,
        [REASON_CANCELLED] = PK_TRACE_CANCELLED, [REASON_OVERFLOW] = PK_TRACE_OVERFLOW,
    };
    drain_end(&run->drain);
    run->reason = reason;
    if (reason != REASON_NONE)
        run_note(run, kinds[reason]);
    ladder_begin(&run->ladder, run->group, run->private_group ? NULL : run->leader, options, false);
    note_steps(run);
    run->phase = RUN_STOPPING;
}

/* Not before the leader's end: it was one of them. */
static void find_empty(struct run *run)
{
    run->reached |= RUN_REACHED(PK_EVENT_TREE_EMPTY);
    run_note(run, PK_TRACE_TREE_EMPTY);
}

static const pk_stop_options kill_at_once = {.size = sizeof(kill_at_once), .signal_number = SIGTERM};

/* Those there are now: leftovers, or who did not end by the hard kill. Needs the lock. */
static void note_members(struct run *run)
{
    int count = members_read(run->group, run->result.leftovers, PK_RESULT_LEFTOVERS);
    run->result.leftover_count = count < 0 ? 0 : count;
}

/* It cannot be waited for yet, but what it has open it may have closed already: for others it has ended. One that is
 * gone was waited for by its reaper, who has not said so yet. */
static bool leader_is_on_the_way_out(const struct run *run)
{
    struct proc_stat stat;
    const struct leader *leader = run->leader;
    if (leader_has_ended(run) || leader->stand_in)
        return false;
    int r = proc_stat_read(leader->pid, &stat);
    return r == -ESRCH || (r == 0 && !proc_is_alive(&stat));
}

/* Who ends by itself is not stopped; only what it leaves behind is. */
static void stop_running(struct run *run, const pk_stop_options *options)
{
    bool leaves = run->phase == RUN_RUNNING && leader_is_on_the_way_out(run);
    if (leaves && run->private_group) {
        pthread_mutex_lock(run->group->lock);
        note_members(run);
        pthread_mutex_unlock(run->group->lock);
    }
    climb(run, leaves ? REASON_NONE : REASON_STOPPED, options);
}

bool run_ends_as_soon(const struct run *run, const pk_stop_options *options)
{
    const struct ladder *ladder = &run->ladder;
    pk_stop_options checked;
    if (run->phase == RUN_ENDED)
        return true;
    if (run->phase != RUN_STOPPING || group_check_stop(options ? options : &run->stop, &checked, NULL) < 0)
        return false;
    if (ladder->phase != LADDER_SOFT)
        return true;
    return checked.signal_number == ladder->options.signal_number && pk_deadline(checked.grace) >= ladder->next;
}

void run_stop(struct run *run, enum run_reason reason, const pk_stop_options *options)
{
    if (run->phase == RUN_ENDED)
        return;
    if (run->phase != RUN_STOPPING && reason == REASON_STOPPED) {
        stop_running(run, options);
        return;
    }
    if (run->phase != RUN_STOPPING) {
        climb(run, reason, options);
        return;
    }
    ladder_hasten(&run->ladder, options);
    note_steps(run);
}

void run_kill(struct run *run, enum run_reason reason)
{
    run_stop(run, reason, &kill_at_once);
}

static void stopping(struct run *run, pk_time now)
{
    bool over = ladder_advance(&run->ladder);
    note_steps(run);
    if (!over)
        return;
    bool drained = run->ladder.result == 0;
    /* Hard killed means that the kill had somebody to reach: an ending process is not counted as one. */
    if (run->ladder.report.escalated && (run->reason != REASON_NONE || run->result.leftover_count > 0))
        run->result.hard_killed = true;
    if (!drained) {
        run_note(run, PK_TRACE_UNKILLABLE);
        pthread_mutex_lock(run->group->lock);
        note_members(run);
        pthread_mutex_unlock(run->group->lock);
        end(run, now);
        return;
    }
    /* The tree is empty a moment before its leader can be waited for; the pidfd tells. */
    if (!leader_has_ended(run))
        return;
    if (run->private_group)
        find_empty(run);
    end(run, now);
}

/* ---- After the leader ------------------------------------------------------------------------------------------- */

/*
 * The leader has ended; the group may still count members. Whether they are leftovers is asked of each of them, not of
 * the clock: a process that is already on its way out is none, however long that takes under load.
 */
static int after_leader(struct run *run, pk_time now)
{
    pthread_mutex_lock(run->group->lock);
    int empty = run->group->backend->close(run->group, true) == 0;
    if (!empty)
        empty = run->group->backend->is_empty(run->group);
    if (empty == 0)
        note_members(run);
    pthread_mutex_unlock(run->group->lock);

    if (empty < 0)
        return empty;
    if (empty == 1) {
        find_empty(run);
        end(run, now);
    } else if (run->result.leftover_count > 0 && run->leftovers == PK_LEFTOVERS_ALLOW) {
        pk_group_spare(run->group);
        run->result.spared = true;
        run_note(run, PK_TRACE_SPARED);
        end(run, now);
    } else if (run->leftovers == PK_LEFTOVERS_WAIT) {
        run->phase = RUN_WAITING;
    } else {
        climb(run, REASON_NONE, &kill_at_once);
    }
    return 0;
}

static int waiting(struct run *run, pk_time now)
{
    pthread_mutex_lock(run->group->lock);
    int r = drain_look(&run->drain, run->group, now);
    pthread_mutex_unlock(run->group->lock);
    if (r > 0) {
        find_empty(run);
        end(run, now);
    }
    return r < 0 ? r : 0;
}

/* ---- Driving ---------------------------------------------------------------------------------------------------- */

static int advance_once(struct run *run, pk_time now)
{
    switch (run->phase) {
    case RUN_RUNNING:
        if (leader_has_ended(run) && run->private_group)
            return after_leader(run, now);
        if (leader_has_ended(run))
            end(run, now);
        else if (now >= run->deadline)
            climb(run, REASON_TIMED_OUT, &run->stop);
        return 0;
    case RUN_WAITING:
        if (now >= run->deadline) {
            climb(run, REASON_TIMED_OUT, &run->stop);
            return 0;
        }
        return waiting(run, now);
    case RUN_STOPPING:
        stopping(run, now);
        return 0;
    case RUN_ENDED:
        return 0;
    }
    return 0;
}

int run_advance(struct run *run)
{
    enum run_phase before;
    do { /* until nothing more is due: each phase's first look arms what is waited for in it */
        pk_time now = sys_now();
        before = run->phase;
        int r = look_at_leader(run, now);
        if (r == 0)
            r = advance_once(run, now);
        if (r < 0)
            return r;
    } while (run->phase != before);
    return 0;
}

/* A reaper tells a moment after the pidfd does. */
void run_catch_up(struct run *run)
{
    static const pk_duration moment = PK_MILLISECONDS(100);
    pk_time deadline = time_add(sys_now(), moment);
    while (run_advance(run) == 0 && !leader_has_ended(run) && run->leader->reaper &&
           sys_is_readable(run->leader->pidfd)) {
        struct pollfd fd;
        pthread_mutex_lock(run->group->lock);
        pk_duration most = leader_interest(run->leader, &fd);
        pthread_mutex_unlock(run->group->lock);
        struct timespec timeout = time_to_timespec(time_earlier(most, time_left(deadline, sys_now())));
        int r = sys_now() < deadline ? sys_ppoll(&fd, 1, &timeout) : -ETIMEDOUT;
        if (r < 0 && r != -EINTR)
            return;
    }
}

static pk_time next_time(const struct run *run)
{
    if (run->phase == RUN_STOPPING)
        return run->ladder.phase == LADDER_OVER ? PK_FOREVER : ladder_wake(&run->ladder);
    if (run->phase == RUN_WAITING)
        return time_earlier(run->deadline, run->drain.wake);
    return run->phase == RUN_RUNNING ? run->deadline : PK_FOREVER;
}

/* A run has a guardian, or a reaper. */
static struct pollfd guard_interest(const struct run *run)
{
    int fd = run->leader->reaper ? leader_guard_fd(run->leader) : owner_guard_fd(run->group->site);
    return (struct pollfd){.fd = fd, .events = POLLIN};
}

pk_time run_interest(const struct run *run, struct pollfd fds[RUN_FDS])
{
    bool draining = run->phase == RUN_WAITING || run->phase == RUN_STOPPING;
    const struct drain *drain = run->phase == RUN_WAITING ? &run->drain : &run->ladder.drain;

    pk_duration most = PK_FOREVER;
    pthread_mutex_lock(run->group->lock); /* a kill from another thread reads what a reaper says */
    fds[0] = (struct pollfd){.fd = -1};
    if (!leader_has_ended(run) || run->leader->stand_in)
        most = leader_interest(run->leader, &fds[0]);
    if (leader_has_ended(run))
        fds[0].fd = -1;
    fds[1] = fds[2] = (struct pollfd){.fd = -1};
    fds[RUN_GUARD_FD] = guard_interest(run);
    pthread_mutex_unlock(run->group->lock);
    if (draining)
        drain_poll(drain, fds + 1);
    return most == PK_FOREVER ? next_time(run) : time_earlier(next_time(run), time_add(sys_now(), most));
}

void run_end(struct run *run)
{
    drain_end(&run->drain);
    if (run->ladder.group)
        ladder_end(&run->ladder);
}
