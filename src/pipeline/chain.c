/*
 * Going along with the last stage of a pipeline: what becomes of the others, and of all when one has failed.
 */
#include "pipeline/chain.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static struct chain *chain_of(struct company *company)
{
    return (struct chain *)company;
}

static size_t last_of(const struct chain *chain)
{
    return chain->company.count - 1;
}

/* A callback has freed all of it. The memory is still there: who called us is busy with the last. */
static bool is_gone(const struct chain *chain)
{
    return !chain->company.stages[last_of(chain)];
}

/* ---- Tearing down ----------------------------------------------------------------------------------------------- */

/* For a reason of its own, or is to be at this moment. A second signal would be taken for impatience. */
static bool is_being_ended(const pk_process *process)
{
    return process->run.phase == RUN_STOPPING || sys_now() >= process->run.deadline ||
           (process->cancel && pk_cancel_is_set(process->cancel));
}

static void tear_down(struct chain *chain, size_t begin, size_t end)
{
    for (size_t i = begin; i < end && !is_gone(chain); i++) {
        struct circumstances *circumstances = &chain->links[i].circumstances;
        pk_process *process = chain->company.stages[i];
        if (chain->fates[i] != FATE_RUNNING || circumstances->torn_down || is_being_ended(process))
            continue;
        circumstances->torn_down = true;
        process_stop_alone(process, NULL, NULL);
    }
}

static void on_settle(struct loop_timer *timer, void *data)
{
    struct chain *chain = data;
    (void)timer;
    tear_down(chain, 0, chain->company.count);
}

/* Nobody reads what those before it write; those after it see the end of their input, and may have something left to
 * do. Who cannot be waited for is not. */
static void fail(struct chain *chain, size_t stage)
{
    tear_down(chain, 0, stage);
    if (!chain->settling)
        chain->settling = chain->patience > 0 && loop_timer_set(&chain->settle, pk_deadline(chain->patience)) == 0;
    if (!chain->settling)
        tear_down(chain, stage + 1, chain->company.count);
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

static enum fate judge(const struct chain *chain, size_t stage)
{
    return pipefail_fate(&chain->company.stages[stage]->run.result, &chain->links[stage].circumstances);
}

static bool look(struct company *company)
{
    struct chain *chain = chain_of(company);
    bool over = true;
    for (size_t i = 0; i < company->count && !is_gone(chain); i++) {
        const pk_process *process = company->stages[i];
        over &= i == last_of(chain) || process->finished;
        if (chain->fates[i] != FATE_RUNNING || process->run.phase != RUN_ENDED)
            continue;
        chain->fates[i] = judge(chain, i);
        if (chain->fates[i] == FATE_FAILED)
            fail(chain, i);
    }
    return over;
}

static void drop_joint(struct link *link)
{
    if (link->joint)
        link->tee_error = link->joint->relay.tee.error;
    link->joint = joint_free(link->joint);
}

/* Of what was written it may have become known that it was too much. */
static void conclude(struct company *company)
{
    struct chain *chain = chain_of(company);
    for (size_t i = 0; i < company->count; i++) {
        chain->fates[i] = judge(chain, i);
        drop_joint(&chain->links[i]);
    }
    company->culprit = pipefail_culprit(chain->fates, company->count);
}

/* ---- Going along ------------------------------------------------------------------------------------------------ */

/* A timer that could not be set is set by the next dispatch, to which nobody would come without it. */
static void advance(struct company *company)
{
    if (pk_loop_dispatch(chain_of(company)->loop, 0, NULL) < 0)
        pk_loop_dispatch(chain_of(company)->loop, 0, NULL);
}

/* Whatever it is, it is seen by look, after each dispatch. */
static void on_event(pk_process *process, pk_event event, void *data)
{
    (void)process, (void)event, (void)data;
}

static void stop(struct company *company, const pk_stop_options *options)
{
    struct chain *chain = chain_of(company);
    for (size_t i = 0; i < last_of(chain) && !is_gone(chain); i++)
        process_stop_alone(company->stages[i], options, NULL);
}

static int tee_error(const struct company *company, size_t stage)
{
    const struct link *link = &((const struct chain *)company)->links[stage];
    return link->joint ? link->joint->relay.tee.error : link->tee_error;
}

/* All of them, before each is waited for by itself. Who reads goes before who writes, and so does not take what it has
 * got for all there is; at once, since a reaper may take its time. */
static void kill_all(const struct company *company)
{
    for (size_t i = company->count; i-- > 0;) {
        const pk_process *process = company->stages[i];
        pk_group *group = process ? process->run.group : NULL;
        if (!group || process->run.phase == RUN_ENDED || group_check_owner(group, NULL) < 0)
            continue;
        pthread_mutex_lock(group->lock);
        leader_signal(process->run.leader, SIGKILL);
        group->backend->kill(group);
        pthread_mutex_unlock(group->lock);
    }
}

static void end(struct company *company)
{
    struct chain *chain = chain_of(company);
    kill_all(company);
    for (size_t i = 0; i < company->count; i++) {
        pk_process *process = company->stages[i];
        drop_joint(&chain->links[i]);
        company->stages[i] = NULL;
        if (i != last_of(chain))
            pk_process_free(process);
    }
}

/* ---- Making ----------------------------------------------------------------------------------------------------- */

static void free_company(struct company *company)
{
    chain_free(chain_of(company));
}

/* The first time that a timer is set takes a descriptor. Whoever has to be ended later must not be in want of one:
 * nobody would notice that a grace is over. */
static int make_loop(struct chain *chain, pk_error *error)
{
    int r = pk_loop_create(&chain->loop, error);
    if (r < 0)
        return r;
    chain->company.fd = pk_loop_fd(chain->loop);
    r = loop_timer_add(chain->loop, &chain->settle, pk_deadline(PK_SECONDS(1)), on_settle, chain);
    if (r == 0)
        r = loop_timer_set(&chain->settle, PK_FOREVER);
    return r < 0 ? error_errno(error, r, PK_STEP_LOOP, NULL, "cannot start a pipeline") : 0;
}

int chain_new(size_t count, pk_duration patience, struct chain **ret, pk_error *error)
{
    struct chain *chain = calloc(1, sizeof(*chain));
    if (!chain)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a pipeline");
    chain->patience = patience;
    chain->company = (struct company){
        .count = count,
        .culprit = PK_NO_STAGE,
        .fd = -1,
        .stages = calloc(count, sizeof(pk_process *)),
        .advance = advance,
        .look = look,
        .conclude = conclude,
        .stop = stop,
        .tee_error = tee_error,
        .end = end,
        .free = free_company,
    };
    chain->links = calloc(count, sizeof(*chain->links));
    chain->fates = calloc(count, sizeof(*chain->fates));
    int r = 0;
    if (!chain->company.stages || !chain->links || !chain->fates)
        r = error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a pipeline");
    if (r == 0)
        r = make_loop(chain, error);
    if (r < 0)
        chain_free(chain);
    else
        *ret = chain;
    return r;
}

void chain_free(struct chain *chain)
{
    loop_timer_remove(&chain->settle);
    pk_loop_free(chain->loop);
    pk_group_free(chain->company.group);
    free(chain->company.stages);
    free(chain->links);
    free(chain->fates);
    free(chain);
}

int chain_take(struct chain *chain, size_t stage, pk_process *process, pk_error *error)
{
    struct company *company = &chain->company;
    company->stages[stage] = process;
    if (stage == last_of(chain)) {
        process->company = company;
        return 0;
    }
    process->whole = company->stages[last_of(chain)];
    return pk_process_watch(process, chain->loop, on_event, NULL, error);
}
