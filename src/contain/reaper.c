/*
 * The reaper mechanism: whole trees where no cgroup can be had.
 *
 * Each command has a reaper: the helper, as the parent of the leader and a subreaper, so that whatever loses its own
 * parent comes to it and nothing below can leave it. It kills, it proves by its own wait that no child is left, and it
 * does both also when this process is gone. Here is what the owner does beside: it asks, it reads the answers, and it
 * lists members from /proc, to count and to signal them. An adopted process has no reaper and is tracked alone.
 */
#include "base/error.h"
#include "base/time.h"
#include "contain/backend.h"
#include "contain/broadcast.h"
#include "contain/descendants.h"
#include "contain/helper-image.h"
#include "contain/members.h"
#include "contain/orphans.h"
#include "contain/proc.h"
#include "contain/reaper-link.h"
#include "contain/usage.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>

static int reaper_open(pk_group *group, pk_error *error)
{
    (void)group;
    if (sys_faccessat(AT_FDCWD, "/proc/self/stat", 0) < 0)
        return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_GUARDIAN, "/proc",
                         "no reaper can find its members: /proc is not mounted (mount it)");
    int r = proc_check();
    if (r == -EOPNOTSUPP)
        return error_set(error, r, PK_ERROR_UNSUPPORTED, PK_STEP_GUARDIAN, "/proc",
                         "no reaper can find its members: /proc is that of another pid namespace (mount that of this)");
    if (r < 0)
        return error_errno(error, r, PK_STEP_GUARDIAN, "/proc", "cannot see whose numbers /proc has");
    r = helper_check_place("reaper", error);
    return r < 0 ? r : helper_probe("reaper", error);
}

static int reaper_place(pk_group *group, struct placement *placement, pk_error *error)
{
    *placement = (struct placement){.cgroup_fd = -1, .reaper = true};
    int r = helper_check_place("reaper", error);
    return r < 0 ? r : tracked_reserve(group, error);
}

static void reaper_unplace(pk_group *group, bool spoiled)
{
    (void)group, (void)spoiled;
}

static void reaper_born(pk_group *group, struct leader *leader)
{
    tracked_add(group, leader);
}

static int reaper_adopt(pk_group *group, pid_t pid, int pidfd)
{
    return tracked_adopt(&group->tracked, pid, pidfd);
}

/* ---- Empty or not ----------------------------------------------------------------------------------------------- */

/* What was orphaned before a reaper was lost has escaped, and the group can promise nothing of it any more. */
static void note_loss(pk_group *group)
{
    group->guarantees &= ~(unsigned)(PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH);
}

/* The leader is looked at even if it has ended: that is what reads its reaper's messages. */
static int has_ended(pk_group *group, struct tracked *one)
{
    if (!one->leader)
        return tracked_has_ended(one);
    struct reaper_link *reaper = one->leader->reaper;
    int r = one->leader->ended ? reaper_link_read(reaper) : leader_look(one->leader, false);
    if (r < 0)
        return r;
    if (reaper->lost)
        note_loss(group);
    return reaper->empty || (reaper->lost && one->leader->ended);
}

static void note_usage(pk_group *group, const struct tracked *one)
{
    if (!one->leader || one->leader->reaper->lost)
        return;
    const struct reaper_link *reaper = one->leader->reaper;
    const pk_usage used = {.cpu_source = PK_SOURCE_REAPER, .cpu_user = reaper->user, .cpu_system = reaper->system};
    usage_add(&group->past, &used);
}

static int reaper_is_empty(pk_group *group)
{
    for (struct tracked **link = &group->tracked; *link;) {
        int r = has_ended(group, *link);
        if (r < 0)
            return r;
        if (r == 0) {
            link = &(*link)->next;
            continue;
        }
        note_usage(group, *link);
        tracked_forget(link);
    }
    return group->tracked == NULL;
}

static void reaper_abandon(pk_group *group)
{
    tracked_clear(&group->tracked, &group->reserve);
}

/* Where nothing is left of a tree, its reaper says so in the same breath as it tells the leader's end. */
static void let_finish(const pk_group *group)
{
    for (const struct tracked *one = group->tracked; one; one = one->next)
        if (one->leader && one->leader->ended)
            reaper_link_listen(one->leader->reaper, PK_MICROSECONDS(200));
}

static int reaper_close(pk_group *group, bool keep_usage)
{
    (void)keep_usage; /* it costs nothing */
    let_finish(group);
    int r = reaper_is_empty(group);
    if (r != 1)
        return r < 0 ? r : -EBUSY;
    reaper_abandon(group);
    return 0;
}

/* A reaper ends when it has said that nothing is left. Never its socket: a duplicate, in a forked copy of this process,
 * would hide the owner's end from it. */
static int reaper_open_events(pk_group *group)
{
    const struct tracked *one = group->tracked;
    if (!one)
        return -ENOENT;
    bool reaped = one->leader && !one->leader->reaper->lost;
    int fd = reaped ? one->leader->reaper->pidfd : one->leader ? one->leader->pidfd : one->pidfd;
    return sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

/* A reaper that is still there afterwards had its number all the time. */
static int list_below(const struct reaper_link *reaper, int (*walk)(pid_t root, struct pids *pids), struct pids *pids)
{
    struct pids found = {0};
    int r = reaper->empty ? 0 : walk(reaper->pid, &found);
    bool known = found.count > 0 && reaper_link_is_up(reaper);
    for (size_t i = 0; r == 0 && known && i < found.count; i++)
        r = pids_add(pids, found.items[i]);
    pids_free(&found);
    return r;
}

static int list_one(const struct tracked *one, struct pids *pids)
{
    if (!one->leader)
        return tracked_has_ended(one) ? 0 : pids_add(pids, one->pid);
    const struct reaper_link *reaper = one->leader->reaper;
    if (reaper->lost)
        return orphans_list(one->leader, pids);
    return list_below(reaper, descendants_list, pids);
}

static int list_members(const void *data, struct pids *pids)
{
    int r = 0;
    for (const struct tracked *one = data; r == 0 && one; one = one->next)
        r = list_one(one, pids);
    pids_sort(pids);
    return r;
}

static int reaper_list(pk_group *group, struct pids *pids)
{
    return list_members(group->tracked, pids);
}

/* Whose number stands for a tree; as in the lists, whatever it was before, it is that if it is still there now. */
static bool is_top(const struct tracked *one, pid_t pid)
{
    if (!one->leader)
        return pid == one->pid && !tracked_has_ended(one);
    const struct reaper_link *reaper = one->leader->reaper;
    if (!reaper->lost)
        return !reaper->empty && pid == reaper->pid && reaper_link_is_up(reaper);
    return pid == one->leader->pid && !sys_is_readable(one->leader->pidfd);
}

/* Adopted processes have nothing below them. */
static bool is_top_of(const pk_group *group, pid_t pid, bool itself)
{
    for (const struct tracked *one = group->tracked; one; one = one->next)
        if ((itself || one->leader) && is_top(one, pid))
            return true;
    return false;
}

/* From the process upwards, which costs no more where there are many of them. -EAGAIN if one that was gone through has
 * ended meanwhile. */
static int climb(const pk_group *group, pid_t pid)
{
    enum { MOST_ANCESTORS = 4096 }; /* a chain read while it changes need not end */
    struct proc_stat stat = {.parent = pid};
    for (int i = 0; stat.parent > 0 && i < MOST_ANCESTORS; i++) {
        if (is_top_of(group, stat.parent, i == 0))
            return 1;
        int r = proc_stat_read(stat.parent, &stat);
        if (r < 0)
            return r == -ESRCH && i > 0 ? -EAGAIN : r;
    }
    return 0;
}

/* What loses its parent is below the reaper afterwards. */
static int reaper_has(pk_group *group, pid_t pid)
{
    enum { TRIES = 10 };
    int r = -EAGAIN;
    for (int i = 0; r == -EAGAIN && i < TRIES; i++)
        r = climb(group, pid);
    return r;
}

static int reaper_signal(pk_group *group, int signal_number, pid_t skip_pgid)
{
    const struct audience audience = {list_members, group->tracked};
    return broadcast_to(&audience, signal_number, false, skip_pgid);
}

static int reaper_suspend(pk_group *group)
{
    int r = reaper_signal(group, SIGSTOP, 0);
    members_wait_stopped(group);
    return r;
}

static int reaper_resume(pk_group *group)
{
    return reaper_signal(group, SIGCONT, 0);
}

/* ---- Through the reapers ---------------------------------------------------------------------------------------- */

/* A reaper that is gone cannot be told; that is seen when it is looked at. */
static int kill_one(const struct tracked *one)
{
    if (!one->leader)
        return sys_pidfd_send_signal(one->pidfd, SIGKILL);
    struct reaper_link *reaper = one->leader->reaper;
    if (reaper->lost)
        return leader_signal(one->leader, SIGKILL);
    int r = reaper_link_tell(reaper, REAPER_KILL, 0);
    if (r == 0 || r == -EAGAIN)
        reaper_link_wake(reaper);
    return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static int reaper_kill(pk_group *group)
{
    int first = 0;
    for (const struct tracked *one = group->tracked; one; one = one->next) {
        int r = kill_one(one);
        if (r < 0 && r != -ESRCH && first == 0)
            first = r;
    }
    return first < 0 ? 1 : 0; /* once more, if one could not be told */
}

static void reaper_spare(pk_group *group, bool spare)
{
    for (struct tracked *one = group->tracked; one; one = one->next) {
        if (!one->leader)
            continue;
        one->leader->reaper->spared = spare;
        reaper_link_tell(one->leader->reaper, REAPER_SPARE, spare);
    }
}

/* ---- Usage ------------------------------------------------------------------------------------------------------ */

/* Those that nobody has waited for yet are in no other account. */
static int add_present(const struct tracked *one, pk_usage *usage)
{
    struct pids pids = {0};
    bool reaped = one->leader && !one->leader->reaper->lost;
    int r = reaped ? list_below(one->leader->reaper, descendants_list_all, &pids) : list_one(one, &pids);
    pids_sort(&pids);
    if (r == 0)
        usage_add_families(&pids, usage);
    pids_free(&pids);
    return r;
}

/* Members are read before the reaper is asked: one that ends in between counts as what was reaped, or twice for that
 * moment, and never not at all. */
static int reaper_usage(pk_group *group, pk_usage *usage)
{
    int r = 0;
    *usage = group->past;
    for (struct tracked *one = group->tracked; r == 0 && one; one = one->next) {
        r = add_present(one, usage);
        if (!one->leader || one->leader->reaper->lost)
            continue;
        reaper_link_ask(one->leader->reaper);
        const struct reaper_link *reaper = one->leader->reaper;
        const pk_usage used = {.cpu_source = PK_SOURCE_REAPER, .cpu_user = reaper->user, .cpu_system = reaper->system};
        usage_add(usage, &used);
    }
    return r;
}

static int reaper_set_limits(pk_group *group, const pk_limits *limits, pk_error *error)
{
    (void)group, (void)limits, (void)error;
    return -EOPNOTSUPP;
}

static int reaper_get_limits(pk_group *group, pk_limits *limits, pk_error *error)
{
    (void)group, (void)error;
    *limits = (pk_limits)PK_LIMITS_INIT;
    return 0;
}

const struct backend backend_reaper = {
    .mechanism = PK_MECHANISM_REAPER,
    .guarantees = PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH,
    .open = reaper_open,
    .close = reaper_close,
    .abandon = reaper_abandon,
    .place = reaper_place,
    .born = reaper_born,
    .unplace = reaper_unplace,
    .spare = reaper_spare,
    .adopt = reaper_adopt,
    .list = reaper_list,
    .has = reaper_has,
    .is_empty = reaper_is_empty,
    .open_events = reaper_open_events,
    .events = POLLIN,
    .kill = reaper_kill,
    .signal = reaper_signal,
    .suspend = reaper_suspend,
    .resume = reaper_resume,
    .usage = reaper_usage,
    .set_limits = reaper_set_limits,
    .get_limits = reaper_get_limits,
};
