/*
 * The list of what is tracked.
 */
#include "contain/tracked.h"

#include "base/error.h"
#include "contain/backend.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

int tracked_reserve(pk_group *group, pk_error *error)
{
    for (; group; group = group->trunk) {
        if (!group->reserve)
            group->reserve = calloc(1, sizeof(*group->reserve));
        if (!group->reserve)
            return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    }
    return 0;
}

void tracked_add(pk_group *group, struct leader *leader)
{
    for (; group; group = group->trunk) {
        struct tracked *one = group->reserve;
        group->reserve = NULL;
        *one = (struct tracked){.leader = leader_ref(leader), .pid = leader->pid, .pidfd = -1, .next = group->tracked};
        group->tracked = one;
    }
}

int tracked_adopt(struct tracked **list, pid_t pid, int pidfd)
{
    int r = sys_pidfd_send_signal(pidfd, 0); /* being allowed to signal it is all that is needed later */
    if (r < 0)
        return r;
    int copy = sys_fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return copy;
    struct tracked *one = calloc(1, sizeof(*one));
    if (!one) {
        sys_close(copy);
        return -ENOMEM;
    }
    *one = (struct tracked){.pid = pid, .pidfd = copy, .next = *list};
    *list = one;
    return 0;
}

bool tracked_has_ended(const struct tracked *one)
{
    return sys_is_readable(one->pidfd);
}

void tracked_forget(struct tracked **link)
{
    struct tracked *one = *link;
    *link = one->next;
    if (one->leader)
        leader_reap(one->leader);
    leader_unref(one->leader);
    sys_close_safe(one->pidfd);
    free(one);
}

void tracked_clear(struct tracked **list, struct tracked **reserve)
{
    while (*list)
        tracked_forget(list);
    free(*reserve);
    *reserve = NULL;
}
