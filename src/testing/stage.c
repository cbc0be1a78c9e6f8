/*
 * The mechanism of groups whose members are played.
 *
 * It stands where cgroups and reapers stand, so that runs, deadlines, the ladder and leftovers are those of real
 * commands: what is tested with a script has gone the way that it will go.
 */
#include "testing/stage.h"

#include "base/error.h"
#include "contain/limits.h"
#include "process/spawn.h"
#include "testing/actor.h"
#include "testing/script.h"

#include <errno.h>
#include <signal.h>

/* For one start: it is gone after that, and the group plays no second script. */
struct play {
    struct stage stage;
    const pk_script *script;
};

/* ---- The mechanism ---------------------------------------------------------------------------------------------- */

static int stage_open(pk_group *group, pk_error *error)
{
    (void)group, (void)error;
    return 0;
}

static int stage_place(pk_group *group, struct placement *placement, pk_error *error)
{
    (void)group, (void)placement;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, NULL,
                     "cannot start a process in a group that is played");
}

static void stage_unplace(pk_group *group, bool spoiled)
{
    (void)group, (void)spoiled;
}

static void stage_born(pk_group *group, struct leader *leader)
{
    (void)group, (void)leader;
}

static int stage_adopt(pk_group *group, pid_t pid, int pidfd)
{
    (void)group, (void)pid, (void)pidfd;
    return -EOPNOTSUPP;
}

static int stage_list(pk_group *group, struct pids *pids)
{
    (void)group, (void)pids; /* none that /proc would know */
    return 0;
}

static int stage_describe(pk_group *group, pk_member *members, size_t capacity)
{
    return group->leaders ? (int)actor_members(actor_of(group->leaders), members, capacity) : 0;
}

static bool has_members(pk_group *group)
{
    return stage_describe(group, NULL, 0) > 0;
}

/* Whoever waits for the group has it go on. */
static int stage_is_empty(pk_group *group)
{
    int r = group->leaders ? actor_look(actor_of(group->leaders)) : 0;
    return r < 0 ? r : !has_members(group);
}

static int stage_close(pk_group *group, bool keep_usage)
{
    (void)keep_usage;
    return has_members(group) ? -EBUSY : 0;
}

static void stage_abandon(pk_group *group)
{
    (void)group;
}

static int stage_open_events(pk_group *group)
{
    (void)group;
    return -1;
}

static int stage_signal(pk_group *group, int signal_number, pid_t skip_pgid)
{
    (void)skip_pgid;
    if (group->leaders)
        actor_signal(actor_of(group->leaders), signal_number);
    return 0;
}

static int stage_kill(pk_group *group)
{
    return stage_signal(group, SIGKILL, 0);
}

static int set_frozen(pk_group *group, bool freeze)
{
    if (group->leaders)
        actor_freeze(actor_of(group->leaders), freeze);
    return 0;
}

static int stage_suspend(pk_group *group)
{
    return set_frozen(group, true);
}

static int stage_resume(pk_group *group)
{
    return set_frozen(group, false);
}

static int stage_usage(pk_group *group, pk_usage *usage)
{
    (void)group;
    *usage = (pk_usage){0};
    return 0;
}

/* Where something is limited, there would be counters of it. */
static int stage_evidence(pk_group *group, struct evidence *evidence)
{
    const pk_limits *limits = &group->limits;
    *evidence = (struct evidence){0};
    evidence->counts.memory_source = limits->memory_max ? PK_SOURCE_CGROUP : PK_SOURCE_UNAVAILABLE;
    evidence->counts.pids_source = limits->pids_max ? PK_SOURCE_CGROUP : PK_SOURCE_UNAVAILABLE;
    evidence->counts.cpu_source = limits->cpu_max != 0 ? PK_SOURCE_CGROUP : PK_SOURCE_UNAVAILABLE;
    if (!group->leaders || !actor_ran_out_of_memory(actor_of(group->leaders)))
        return 0;
    evidence->counts.memory_source = PK_SOURCE_CGROUP;
    evidence->counts.oom_kills = 1;
    evidence->ooms = evidence->ooms_deep = 1;
    return 0;
}

static int stage_set_limits(pk_group *group, const pk_limits *limits, pk_error *error)
{
    (void)error;
    group->limits = *limits;
    group->wants_evidence |= limits_any(limits);
    return 0;
}

static int stage_get_limits(pk_group *group, pk_limits *limits, pk_error *error)
{
    (void)error;
    *limits = group->limits;
    return 0;
}

/* It promises whatever may be required: nothing outlives anybody where nothing lives. */
static const struct backend backend_stage = {
    .mechanism = PK_MECHANISM_SCRIPT,
    .guarantees = PK_GUARANTEE_CGROUP | PK_GUARANTEE_WHOLE_TREE | PK_GUARANTEE_OWNER_DEATH | PK_GUARANTEE_LIMITS |
                  PK_GUARANTEE_USAGE,
    .has_limits = true,
    .open = stage_open,
    .close = stage_close,
    .abandon = stage_abandon,
    .place = stage_place,
    .unplace = stage_unplace,
    .born = stage_born,
    .adopt = stage_adopt,
    .list = stage_list,
    .describe = stage_describe,
    .is_empty = stage_is_empty,
    .open_events = stage_open_events,
    .kill = stage_kill,
    .signal = stage_signal,
    .suspend = stage_suspend,
    .resume = stage_resume,
    .usage = stage_usage,
    .evidence = stage_evidence,
    .set_limits = stage_set_limits,
    .get_limits = stage_get_limits,
};

/* ---- Starting --------------------------------------------------------------------------------------------------- */

/* A program of that name may well be there: that is not to be looked at. */
static int explain(const struct step *failure, const struct plan *plan, pk_error *error)
{
    if (failure->where == PK_STEP_CLONE)
        return spawn_explain_clone(failure->number, error);
    if (failure->where != PK_STEP_EXEC)
        return spawn_explain(plan, failure->where, failure->number, 0, error);
    if (failure->number == -ENOENT || failure->number == -ENOTDIR)
        return spawn_explain_missing(plan, failure->number, error);
    return spawn_explain_program(plan->command->argv[0], failure->number, error);
}

static int bear(struct stage *stage, pk_group *group, struct plan *plan, struct leader *leader, pk_error *error)
{
    const struct play *play = (const struct play *)stage;
    const struct step *failure = script_find(play->script, STEP_FAIL);
    group->stage = NULL;
    if (failure)
        return explain(failure, plan, error);

    struct actor *actor;
    int r = actor_new(play->script, plan, &actor);
    if (r == 0) {
        r = actor_lead(actor, leader);
        if (r < 0)
            actor_free(actor);
    }
    plan_close_child_ends(plan);
    if (r < 0)
        return error_errno(error, r, PK_STEP_CLONE, NULL, "cannot play '%s'", plan->argv[0]);
    pthread_mutex_lock(group->lock);
    group->wants_evidence |= limits_any(&group->limits) || script_find(play->script, STEP_RUN_OUT);
    group_add_leader(group, leader);
    pthread_mutex_unlock(group->lock);
    return 0;
}

int stage_start(const pk_script *script, const pk_command *command, enum process_stdio stdio, pk_process **process,
                pk_error *error)
{
    struct play play = {.stage.bear = bear, .script = script};
    pk_group *group;
    int r = script_check(script, error);
    if (r == 0)
        r = group_create_staged(command->contain, &backend_stage, &play.stage, &group, error);
    return r < 0 ? r : process_start_in(group, command, stdio, process, error);
}
