/*
 * The cgroup2 mechanism.
 *
 * A group has one directory that takes new members, and after a kill perhaps older ones whose members are still going.
 * A directory that was killed is never used again: the kernel kills at birth what is cloned into it (it compares kill
 * counts), so the next child gets a fresh one.
 */
#include "base/error.h"
#include "base/time.h"
#include "contain/backend.h"
#include "contain/broadcast.h"
#include "contain/cgroup.h"
#include "contain/delegation.h"
#include "contain/entry.h"
#include "contain/group.h"
#include "contain/leader.h"
#include "contain/limits.h"
#include "contain/members.h"
#include "contain/usage.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- Directories ------------------------------------------------------------------------------------------------ */

static void free_dir(struct cgroup_dir *dir)
{
    owner_close_entry(&dir->entry);
    free(dir);
}

/* What its members used, and evidence, is forgotten with the directory unless it is kept. */
static int remove_dir(pk_group *group, struct cgroup_dir **link, bool keep_usage, bool keep_evidence)
{
    struct cgroup_dir *dir = *link;
    pk_usage used = {0};
    struct evidence evidence = {0};
    if (keep_usage)
        usage_read_cgroup(dir->entry.fd, group->controllers, &used);
    if (keep_evidence)
        evidence_read(dir->entry.fd, group->controllers, &evidence);
    int r = owner_remove_entry(&dir->entry);
    if (r < 0)
        return r;
    usage_subtract(&used, &dir->entry.base);
    usage_add(&group->past, &used);
    evidence_add(&group->past_evidence, &evidence);
    *link = dir->next;
    free_dir(dir);
    return 0;
}

/* Lets go of it: another group may have it if it was left by its members, and nothing else about it is special. */
static int leave_dir(pk_group *group, struct cgroup_dir **link, bool keep_usage, bool keep_evidence)
{
    struct cgroup_dir *dir = *link;
    bool special = dir->killed || dir->swept || group->suspended || group->spared || group->trunk || group->controllers;
    pk_usage used;
    if (special || keep_evidence || !entry_park(&dir->entry, &used))
        return remove_dir(group, link, keep_usage, keep_evidence);
    usage_add(&group->past, &used);
    *link = dir->next;
    free(dir);
    return 0;
}

/* Directories that were killed and are empty. Not part of the kill: who waits for that need not wait for this. */
static void remove_killed(pk_group *group)
{
    for (struct cgroup_dir **link = &group->dirs; *link;)
        if (!(*link)->killed || (*link)->placed || remove_dir(group, link, true, true) < 0)
            link = &(*link)->next;
}

static int ensure_dir(pk_group *group, pk_error *error);

/* A branch's is in its trunk's. */
static int make_entry(pk_group *group, struct owner_entry *entry, pk_error *error)
{
    pk_group *trunk = group->trunk;
    if (!trunk)
        return owner_make_entry(group->site, entry, error);
    int r = ensure_dir(trunk, error);
    return r < 0 ? r : owner_make_entry_in(&trunk->dirs->entry, trunk->branches++, entry, error);
}

static int add_dir(pk_group *group, pk_error *error)
{
    struct cgroup_dir *dir = calloc(1, sizeof(*dir));
    if (!dir)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a group");
    bool reused = group->may_reuse && !group->controllers && owner_take_idle(group->site, &dir->entry);
    int r = reused ? 0 : make_entry(group, &dir->entry, error);
    if (r < 0) {
        free(dir);
        return r;
    }
    if (limits_any(&group->limits))
        r = limits_write_new(dir->entry.fd, &group->limits, error);
    if (r < 0) {
        owner_remove_entry(&dir->entry);
        free_dir(dir);
        return r;
    }
    dir->next = group->dirs;
    group->dirs = dir;
    return 0;
}

/* The directory for new members, or NULL. */
static struct cgroup_dir *usable_dir(pk_group *group)
{
    struct cgroup_dir *dir = group->dirs;
    return dir && !dir->killed ? dir : NULL;
}

/* ---- Opening and closing ---------------------------------------------------------------------------------------- */

/* That a directory can be removed proves that it is empty, so nothing else need be asked. */
static int cgroup2_close(pk_group *group, bool keep_usage)
{
    bool keep_evidence = keep_usage && !group->trunk && group_has_evidence(group);
    while (group->dirs) {
        int r = leave_dir(group, &group->dirs, keep_usage, keep_evidence);
        if (r < 0)
            return r;
    }
    return 0;
}

/* From now on the group is in this site. A group that had no limits may have to be emptied for that: its members cannot
 * be moved without a window. */
static int settle(pk_group *group, enum site_kind site, pk_error *error)
{
    bool stays = site == SITE_ROOT || site == group->site; /* the root is where groups without limits stand as well */
    if (!stays && cgroup2_close(group, true) < 0)
        return error_set(error, -EBUSY, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, NULL,
                         "cannot set limits: the group has members and was made without limits, in a cgroup without "
                         "controllers (require limits when it is made)");
    if (!stays)
        group->site = site;
    group->controllers = true;
    group->guarantees |= PK_GUARANTEE_LIMITS;
    group->delegation = site_delegation(site);
    return 0;
}

static int enable_controllers(pk_group *group, pk_error *error)
{
    const char *needed[LIMIT_CONTROLLERS];
    size_t count = limits_controllers(&group->limits, group->required & PK_GUARANTEE_LIMITS, needed);
    if (count == 0)
        return 0;
    unsigned ways = group->delegation ? group->delegation : group->delegations;
    enum site_kind site;
    int r = delegation_choose(ways, needed, count, &site, error);
    return r < 0 ? r : settle(group, site, error);
}

static int cgroup2_open(pk_group *group, pk_error *error)
{
    char *refusal = calloc(1, PK_ERROR_MESSAGE_SIZE); /* guardians come and go: filled in by who asks */
    if (!refusal)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a group");
    int r = enable_controllers(group, error);
    if (r == 0)
        r = add_dir(group, error);
    if (r < 0) {
        free(refusal);
        return r;
    }
    group->refusal = refusal;
    return 0;
}

/* A directory that has members still outlives the handle: the guardian removes it. */
static void cgroup2_abandon(pk_group *group)
{
    while (group->dirs) {
        struct cgroup_dir *dir = group->dirs;
        if (owner_remove_entry(&dir->entry) < 0)
            owner_hand_over(&dir->entry);
        group->dirs = dir->next;
        free_dir(dir);
    }
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

static int ensure_dir(pk_group *group, pk_error *error)
{
    if (usable_dir(group))
        return 0;
    remove_killed(group);
    return add_dir(group, error);
}

/*
 * A child runs in its owner's memory until it becomes its program. If another member ran out of memory in that moment,
 * the kernel would kill with the child whoever shares the child's memory: the owner. (Choosing a single victim, it
 * leaves out such a child, but only until it lets the owner go on, which is a moment too early.) It does not help to
 * clear memory.oom.group for the moment: a kill that has begun goes on. So a child that is not the first is made by a
 * spawner where there is one, or gets a copy of the memory, or a directory in which nobody has been: 0 for the last.
 * The first is waited for (born, below).
 */
static int keep_apart(pk_group *group)
{
    pk_group *limiting = group_limiting(group);
    struct cgroup_dir *dir = usable_dir(limiting);
    if (!dir || !dir->used || !limits_kill(&limiting->limits))
        return 0;
    if (owner_has_outpost(group->site) || group->trunk) /* a branch cannot leave the directory of its trunk */
        return 1;
    int populated = cgroup_is_populated(dir->entry.fd);
    if (populated == 0)
        dir->killed = true;
    return populated;
}

/* What a branch is in stays as well. */
static void occupy(pk_group *group)
{
    for (; group; group = group->trunk)
        group->dirs->placed = group->dirs->used = true;
}

static int cgroup2_place(pk_group *group, struct placement *placement, pk_error *error)
{
    int apart = keep_apart(group);
    int r = apart < 0 ? error_errno(error, apart, PK_STEP_CLONE, NULL, "cannot tell whether the group is empty")
                      : ensure_dir(group, error);
    if (r < 0)
        return r;
    const struct cgroup_dir *dir = group->dirs;
    const pk_group *limiting = group_limiting(group);
    occupy(group);
    *placement = (struct placement){.cgroup_fd = dir->entry.fd,
                                    .apart = apart > 0,
                                    .most = limiting->limits.pids_max,
                                    .limits = &limiting->limits,
                                    .counted_fd = limiting->dirs->entry.fd};
    group->spawner = placement->spawner = owner_enter(&dir->entry, apart > 0);
    return 0;
}

static void cgroup2_unplace(pk_group *group, bool spoiled)
{
    owner_quit(group->spawner);
    group->spawner = NULL;
    if (spoiled) /* who deletes one deletes more */
        owner_tidy();
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        if (dir->placed && spoiled)
            dir->killed = true;
        dir->placed = false;
    }
    for (struct cgroup_dir *dir = group->trunk ? group->trunk->dirs : NULL; dir; dir = dir->next)
        dir->placed = false;
}

/* The kernel keeps the list. If it cannot be told how far the child is, that passes all the same. Whoever limits a
 * trunk later does not know the leaders in its branches. */
static void cgroup2_born(pk_group *group, struct leader *leader)
{
    if (group->trunk || limits_kill(&group->limits))
        (void)leader_wait_apart(leader);
}

static void cgroup2_spare(pk_group *group, bool spare)
{
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next)
        owner_spare_entry(&dir->entry, spare);
}

static int cgroup2_adopt(pk_group *group, pid_t pid, int pidfd)
{
    (void)pidfd;
    int r = ensure_dir(group, NULL);
    if (r < 0)
        return r;
    group->dirs->used = true;
    return cgroup_move(group->dirs->entry.fd, pid);
}

static int cgroup2_list(pk_group *group, struct pids *pids)
{
    int r = 0;
    for (struct cgroup_dir *dir = group->dirs; r == 0 && dir; dir = dir->next)
        r = cgroup_list(dir->entry.fd, pids);
    return r;
}

static int cgroup2_is_empty(pk_group *group)
{
    int result = 1;
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        int populated = cgroup_is_populated(dir->entry.fd);
        if (populated < 0)
            return populated;
        if (populated)
            result = 0;
    }
    return result;
}

static int cgroup2_open_events(pk_group *group)
{
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next)
        if (cgroup_is_populated(dir->entry.fd) == 1)
            return sys_openat(dir->entry.fd, "cgroup.events", O_RDONLY, 0);
    return -ENOENT;
}

/* ---- Killing and signalling ------------------------------------------------------------------------------------- */

/* The fallback where cgroup.kill is missing (before Linux 5.14) or refuses: each member by itself, with everything
 * frozen so that none can fork away. The freeze is an aid, not a condition. SIGKILL reaches frozen processes. */
static int sweep(struct cgroup_dir *dir)
{
    if (!dir->swept)
        broadcast_freeze(dir->entry.fd);
    dir->swept = true;
    return broadcast(dir->entry.fd, SIGKILL, true, 0);
}

static int cgroup2_kill(pk_group *group)
{
    int first = 0;
    bool repeat = false;
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        dir->killed = true;
        int r = dir->swept ? -ENOENT : cgroup_kill(dir->entry.fd);
        if (r < 0) {
            r = sweep(dir);
            repeat = true;
        }
        if (r < 0 && first == 0)
            first = r;
    }
    return repeat ? 1 : first;
}

static int cgroup2_signal(pk_group *group, int signal_number, pid_t skip_pgid)
{
    int first = 0;
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        int r = broadcast(dir->entry.fd, signal_number, group->suspended, skip_pgid);
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

static int set_frozen(pk_group *group, bool freeze)
{
    int first = 0;
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        int r = freeze ? broadcast_freeze(dir->entry.fd) : cgroup_freeze(dir->entry.fd, false);
        if (r == -ENOENT) { /* before Linux 5.2; any other error is the caller's to know */
            r = broadcast(dir->entry.fd, freeze ? SIGSTOP : SIGCONT, false, 0);
            if (freeze)
                members_wait_stopped(group);
        }
        if (r < 0 && first == 0)
            first = r;
    }
    return first;
}

static int cgroup2_suspend(pk_group *group)
{
    return set_frozen(group, true);
}

static int cgroup2_resume(pk_group *group)
{
    return set_frozen(group, false);
}

/* ---- Usage, evidence and limits --------------------------------------------------------------------------------- */

static int cgroup2_usage(pk_group *group, pk_usage *usage)
{
    *usage = group->past;
    usage->cpu_source = PK_SOURCE_CGROUP;
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        pk_usage one = {0};
        int r = usage_read_cgroup(dir->entry.fd, group->controllers, &one);
        if (r == -ENOENT || r == -ENODEV)
            continue; /* deleted under us: what it had counted is gone with it */
        if (r < 0)
            return r;
        usage_subtract(&one, &dir->entry.base);
        usage_add(usage, &one);
    }
    return 0;
}

static int cgroup2_evidence(pk_group *group, struct evidence *evidence)
{
    int first = 0;
    *evidence = group->past_evidence;
    for (struct cgroup_dir *dir = group->dirs; dir; dir = dir->next) {
        struct evidence one;
        if (dir->entry.base.cpu_source != PK_SOURCE_UNAVAILABLE) /* it has counted for others */
            continue;
        int r = evidence_read(dir->entry.fd, group->controllers, &one);
        if (r < 0 && first == 0)
            first = r;
        evidence_add(evidence, &one);
    }
    return first;
}

/* What was used without the controller counts as somebody else's for ever. */
static int check_memory_counts(pk_group *group, const pk_limits *limits, pk_error *error)
{
    struct cgroup_dir *dir = usable_dir(group);
    if (!dir || !(limits->memory_max || limits->memory_high) ||
        sys_faccessat(dir->entry.fd, "memory.current", 0) != -ENOENT || cgroup_is_populated(dir->entry.fd) != 1)
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, "memory.max",
                     "cannot limit the memory of this group any more: what its members use already would not count "
                     "(ask for a limit, or require limits, when it is created)");
}

/* None may be killed by them in its owner's memory. None is being born now. */
static int wait_apart(const pk_group *group, const pk_limits *limits, pk_error *error)
{
    int r = 0;
    for (struct leader *leader = group->leaders; limits_kill(limits) && r == 0 && leader; leader = leader->next)
        r = leader_wait_apart(leader);
    return r < 0 ? error_errno(error, r, PK_STEP_SET_LIMITS, "memory.max", "cannot tell who shares this memory") : 0;
}

static int cgroup2_set_limits(pk_group *group, const pk_limits *limits, pk_error *error)
{
    pk_limits old = group->limits;
    int r = check_memory_counts(group, limits, error);
    if (r == 0)
        r = wait_apart(group, limits, error);
    if (r < 0)
        return r;
    group->limits = *limits;
    r = enable_controllers(group, error);
    if (r == 0)
        r = ensure_dir(group, error);
    if (r == 0)
        r = limits_replace(group->dirs->entry.fd, limits, error);
    if (r < 0)
        group->limits = old;
    return r;
}

static int cgroup2_get_limits(pk_group *group, pk_limits *limits, pk_error *error)
{
    int r = ensure_dir(group, error);
    return r < 0 ? r : limits_read(group->dirs->entry.fd, limits, error);
}

const struct backend backend_cgroup2 = {
    .mechanism = PK_MECHANISM_CGROUP2,
    .guarantees = PK_GUARANTEE_CGROUP | PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_USAGE,
    .has_limits = true,
    .needs_guardian = true,
    .open = cgroup2_open,
    .close = cgroup2_close,
    .abandon = cgroup2_abandon,
    .place = cgroup2_place,
    .born = cgroup2_born,
    .unplace = cgroup2_unplace,
    .spare = cgroup2_spare,
    .adopt = cgroup2_adopt,
    .list = cgroup2_list,
    .is_empty = cgroup2_is_empty,
    .open_events = cgroup2_open_events,
    .events = POLLPRI,
    .kill = cgroup2_kill,
    .signal = cgroup2_signal,
    .suspend = cgroup2_suspend,
    .resume = cgroup2_resume,
    .usage = cgroup2_usage,
    .evidence = cgroup2_evidence,
    .set_limits = cgroup2_set_limits,
    .get_limits = cgroup2_get_limits,
};
