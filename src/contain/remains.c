/*
 * Judging one owner directory, and ending what a dead owner left in it.
 *
 * Everything is done through the descriptor that the mark was read from, so a directory that takes over the name in the
 * meantime is never meant. Others may do the same at the same time: what is gone was done by somebody.
 */
#include "contain/remains.h"

#include "base/time.h"
#include "contain/cgroup.h"
#include "contain/ending.h"
#include "contain/mark.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Notes the first failure and goes on. */
static int note(struct remains *remains, int number, pk_step step)
{
    if (number < 0 && remains->found.number == 0) {
        remains->found.number = number;
        remains->step = step;
    }
    return number;
}

/* ---- May it be touched? ----------------------------------------------------------------------------------------- */

static bool is_writable(int dir)
{
    int r = sys_faccessat(dir, ".", W_OK | X_OK);
    return r != -EACCES && r != -EPERM && r != -EROFS;
}

/* PK_PRUNE_REMOVED if it may. That an owner is dead stays true: nobody takes its place in this very directory, and
 * where the lock has decided, the lock is ours now. */
static pk_prune_action judge(struct remains *remains)
{
    struct mark mark;
    int r = mark_read(remains->dir, &mark);
    if (r == -ENODATA || r == -EINVAL)
        return PK_PRUNE_UNMARKED;
    if (cgroup_is_gone(r))
        return PK_PRUNE_GONE;
    if (note(remains, r, PK_STEP_OPEN_CGROUP) < 0)
        return PK_PRUNE_FAILED;

    remains->found.owner = mark.pid;
    switch (mark_judge_owner(&mark, remains->dir)) {
    case MARK_ALIVE:
        return PK_PRUNE_ALIVE;
    case MARK_UNKNOWN:
        return PK_PRUNE_IN_USE;
    case MARK_DEAD:
        break;
    }

    struct pids members = {0};
    r = note(remains, cgroup_list(remains->dir, &members), PK_STEP_LIST);
    pids_sort(&members);
    bool held = proc_holds_caller(&members);
    pids_free(&members);
    if (r < 0)
        return PK_PRUNE_FAILED;
    if (held)
        return PK_PRUNE_HOLDS_CALLER;
    /* Nobody is killed where the rest could not be done. */
    return is_writable(remains->parent) && is_writable(remains->dir) ? PK_PRUNE_REMOVED : PK_PRUNE_NOT_PERMITTED;
}

/* ---- Killing ---------------------------------------------------------------------------------------------------- */

static int count_living(int dir)
{
    struct pids pids = {0};
    int r = cgroup_list(dir, &pids);
    int count = (int)proc_count_living(&pids);
    pids_free(&pids);
    return r < 0 ? r : count;
}

/* -1 when somebody else has removed it, or it cannot be opened. */
static int open_group(struct remains *remains, int parent, const char *name)
{
    int group = sys_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (cgroup_is_gone(group))
        return -1;
    remains->found.groups++;
    return note(remains, group, PK_STEP_OPEN_CGROUP) < 0 ? -1 : group;
}

/* All groups are killed before the first is waited for. */
static int visit_to_kill(int parent, const char *name, int depth, void *data)
{
    struct remains *remains = data;
    (void)depth;
    int group = open_group(remains, parent, name);
    if (group < 0)
        return 0;
    int spared = note(remains, mark_is_spared(group), PK_STEP_OPEN_CGROUP);
    bool populated = cgroup_is_populated(group) != 0;
    if (spared == 1 && populated)
        remains->found.spared++;
    if (spared == 0 && populated) {
        int living = note(remains, count_living(group), PK_STEP_LIST);
        remains->found.killed += living > 0 ? living : 0;
        if (!remains->dry_run)
            note(remains, ending_kill(group), PK_STEP_KILL);
    }
    sys_close(group);
    return 0;
}

/* ---- Waiting and removing --------------------------------------------------------------------------------------- */

struct removal {
    struct remains *remains;
    pk_time deadline;
};

static int visit_to_remove(int parent, const char *name, int depth, void *data)
{
    struct removal *removal = data;
    struct remains *remains = removal->remains;
    (void)depth;
    int group = open_group(remains, parent, name);
    if (group < 0)
        return 0;
    int spared = note(remains, mark_is_spared(group), PK_STEP_OPEN_CGROUP);
    int r = spared == 0 ? note(remains, ending_wait(group, removal->deadline), PK_STEP_DRAIN) : 0;
    sys_close(group);
    if (spared < 0 || r < 0)
        return 0;
    r = cgroup_remove(parent, name);
    if (r == -EBUSY && spared == 1)
        remains->found.spared++;
    else
        note(remains, r, PK_STEP_REMOVE);
    return 0;
}

/* Whether the name still means the directory that was judged. */
static int check_identity(const struct remains *remains)
{
    struct stat judged, named;
    int r = sys_fstat(remains->dir, &judged);
    if (r == 0)
        r = sys_fstatat(remains->parent, remains->name, &named, AT_SYMLINK_NOFOLLOW);
    if (r == 0 && (judged.st_ino != named.st_ino || judged.st_dev != named.st_dev))
        r = -ENOENT;
    return r;
}

/* That it could be removed proves that nothing is left, whatever failed before. */
static pk_prune_action remove_directory(struct remains *remains)
{
    int r = check_identity(remains);
    if (r == 0)
        r = sys_unlinkat(remains->parent, remains->name, AT_REMOVEDIR);
    if (r == -EBUSY && remains->found.spared > 0 && remains->found.number == 0)
        return PK_PRUNE_SPARED;
    if (r < 0 && !cgroup_is_gone(r)) {
        note(remains, r, PK_STEP_REMOVE);
        return PK_PRUNE_FAILED;
    }
    remains->found.number = 0;
    return r == 0 ? PK_PRUNE_REMOVED : PK_PRUNE_GONE;
}

/* ---- Everything ------------------------------------------------------------------------------------------------- */

static void each_group(struct remains *remains, int (*visit)(int, const char *, int, void *), void *data)
{
    remains->found.groups = remains->found.spared = 0; /* each pass counts anew */
    int r = cgroup_each(remains->dir, 0, visit, data);
    if (!cgroup_is_gone(r))
        note(remains, r, PK_STEP_LIST);
}

static pk_prune_action clear(struct remains *remains)
{
    pk_prune_action action = judge(remains);
    if (action != PK_PRUNE_REMOVED)
        return action;
    each_group(remains, visit_to_kill, remains);
    if (remains->dry_run && remains->found.number < 0)
        return PK_PRUNE_FAILED;
    if (remains->dry_run)
        return remains->found.spared > 0 ? PK_PRUNE_SPARED : PK_PRUNE_WOULD_REMOVE;

    struct removal removal = {remains, time_add(sys_now(), remains->patience)};
    each_group(remains, visit_to_remove, &removal);
    return remove_directory(remains);
}

void remains_clear(struct remains *remains)
{
    remains->found = (pk_pruned){0};
    remains->found.action = clear(remains);
}

/* ---- Detached commands ------------------------------------------------------------------------------------------ */

/* Empty, it may be one that is just being started: then its mark is that of its living owner. */
static pk_prune_action clear_detached(struct remains *remains)
{
    struct mark mark;
    int r = mark_read_detached(remains->dir, &mark);
    if (r == -ENODATA || r == -EINVAL)
        return PK_PRUNE_UNMARKED;
    if (r == 0)
        r = cgroup_is_populated(remains->dir);
    if (note(remains, r, PK_STEP_OPEN_CGROUP) < 0)
        return PK_PRUNE_FAILED;
    if (r > 0)
        return PK_PRUNE_DETACHED;
    if (mark_judge(&mark, remains->dir) != MARK_DEAD)
        return PK_PRUNE_ALIVE;
    if (!is_writable(remains->parent))
        return PK_PRUNE_NOT_PERMITTED;
    if (remains->dry_run)
        return PK_PRUNE_WOULD_REMOVE;
    r = check_identity(remains);
    if (r == 0)
        r = cgroup_remove(remains->parent, remains->name);
    if (r == -EBUSY)
        return PK_PRUNE_DETACHED;
    if (cgroup_is_gone(r))
        return PK_PRUNE_GONE;
    return note(remains, r, PK_STEP_REMOVE) < 0 ? PK_PRUNE_FAILED : PK_PRUNE_REMOVED;
}

void remains_clear_detached(struct remains *remains)
{
    remains->found = (pk_pruned){0};
    remains->found.action = clear_detached(remains);
}
