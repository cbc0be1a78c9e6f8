/*
 * Branches: groups that are a part of another.
 *
 * Whatever happens to the trunk happens to its branches: its members are those of all of them, and its limits hold for
 * all of them together. A branch is ended alone as any other group is. It uses the trunk's mechanism and its locks, and
 * has no limits of its own; the trunk outlives it.
 */
#include "base/error.h"
#include "contain/group.h"
#include "contain/registry.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

int group_create_branch(pk_group *trunk, pk_group **ret, pk_error *error)
{
    int r = group_check_owner(trunk, error);
    if (r < 0)
        return r;
    pk_group *branch = calloc(1, sizeof(*branch));
    if (!branch)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a group");
    group_init_locks(branch);
    branch->birth = trunk->birth;
    branch->lock = trunk->lock;
    branch->epoch = trunk->epoch;
    branch->backend = trunk->backend;
    branch->trunk = trunk;
    branch->site = trunk->site;
    branch->delegation = trunk->delegation;
    pthread_mutex_lock(branch->lock);
    branch->guarantees = trunk->guarantees;
    r = branch->backend->open(branch, error);
    pthread_mutex_unlock(branch->lock);
    if (r < 0) {
        free(branch);
        return r;
    }
    registry_add(branch);
    *ret = branch;
    return 0;
}

pk_group *group_limiting(pk_group *group)
{
    return group->trunk ? group->trunk : group;
}

bool group_is_suspended(const pk_group *group)
{
    return group->suspended || (group->trunk && group->trunk->suspended);
}

unsigned group_kills(const pk_group *group)
{
    return group->kills + (group->trunk ? group->trunk->kills : 0);
}
