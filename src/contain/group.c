/*
 * The public functions of groups: check, lock, hand on to the mechanism.
 */
#include "contain/group.h"

#include "base/error.h"
#include "contain/choose.h"
#include "contain/ladder.h"
#include "contain/limits.h"
#include "contain/members.h"
#include "contain/registry.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Creating and freeing --------------------------------------------------------------------------------------- */

static int copy_options(const pk_group_options *given, pk_group_options *options, pk_error *error)
{
    *options = (pk_group_options)PK_GROUP_OPTIONS_INIT;
    if (!given)
        return 0;
    if (given->size == 0 || given->size > sizeof(*options))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid group options: start from PK_GROUP_OPTIONS_INIT of this version");
    memcpy(options, given, given->size);
    unsigned known = PK_GUARANTEE_CGROUP | PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH | PK_GUARANTEE_LIMITS |
                     PK_GUARANTEE_USAGE;
    unsigned ways = PK_DELEGATION_DEFAULT | PK_DELEGATION_LEAF;
    if (options->mechanism > PK_MECHANISM_PROCESS_GROUP || (options->require & ~known) ||
        (options->delegations & ~ways))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid group options: unknown mechanism, guarantee or delegation");
    return limits_check(&options->limits, error);
}

pk_group_options *group_copy_options(const pk_group_options *options)
{
    pk_group_options *copy = options ? calloc(1, sizeof(*copy)) : NULL;
    if (copy)
        memcpy(copy, options, options->size < sizeof(*options) ? options->size : sizeof(*options));
    return copy;
}

void group_init_locks(pk_group *group)
{
    pthread_mutex_init(&group->own_locks.birth, NULL);
    pthread_mutex_init(&group->own_locks.lock, NULL);
    group->birth = &group->own_locks.birth;
    group->lock = &group->own_locks.lock;
}

void group_destroy_locks(pk_group *group)
{
    pthread_mutex_destroy(&group->own_locks.lock);
    pthread_mutex_destroy(&group->own_locks.birth);
}

/* Without a mechanism yet. The options are filled in. */
static int new_group(const pk_group_options *given, pk_group_options *options, pk_group **ret, pk_error *error)
{
    int r = copy_options(given, options, error);
    if (r < 0)
        return r;
    pk_group *group = calloc(1, sizeof(*group));
    if (!group)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a group");
    group->epoch = sys_epoch();
    group->required = options->require;
    group->limits = options->limits;
    group->delegations = options->delegations ? options->delegations : PK_DELEGATION_DEFAULT;
    group_init_locks(group);
    *ret = group;
    return 0;
}

/* What is asked for is not to be had without. */
static void require_limits(pk_group *group)
{
    if (limits_any(&group->limits))
        group->required |= PK_GUARANTEE_LIMITS;
}

int group_create_staged(const pk_group_options *given, const struct backend *backend, struct stage *stage,
                        pk_group **ret, pk_error *error)
{
    pk_group_options options;
    pk_group *group;
    int r = new_group(given, &options, &group, error);
    if (r < 0)
        return r;
    group->backend = backend;
    group->guarantees = backend->guarantees;
    group->stage = stage;
    require_limits(group);
    registry_add(group);
    *ret = group;
    return 0;
}

int pk_group_create(const pk_group_options *options, pk_group **group, pk_error *error)
{
    return group_create_for_run(options, true, group, error);
}

int group_create_for_run(const pk_group_options *given, bool fresh, pk_group **ret, pk_error *error)
{
    pk_group_options options;
    pk_group *group;
    int r = new_group(given, &options, &group, error);
    if (r < 0)
        return r;
    group->may_reuse = !fresh;
    r = choose_backend(group, options.mechanism, options.require, error);
    if (r < 0) {
        free(group->refusal);
        free(group);
        return r;
    }
    require_limits(group);
    registry_add(group);
    *ret = group;
    return 0;
}

static void release(pk_group *group)
{
    while (group->leaders) {
        struct leader *leader = group->leaders;
        group->leaders = leader->next;
        leader_unref(leader);
    }
    group_destroy_locks(group);
    free(group->refusal);
    free(group);
}

pk_group *pk_group_free(pk_group *group)
{
    if (!group)
        return NULL;
    if (group->epoch != sys_epoch())
        return NULL; /* a forked child's copy: freeing the memory is not worth touching what threads may have held */
    registry_remove(group);
    ladder_end_group(group);
    release(group);
    return NULL;
}

/* ---- For the layers above --------------------------------------------------------------------------------------- */

int group_check_owner(const pk_group *group, pk_error *error)
{
    if (group->epoch == sys_epoch())
        return 0;
    return error_set(error, -EPERM, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "cannot use the group: it belongs to the process this one was forked from");
}

int group_check_stop(const pk_stop_options *options, pk_stop_options *checked, pk_error *error)
{
    pk_stop_options stop = PK_STOP_OPTIONS_INIT;
    if (options && (options->size == 0 || options->size > sizeof(stop)))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid stop options: start from PK_STOP_OPTIONS_INIT of this version");
    if (options)
        memcpy(&stop, options, options->size);
    if (stop.signal_number == 0)
        stop.signal_number = SIGTERM;
    if (stop.signal_number < 0 || stop.signal_number > SIGRTMAX)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "invalid signal number %d",
                         stop.signal_number);
    if (stop.signal_number == SIGKILL)
        stop.grace = 0;
    *checked = stop;
    return 0;
}

bool group_set_spared(pk_group *group, bool spare)
{
    bool was = group->spared;
    if (was != spare && group->backend->spare)
        group->backend->spare(group, spare);
    group->spared = spare;
    return was;
}

void group_add_leader(pk_group *group, struct leader *leader)
{
    /* Those that were waited for are of no more use to the group. */
    for (struct leader **link = &group->leaders; *link;) {
        struct leader *old = *link;
        if (!old->reaped) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        leader_unref(old);
    }
    leader_ref(leader);
    leader->next = group->leaders;
    group->leaders = leader;
    group->backend->born(group, leader);
}

bool group_keeps_zombies(const pk_group *group)
{
    return group->backend->keeps_zombies;
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

pk_mechanism pk_group_mechanism(const pk_group *group)
{
    return group->backend->mechanism;
}

unsigned pk_group_guarantees(const pk_group *group)
{
    bool guarded = group->backend->needs_guardian && owner_is_guarded(group->site);
    return group->guarantees | (guarded ? PK_GUARANTEE_OWNER_DEATH : 0);
}

unsigned pk_group_required(const pk_group *group)
{
    return group->required;
}

pk_delegation pk_group_delegation(const pk_group *group)
{
    return group->delegation;
}

const char *pk_group_refusal(const pk_group *group)
{
    if (!group->backend->needs_guardian)
        return group->refusal;
    owner_guard_refusal(group->site, group->refusal, PK_ERROR_MESSAGE_SIZE);
    return group->refusal[0] ? group->refusal : NULL;
}

const char *pk_group_path(pk_group *group)
{
    const char *path = NULL;
    pthread_mutex_lock(group->lock);
    if (group->dirs)
        path = owner_format_path(&group->dirs->entry, group->path, sizeof(group->path));
    pthread_mutex_unlock(group->lock);
    return path;
}

int pk_group_members(pk_group *group, pk_member *members, size_t capacity, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->lock);
    r = members_read(group, members, capacity);
    pthread_mutex_unlock(group->lock);
    return r < 0 ? error_errno(error, r, PK_STEP_LIST, NULL, "cannot list the members") : r;
}

int pk_group_is_empty(pk_group *group, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->lock);
    r = group->backend->is_empty(group);
    pthread_mutex_unlock(group->lock);
    return r < 0 ? error_errno(error, r, PK_STEP_DRAIN, NULL, "cannot tell whether the group is empty") : r;
}

int pk_group_wait_empty(pk_group *group, pk_time deadline, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    r = ladder_wait_empty(group, deadline);
    if (r == -ETIMEDOUT)
        return error_set(error, r, PK_ERROR_TIMEOUT, PK_STEP_DRAIN, NULL,
                         "the group is not empty: the deadline passed first");
    return r < 0 ? error_errno(error, r, PK_STEP_DRAIN, NULL, "cannot wait for the group to become empty") : 0;
}

/* ---- Adopting --------------------------------------------------------------------------------------------------- */

static int check_adoptable(pid_t pid, pk_error *error)
{
    const char *why = NULL;
    if (pid <= 0)
        why = "is not a process";
    else if (pid == 1)
        why = "is init, on which every other process depends";
    else if (pid == sys_getpid())
        why = "is this process: it would be killed with the group";
    if (!why)
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ADOPT, NULL, "cannot adopt pid %d: it %s", pid, why);
}

/*
 * The pidfd makes sure that the number means the same process before and after: as long as the process it stands for
 * has not been waited for, its number cannot be given to another.
 */
static int adopt(pk_group *group, pid_t pid, int pidfd)
{
    int r = sys_pidfd_send_signal(pidfd, 0);
    if (r == -ESRCH)
        return r;
    if (sys_is_readable(pidfd))
        return 0; /* a zombie: nothing to contain */
    r = group->backend->adopt(group, pid, pidfd);
    if (r == -ESRCH && sys_pidfd_send_signal(pidfd, 0) != -ESRCH)
        return 0; /* it ended meanwhile */
    if (r == 0 && sys_pidfd_send_signal(pidfd, 0) == -ESRCH)
        return -ESRCH; /* ended and waited for meanwhile */
    return r;
}

/* Whether the pidfd stands for this pid, by what /proc says of the descriptor. */
static int check_pidfd(pid_t pid, int pidfd)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", pidfd);
    ssize_t length = sys_read_file(-1, path, text, sizeof(text));
    if (length == -ENOENT)
        return -EBADF;
    if (length < 0)
        return (int)length;
    const char *line = strstr(text, "\nPid:");
    int found;
    if (!line || sscanf(line, "\nPid: %d", &found) != 1)
        return -EBADF;
    return found == pid ? 0 : found == -1 ? -ESRCH : -EINVAL;
}

int pk_group_adopt(pk_group *group, pid_t pid, int pidfd, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r == 0)
        r = check_adoptable(pid, error);
    if (r < 0)
        return r;

    int own_pidfd = -1;
    if (pidfd >= 0)
        r = check_pidfd(pid, pidfd);
    else
        r = own_pidfd = sys_pidfd_open(pid);
    if (r >= 0) {
        pthread_mutex_lock(group->lock);
        bool spared = group_set_spared(group, false);
        r = adopt(group, pid, pidfd >= 0 ? pidfd : own_pidfd);
        if (r < 0)
            group_set_spared(group, spared);
        pthread_mutex_unlock(group->lock);
    }
    sys_close_safe(own_pidfd);
    return r < 0 ? error_errno(error, r, PK_STEP_ADOPT, NULL, "cannot adopt pid %d", pid) : 0;
}

/* ---- Signals, suspending, stopping ------------------------------------------------------------------------------ */

static int run_ladder(pk_group *group, const pk_stop_options *options, pk_stop_report *report, pk_error *error)
{
    struct ladder ladder;
    ladder_begin(&ladder, group, NULL, options, report != NULL);
    int r = ladder_run(&ladder);
    if (report)
        *report = ladder.report;
    return r < 0 ? ladder_explain(group, r, error) : 0;
}

int pk_group_kill(pk_group *group, pk_error *error)
{
    static const pk_stop_options at_once = {.size = sizeof(at_once)};
    int r = group_check_owner(group, error);
    return r < 0 ? r : run_ladder(group, &at_once, NULL, error);
}

int pk_group_stop(pk_group *group, const pk_stop_options *options, pk_stop_report *report, pk_error *error)
{
    pk_stop_options checked;
    int r = group_check_owner(group, error);
    if (r == 0)
        r = group_check_stop(options, &checked, error);
    return r < 0 ? r : run_ladder(group, &checked, report, error);
}

int pk_group_signal(pk_group *group, int signal_number, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    if (signal_number < 0 || signal_number > SIGRTMAX)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "invalid signal number %d",
                         signal_number);
    if (signal_number == SIGKILL)
        return pk_group_kill(group, error); /* member by member could miss those that fork away */

    pthread_mutex_lock(group->birth);
    pthread_mutex_lock(group->lock);
    r = group->backend->signal(group, signal_number, 0);
    pthread_mutex_unlock(group->lock);
    pthread_mutex_unlock(group->birth);
    return r < 0 ? error_errno(error, r, PK_STEP_SIGNAL, NULL, "cannot signal every member") : 0;
}

static int set_suspended(pk_group *group, bool suspend, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->birth);
    pthread_mutex_lock(group->lock);
    r = suspend ? group->backend->suspend(group) : group->backend->resume(group);
    if (r >= 0)
        group->suspended = suspend;
    pthread_mutex_unlock(group->lock);
    pthread_mutex_unlock(group->birth);
    return r < 0 ? error_errno(error, r, PK_STEP_FREEZE, NULL,
                               suspend ? "cannot suspend the group" : "cannot resume the group")
                 : 0;
}

int pk_group_suspend(pk_group *group, pk_error *error)
{
    return set_suspended(group, true, error);
}

int pk_group_resume(pk_group *group, pk_error *error)
{
    return set_suspended(group, false, error);
}

void pk_group_spare(pk_group *group)
{
    pthread_mutex_lock(group->lock);
    group_set_spared(group, true);
    pthread_mutex_unlock(group->lock);
}

/* ---- Limits ----------------------------------------------------------------------------------------------------- */

static int check_has_limits(const pk_group *group, pk_error *error)
{
    if (group->trunk)
        return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, NULL,
                         "cannot limit a part of a group: limits hold for all of it (see pk_process_pipeline_group)");
    if (group->backend->has_limits)
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, NULL,
                     "cannot enforce limits: the mechanism %s has none for a tree",
                     pk_mechanism_name(group->backend->mechanism));
}

int pk_group_set_limits(pk_group *group, const pk_limits *limits, pk_error *error)
{
    pk_limits checked = PK_LIMITS_INIT;
    int r = group_check_owner(group, error);
    if (r == 0 && (limits->size == 0 || limits->size > sizeof(checked)))
        r = error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                      "invalid limits: start from PK_LIMITS_INIT of this version");
    if (r == 0) {
        memcpy(&checked, limits, limits->size);
        r = limits_check(&checked, error);
    }
    if (r == 0 && (limits_any(&checked) || group->trunk))
        r = check_has_limits(group, error);
    if (r < 0 || !group->backend->has_limits)
        return r;
    pthread_mutex_lock(group->birth);
    pthread_mutex_lock(group->lock);
    r = group->backend->set_limits(group, &checked, error);
    pthread_mutex_unlock(group->lock);
    pthread_mutex_unlock(group->birth);
    return r;
}

int pk_group_get_limits(pk_group *group, pk_limits *limits, pk_error *error)
{
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->lock);
    r = group->backend->get_limits(group_limiting(group), limits, error);
    pthread_mutex_unlock(group->lock);
    return r;
}
