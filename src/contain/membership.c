/*
 * Whether a process is a member of a group.
 */
#include "contain/group.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>

/* Who moves to another part of the group while the list is read, such as a cgroup below, may be missed: but not twice.
 */
int group_lists(pk_group *group, pid_t pid)
{
    struct pids pids = {0};
    int r = 0;
    bool found = false;
    for (int i = 0; r == 0 && !found && i < 2; i++) {
        pids_clear(&pids);
        r = group->backend->list(group, &pids);
        pids_sort(&pids);
        found = r == 0 && pids_contains(&pids, pid);
    }
    pids_free(&pids);
    return r < 0 ? r : found;
}

/* Also a zombie: whoever is to wait for it may be in no hurry. What /proc hides has not ended. */
static bool has_ended(pid_t pid)
{
    struct proc_stat stat;
    int r = proc_stat_read(pid, &stat);
    return r < 0 ? sys_kill(pid, 0) == -ESRCH : proc_has_ended(&stat);
}

int group_has_member(pk_group *group, pid_t pid)
{
    int r = group_check_owner(group, NULL);
    if (r < 0)
        return r;
    if (pid <= 0)
        return 0;
    pthread_mutex_lock(group->lock);
    r = group->backend->has ? group->backend->has(group, pid) : group_lists(group, pid);
    pthread_mutex_unlock(group->lock);
    if (r != 0 && r != -ESRCH)
        return r;
    return has_ended(pid) ? -ESRCH : 0;
}
