/*
 * Starting a child: clone into place, and know for certain what became of it.
 *
 * The parent resumes when the child has exec'd or ended, so every failure is known here and now, with its step. From
 * the moment the child exists no path loses it.
 */
#include "process/spawn.h"

#include "base/error.h"
#include "base/time.h"
#include "contain/limits.h"
#include "contain/reaper-birth.h"
#include "contain/reaper-link.h"
#include "contain/stack.h"
#include "process/child.h"
#include "process/spawn-by-spawner.h"
#include "sys/sys.h"
#include "sys/usdt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

static _Atomic int best_way = WAY_INTO_CGROUP; /* of this process */

bool spawn_uses_clone_into_cgroup(void)
{
    return best_way == WAY_INTO_CGROUP;
}

enum way way_after(enum way way, int number)
{
    if (way == WAY_INTO_CGROUP && (number == -E2BIG || number == -EINVAL))
        return WAY_JOIN;
    if (way != WAY_LEGACY && (number == -ENOSYS || number == -EPERM))
        return WAY_LEGACY;
    return way;
}

/* ---- Making the child ------------------------------------------------------------------------------------------- */

struct attempt {
    struct birth birth;
    struct placement placement;
    struct birth *apart; /* the child's, if it has memory of its own; NULL otherwise */
    void *stack;
    int pidfd;
    enum way used;
    bool explained; /* why there is no child */
    bool spared;    /* the group was */
};

/* A stack of its own it needs in either case: the same one, or the copy of it. */
static int clone_by(enum way way, struct attempt *attempt)
{
    struct birth *birth = attempt->apart ? attempt->apart : &attempt->birth;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
        .pidfd = (uintptr_t)&attempt->pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uintptr_t)attempt->stack,
        .stack_size = STACK_SIZE,
    };
    if (attempt->apart) {
        args.flags &= ~(uint64_t)CLONE_VM;
        *birth = attempt->birth;
    }
    if (way == WAY_INTO_CGROUP && attempt->placement.cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)attempt->placement.cgroup_fd;
    }
    /* The size that ends before `cgroup` is the one that the first kernels with clone3 know. */
    size_t size = args.flags & CLONE_INTO_CGROUP ? CLONE_ARGS_SIZE_VER2 : CLONE_ARGS_SIZE_VER0;
    int r = way == WAY_LEGACY ? sys_clone(&args, child_run, birth) : sys_clone3(&args, size, child_run, birth);
    if (attempt->apart)
        attempt->birth = *birth;
    return r;
}

static void close_join(struct birth *birth)
{
    birth->join_fd = sys_close_safe(birth->join_fd);
    birth->count_fd = sys_close_safe(birth->count_fd);
}

static int open_join(struct attempt *attempt)
{
    struct birth *birth = &attempt->birth;
    int r = birth->join_fd = sys_openat(attempt->placement.cgroup_fd, "cgroup.procs", O_WRONLY, 0);
    birth->most = attempt->placement.most;
    if (r >= 0 && birth->most)
        r = birth->count_fd = sys_openat(attempt->placement.counted_fd, "pids.current", O_RDONLY, 0);
    if (r < 0)
        close_join(birth);
    return r < 0 ? r : 0;
}

/* One child by the best way there is. Signals are blocked meanwhile: a handler must not run in the child, which would
 * be running it in the parent's memory. */
static int clone_child(struct attempt *attempt)
{
    uint64_t mask;
    enum way way = (enum way)best_way;
    int r;

    sys_block_signals(&mask);
    for (;;) {
        r = way != WAY_INTO_CGROUP && attempt->placement.cgroup_fd >= 0 ? open_join(attempt) : 0;
        if (r < 0)
            break;
        r = clone_by(way, attempt);
        close_join(&attempt->birth);
        enum way next = r < 0 ? way_after(way, r) : way;
        if (next == way)
            break;
        way = next;
    }
    sys_restore_signals(mask);
    if (r >= 0 && (int)way > best_way)
        best_way = (int)way;
    attempt->used = way;
    return r;
}

static int make_apart(struct attempt *attempt)
{
    attempt->apart = sys_map_shared(sizeof(*attempt->apart));
    if (!attempt->apart)
        return -ENOMEM;
    int r = clone_child(attempt);
    sys_unmap(attempt->apart, sizeof(*attempt->apart));
    attempt->apart = NULL;
    return r;
}

/* Below a reaper of its own: then that is what makes it. */
static int make_by_reaper(struct attempt *attempt, struct leader *leader, pk_error *error)
{
    struct reaper_birth birth = {
        .run = child_run, .data = &attempt->birth, .stack = attempt->stack, .parent = &attempt->birth.owner_pid};
    uint64_t mask;
    sys_block_signals(&mask);
    int r = reaper_give_birth(&birth, error);
    sys_restore_signals(mask);
    attempt->pidfd = birth.pidfd;
    attempt->explained = r < 0;
    leader->reaper = birth.link;
    return r < 0 ? r : birth.pid;
}

/* Where this process may not clone to, but a spawner may. */
static int make_by_spawner(struct attempt *attempt, pk_error *error)
{
    struct errand errand = {
        .spawner = attempt->placement.spawner, .birth = &attempt->birth, .cgroup_fd = attempt->placement.cgroup_fd};
    int r = spawn_by_spawner(&errand, error);
    attempt->pidfd = errand.pidfd;
    attempt->used = errand.used;
    attempt->explained = r < 0 && !errand.refused;
    return r;
}

static int make_child(struct attempt *attempt, struct leader *leader, pk_error *error)
{
    if (attempt->placement.reaper)
        return make_by_reaper(attempt, leader, error);
    if (attempt->placement.spawner)
        return make_by_spawner(attempt, error);
    return attempt->placement.apart ? make_apart(attempt) : clone_child(attempt);
}

/* ---- What became of it ------------------------------------------------------------------------------------------ */

/* Ends and reaps a child that did not become the program. It is gone already, unless clone did not share memory. */
static void bury(struct leader *leader)
{
    sys_pidfd_send_signal(leader->pidfd, SIGKILL);
    leader_collect(leader, time_add(sys_now(), PK_SECONDS(1)));
    leader->pidfd = sys_close_safe(leader->pidfd);
    reaper_link_free(leader->reaper);
    leader->reaper = NULL;
    leader->pid = 0;
    leader->ended = leader->reaped = false;
}

/* The outcomes of one attempt beside success and plain failure. */
enum { TRY_AGAIN = 1 };

/*
 * A child that was killed before it could run at all, though nobody killed the group: what made it lives in a cgroup
 * that was once killed, and the kernel takes every child it clones into another cgroup for one that escaped the kill.
 * Joining by a write has no such comparison.
 */
static int killed_before_start(const struct attempt *attempt, pk_error *error)
{
    int r = error_set(error, -ECANCELED, PK_ERROR_SPAWN, PK_STEP_CLONE, NULL,
                      "cannot start a process: it was killed before it could run");
    return attempt->used == WAY_INTO_CGROUP ? TRY_AGAIN : r;
}

/* The next one joins. */
static void prefer_join(const struct attempt *attempt)
{
    struct spawner *spawner = attempt->placement.spawner;
    if (attempt->used == WAY_INTO_CGROUP)
        *(spawner ? &spawner->way : &best_way) = WAY_JOIN;
}

static int deleted(pk_error *error)
{
    error_set(error, -ENOENT, PK_ERROR_SPAWN, PK_STEP_CLONE, NULL,
              "cannot start a process: its cgroup is deleted again and again");
    return TRY_AGAIN;
}

/* If the group was full when the kernel refused, and is not any more, there may be room now. */
static int not_cloned(int number, bool bounded, pk_error *error)
{
    spawn_explain_clone(number, error);
    return number == -EAGAIN && bounded ? TRY_AGAIN : number;
}

static bool became_program(const struct birth *birth)
{
    return birth->error == 0 && birth->step == PK_STEP_EXEC;
}

static bool never_ran(const struct birth *birth)
{
    return birth->error == 0 && birth->step == PK_STEP_NONE;
}

/* Who has memory of its own may be chosen, or killed with the others, when the group has used up what it may. */
static bool killed_by_limit(const struct attempt *attempt)
{
    const struct placement *placement = &attempt->placement;
    bool shares_memory = !placement->apart && !placement->spawner;
    return !shares_memory && attempt->birth.error == 0 && !became_program(&attempt->birth) &&
           placement->cgroup_fd >= 0 && limits_memory_has_killed(placement->counted_fd);
}

static int judge(struct attempt *attempt, struct leader *leader, bool group_killed, pk_error *error)
{
    struct birth *birth = &attempt->birth;
    if (became_program(birth))
        return 0;

    bury(leader);
    if (birth->error < 0)
        return spawn_explain(birth->plan, birth->step, birth->error, birth->candidate, error);
    if (never_ran(birth) && !group_killed)
        return killed_before_start(attempt, error);
    return error_set(error, -ECANCELED, PK_ERROR_SPAWN, birth->step, NULL,
                     "cannot start a process: it was killed before it could become the program");
}

/* ---- One attempt ------------------------------------------------------------------------------------------------ */

static int refuse_suspended(pk_error *error)
{
    return error_set(error, -EBUSY, PK_ERROR_SPAWN, PK_STEP_CLONE, NULL,
                     "cannot start a process: the group is suspended (resume it first)");
}

/* A group that is used again is guarded again, from before the child is there: the owner may be killed at any moment.
 */
static int take_place(pk_group *group, struct attempt *attempt, unsigned *kills, pk_error *error)
{
    pthread_mutex_lock(group->lock);
    *kills = group_kills(group);
    int r =
        group_is_suspended(group) ? refuse_suspended(error) : group->backend->place(group, &attempt->placement, error);
    attempt->spared = r == 0 && group_set_spared(group, false);
    pthread_mutex_unlock(group->lock);
    attempt->birth.own_pgid = attempt->placement.own_pgid;
    return r;
}

/* The directory, under us. */
static bool was_deleted(const struct attempt *attempt, int child)
{
    return !attempt->explained && (child == -ENODEV || child == -ENOENT);
}

/* Hands the child over to the group. Returns whether the group was killed since the place was taken. */
static bool settle(pk_group *group, struct attempt *attempt, struct leader *leader, int child, unsigned kills)
{
    pthread_mutex_lock(group->lock);
    bool killed = group_kills(group) != kills;
    if (child >= 0 && never_ran(&attempt->birth) && !killed && !killed_by_limit(attempt))
        prefer_join(attempt);
    group->backend->unplace(group, was_deleted(attempt, child));
    if (child >= 0 && became_program(&attempt->birth)) {
        group_add_leader(group, leader);
        if (killed)
            group->backend->kill(group); /* when the kill came, this child was not there yet */
    } else if (attempt->spared) {
        group_set_spared(group, true);
    }
    pthread_mutex_unlock(group->lock);
    return killed;
}

/* If it was a limit of the group that failed the attempt, that is what there is to say. */
static int blame_limit(const struct attempt *attempt, int child, pk_error *error)
{
    const struct birth *birth = &attempt->birth;
    int number = child < 0 ? child : killed_by_limit(attempt) ? -ECANCELED : birth->error;
    pk_step step = child < 0 ? PK_STEP_CLONE : birth->step;
    if (attempt->placement.cgroup_fd < 0 || number == 0)
        return 0;
    return spawn_explain_limit(birth->plan, attempt->placement.counted_fd, attempt->placement.limits, step, number,
                               error);
}

static int attempt_spawn(pk_group *group, struct plan *plan, struct leader *leader, void *stack, pk_error *error)
{
    struct attempt attempt = {
        .birth = {.plan = plan, .join_fd = -1, .count_fd = -1, .lease_fd = -1, .owner_pid = sys_getpid()},
        .stack = stack,
        .pidfd = -1,
        .used = WAY_LEGACY,
    };
    unsigned kills;

    int r = take_place(group, &attempt, &kills, error);
    if (r < 0)
        return r;
    int child = make_child(&attempt, leader, error);
    if (child >= 0) {
        leader->pid = child;
        leader->pidfd = pidfd_keep(attempt.pidfd);
    }
    bool killed = settle(group, &attempt, leader, child, kills);
    if (was_deleted(&attempt, child))
        return deleted(error);
    if (child < 0 && attempt.explained)
        return child;
    r = child < 0 ? not_cloned(child, attempt.placement.most != 0, error) : judge(&attempt, leader, killed, error);
    int limited = blame_limit(&attempt, child, error);
    return limited < 0 ? limited : r;
}

/*
 * A program that was written a moment ago may still be open for writing in a child that another thread is forking;
 * that passes as soon as that child has exec'd.
 */
static void wait_for_writer(int attempt)
{
    struct timespec pause = time_to_timespec(PK_MILLISECONDS(1) << attempt);
    sys_ppoll(NULL, 0, &pause);
}

static int spawn_on(void *stack, pk_group *group, struct plan *plan, struct leader *leader, pk_error *error)
{
    enum { MOST_REPEATS = 2, MOST_WAITS = 10 }; /* 1 + 2 + ... + 512 ms */

    for (int repeats = 0, waits = 0;;) {
        pthread_mutex_lock(group->birth);
        int r = attempt_spawn(group, plan, leader, stack, error);
        pthread_mutex_unlock(group->birth);
        if (r == TRY_AGAIN && repeats++ == MOST_REPEATS)
            return error->number;
        if (r == -ETXTBSY && waits < MOST_WAITS)
            wait_for_writer(waits++);
        else if (r != TRY_AGAIN)
            return r;
    }
}

int spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error)
{
    pk_error why; /* of attempts that were repeated, which the caller never hears of */
    void *stack = stack_take();
    if (!stack)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    USDT(spawn_begin, group, plan->command->argv[0]);
    int r = spawn_on(stack, group, plan, leader, &why);
    stack_put(stack);
    if (r < 0 && error)
        *error = why;
    return r;
}
