/*
 * The process_group mechanism: the fallback where no cgroup can be had.
 *
 * Each child leads a process group of its own, and those are what is signalled; an adopted process is tracked alone.
 * What calls setsid or setpgid has escaped, and the guarantee bits say so. A process group's number stays its own as
 * long as its leader's pid is taken, so the leader's zombie is kept until the group is empty: no signal can ever reach
 * a stranger that got the number later.
 */
#include "contain/backend.h"
#include "contain/members.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>

static int group_open(pk_group *group, pk_error *error)
{
    (void)group, (void)error;
    return 0;
}

static int group_place(pk_group *group, struct placement *placement, pk_error *error)
{
    *placement = (struct placement){.cgroup_fd = -1, .own_pgid = true};
    return tracked_reserve(group, error);
}

static void group_born(pk_group *group, struct leader *leader)
{
    tracked_add(group, leader);
}

static void group_unplace(pk_group *group, bool spoiled)
{
    (void)group, (void)spoiled;
}

static int group_adopt(pk_group *group, pid_t pid, int pidfd)
{
    return tracked_adopt(&group->tracked, pid, pidfd);
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

struct search {
    pk_group *group;
    struct pids *found;
};

/* The leader is a member even if it joined another process group. */
static bool is_member(const struct tracked *one, pid_t pid, const struct proc_stat *stat)
{
    if (one->leader)
        return stat->pgid == one->pid || (pid == one->pid && !one->leader->ended);
    return pid == one->pid && !tracked_has_ended(one);
}

/* It is gone, or /proc hides it (hidepid): nobody's that we started, as far as can be known. What could not be read for
 * another reason may be a member. */
static bool is_nobodys(int number)
{
    return number == -ESRCH || number == -EPERM || number == -EACCES;
}

/* Without a /proc of this namespace it is known who leads the groups, and nothing of others. */
static int read_stat(pid_t pid, struct proc_stat *stat)
{
    int r = proc_stat_read(pid, stat);
    if (r != -EOPNOTSUPP)
        return r;
    *stat = (struct proc_stat){.pgid = pid, .state = '?', .threads = 1};
    return 0;
}

static int visit_process(pid_t pid, void *data)
{
    struct search *search = data;
    struct proc_stat stat;
    int r = read_stat(pid, &stat);
    if (r < 0)
        return is_nobodys(r) ? 0 : r;
    if (proc_has_ended(&stat))
        return 0;
    for (const struct tracked *one = search->group->tracked; one; one = one->next) {
        if (is_member(one, pid, &stat))
            return pids_add(search->found, pid);
    }
    return 0;
}

/* A branch that was empty has let its zombies go: their numbers are nobody's any more. */
static void forget_reaped(pk_group *group)
{
    for (struct tracked **link = &group->tracked; *link;)
        if ((*link)->leader && (*link)->leader->reaped)
            tracked_forget(link);
        else
            link = &(*link)->next;
}

static int visit_known(struct search *search)
{
    int r = 0;
    for (const struct tracked *one = search->group->tracked; r == 0 && one; one = one->next)
        if (!one->leader || leader_look(one->leader, true) == 0)
            r = visit_process(one->pid, search);
    return r;
}

static int group_list(pk_group *group, struct pids *pids)
{
    struct search search = {group, pids};
    forget_reaped(group);
    int r = group->tracked ? proc_each(visit_process, &search) : 0;
    return r == -EOPNOTSUPP ? visit_known(&search) : r;
}

static int group_has(pk_group *group, pid_t pid)
{
    struct proc_stat stat;
    forget_reaped(group);
    int r = read_stat(pid, &stat);
    if (r < 0)
        return r;
    for (const struct tracked *one = group->tracked; one; one = one->next)
        if (is_member(one, pid, &stat))
            return 1;
    return 0;
}

/* Whether the process group still has a living member, in a list of pids that were found. */
static bool has_members(const struct tracked *one, const struct pids *pids)
{
    for (size_t i = 0; i < pids->count; i++) {
        struct proc_stat stat;
        int r = read_stat(pids->items[i], &stat);
        if (r < 0 ? !is_nobodys(r) : is_member(one, pids->items[i], &stat))
            return true;
    }
    return false;
}

static int group_is_empty(pk_group *group)
{
    struct pids pids = {0};

    /* A living leader answers the question without a walk through /proc. */
    for (const struct tracked *one = group->tracked; one; one = one->next)
        if (one->leader && leader_look(one->leader, true) == 0)
            return 0;
    int r = group_list(group, &pids);
    for (struct tracked **link = &group->tracked; r == 0 && *link;) {
        if (has_members(*link, &pids))
            link = &(*link)->next;
        else
            tracked_forget(link);
    }
    bool empty = pids.count == 0;
    pids_free(&pids);
    return r < 0 ? r : empty;
}

static void group_abandon(pk_group *group)
{
    tracked_clear(&group->tracked, &group->reserve);
}

static int group_close(pk_group *group, bool keep_usage)
{
    (void)keep_usage; /* there is none but the leaders' own */
    int r = group_is_empty(group);
    if (r != 1)
        return r < 0 ? r : -EBUSY;
    group_abandon(group);
    return 0;
}

static int group_open_events(pk_group *group)
{
    (void)group;
    return -1; /* nothing tells when a process leaves its process group */
}

/* ---- Signalling ------------------------------------------------------------------------------------------------- */

static int signal_group(const struct tracked *one, int signal_number)
{
    int r = sys_pidfd_signal_group(one->leader->pidfd, signal_number);
    if (r != -EINVAL)
        return r;
    /* Before Linux 6.9 there is only the number. It is safe as long as the leader, alive or a zombie, holds it. If a
     * foreign wait took the zombie, the rest of the group cannot be addressed any more without risk to a stranger. */
    if (leader_signal(one->leader, 0) == -ESRCH)
        return -ESRCH;
    return sys_kill(-one->pid, signal_number);
}

static int signal_one(const struct tracked *one, int signal_number)
{
    if (!one->leader)
        return sys_pidfd_send_signal(one->pidfd, signal_number);
    int r = signal_group(one, signal_number);
    struct proc_stat stat;
    if (!one->leader->ended && proc_stat_read(one->pid, &stat) == 0 && stat.pgid != one->pid)
        r = leader_signal(one->leader, signal_number);
    return r;
}

static int group_signal(pk_group *group, int signal_number, pid_t skip_pgid)
{
    int first = 0;
    for (const struct tracked *one = group->tracked; one; one = one->next) {
        if (skip_pgid > 0 && one->leader && one->pid == skip_pgid)
            continue;
        int r = signal_one(one, signal_number);
        if (r < 0 && r != -ESRCH && first == 0)
            first = r;
    }
    return first;
}

static int group_kill(pk_group *group)
{
    return group_signal(group, SIGKILL, 0);
}

static int group_suspend(pk_group *group)
{
    int r = group_signal(group, SIGSTOP, 0);
    members_wait_stopped(group);
    return r;
}

static int group_resume(pk_group *group)
{
    return group_signal(group, SIGCONT, 0);
}

/* ---- Usage ------------------------------------------------------------------------------------------------------ */

static int group_usage(pk_group *group, pk_usage *usage)
{
    (void)group;
    *usage = (pk_usage){0};
    return 0;
}

static int group_set_limits(pk_group *group, const pk_limits *limits, pk_error *error)
{
    (void)group, (void)limits, (void)error;
    return -EOPNOTSUPP;
}

static int group_get_limits(pk_group *group, pk_limits *limits, pk_error *error)
{
    (void)group, (void)error;
    *limits = (pk_limits)PK_LIMITS_INIT;
    return 0;
}

const struct backend backend_process_group = {
    .mechanism = PK_MECHANISM_PROCESS_GROUP,
    .guarantees = 0,
    .keeps_zombies = true,
    .open = group_open,
    .close = group_close,
    .abandon = group_abandon,
    .place = group_place,
    .born = group_born,
    .unplace = group_unplace,
    .adopt = group_adopt,
    .list = group_list,
    .has = group_has,
    .is_empty = group_is_empty,
    .open_events = group_open_events,
    .kill = group_kill,
    .signal = group_signal,
    .suspend = group_suspend,
    .resume = group_resume,
    .usage = group_usage,
    .set_limits = group_set_limits,
    .get_limits = group_get_limits,
};
