/*
 * What a group has used, and what was counted of it: the public functions, for every mechanism.
 */
#include "base/error.h"
#include "contain/group.h"
#include "contain/usage.h"

/* Limits are a trunk's, and so is what is counted. */
bool group_has_evidence(const pk_group *group)
{
    if (group->trunk)
        return group_has_evidence(group->trunk);
    return group->backend->evidence && (group->controllers || group->wants_evidence);
}

int group_read_evidence(pk_group *group, struct evidence *evidence)
{
    group = group_limiting(group);
    *evidence = (struct evidence){0};
    return group->backend->evidence ? group->backend->evidence(group, evidence) : 0;
}

int pk_group_usage(pk_group *group, pk_usage *usage, pk_error *error)
{
    pk_usage found = {0};
    struct pids pids = {0};
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->lock);
    r = group->backend->usage(group, &found);
    if (r == 0)
        r = group->backend->list(group, &pids);
    if (r == 0)
        usage_read_living(&pids, &found);
    pthread_mutex_unlock(group->lock);
    pids_free(&pids);
    if (r < 0)
        return error_errno(error, r, PK_STEP_READ_USAGE, NULL, "cannot read the usage of the group");
    *usage = found;
    return 0;
}

int pk_group_evidence(pk_group *group, pk_evidence *evidence, pk_error *error)
{
    struct evidence found;
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->lock);
    r = group_read_evidence(group, &found);
    if (r == 0)
        evidence_tell(&found, &group_limiting(group)->limits, evidence);
    pthread_mutex_unlock(group->lock);
    return r < 0 ? error_errno(error, r, PK_STEP_READ_USAGE, NULL, "cannot read the evidence of the group") : 0;
}
