/*
 * Which service comes after which.
 */
#include "base/error.h"
#include "supervise/supervise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* NULL: there is none of that name. */
static pk_service *resolve(pk_service *service, size_t index)
{
    struct need *need = &service->needs[index];
    if (need->generation != service->supervisor->generation) {
        need->service = pk_supervisor_find(service->supervisor, need->name);
        need->generation = service->supervisor->generation;
    }
    return need->service;
}

void order_is_another(pk_supervisor *supervisor)
{
    supervisor->generation++;
    supervisor->held_known = false;
}

/* ---- Whether there is one --------------------------------------------------------------------------------------- */

static int refuse_name(const pk_service *service, const char *name, pk_error *error)
{
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "invalid service %s: it needs %s, which there is not", service->name, name);
}

/* The way round, which ends where it began: "a needs b needs a". */
static int refuse_circle(pk_service *const *way, size_t length, const pk_service *again, pk_error *error)
{
    char names[PK_ERROR_MESSAGE_SIZE - 64] = "";
    size_t begin = 0, used = 0;
    while (way[begin] != again)
        begin++;
    for (size_t i = begin; i < length && used + SERVICE_NAME_SIZE + 16 < sizeof(names); i++)
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s needs ", way[i]->name);
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "invalid services: they need each other in a circle: %s%s", names, again->name);
}

/* A walk along needs, depth first, with a stack of its own: services may be many, and each may need the next. */
struct walk {
    pk_service **way; /* that leads here */
    size_t *turns;    /* which need of each was gone to last */
    size_t length;
    const pk_service *judged; /* only what this one has part in counts; NULL: everything does */
};

static void enter(struct walk *walk, pk_service *service)
{
    service->visit = VISIT_ENTERED;
    walk->way[walk->length] = service;
    walk->turns[walk->length++] = 0;
}

/* It is not started, so it closes no circle; and is looked at again before it is. */
static bool is_refused(const pk_service *service)
{
    return service->machine.state == PK_SERVICE_OVER && service->machine.end == PK_SERVICE_INVALID;
}

/* One step on: to the next need of the last one on the way, or back. */
static int step(struct walk *walk, pk_error *error)
{
    pk_service *here = walk->way[walk->length - 1];
    size_t turn = walk->turns[walk->length - 1]++;
    if (turn == here->need_count) {
        here->visit = VISIT_LEFT;
        walk->length--;
        return 0;
    }
    pk_service *need = resolve(here, turn);
    if (!need)
        return walk->judged ? 0 : refuse_name(here, here->needs[turn].name, error);
    if (is_refused(need))
        return 0;
    if (need->visit == VISIT_ENTERED && (!walk->judged || need == walk->judged))
        return refuse_circle(walk->way, walk->length, need, error);
    if (need->visit == VISIT_NONE)
        enter(walk, need);
    return 0;
}

static int walk_from(struct walk *walk, pk_service *service, pk_error *error)
{
    int r = 0;
    enter(walk, service);
    while (r == 0 && walk->length > 0)
        r = step(walk, error);
    return r;
}

static int walk_all(const pk_supervisor *supervisor, struct walk *walk, pk_error *error)
{
    int r = 0;
    for (pk_service *service = supervisor->first; r == 0 && service; service = service->next)
        if (service->visit == VISIT_NONE)
            r = walk_from(walk, service, error);
    return r;
}

static int check(const pk_supervisor *supervisor, pk_service *judged, pk_error *error)
{
    size_t count = 0;
    for (pk_service *service = supervisor->first; service; service = service->next, count++)
        service->visit = VISIT_NONE;
    struct walk walk = {.judged = judged};
    walk.way = calloc(count + 1, sizeof(*walk.way));
    walk.turns = calloc(count + 1, sizeof(*walk.turns));
    int r = 0;
    if (!walk.way || !walk.turns)
        r = error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot put services in order");
    else
        r = judged ? walk_from(&walk, judged, error) : walk_all(supervisor, &walk, error);
    free(walk.way);
    free(walk.turns);
    return r;
}

int order_check(const pk_supervisor *supervisor, pk_error *error)
{
    int r = check(supervisor, NULL, error);
    for (pk_service *service = supervisor->first; r == 0 && service; service = service->next)
        service->checked = supervisor->generation;
    return r;
}

int order_check_one(pk_service *service, pk_error *error)
{
    if (service->checked == service->supervisor->generation)
        return 0;
    int r = check(service->supervisor, service, error);
    if (r == 0)
        service->checked = service->supervisor->generation;
    return r;
}

/* ---- Starting --------------------------------------------------------------------------------------------------- */

bool order_is_satisfied(const pk_service *need)
{
    if (need->now.by != READY_BY_END)
        return need->machine.state == PK_SERVICE_READY && !need->unwanted && !need->winding_down;
    return need->machine.state == PK_SERVICE_OVER &&
           (need->machine.end == PK_SERVICE_SATISFIED || need->machine.end == PK_SERVICE_DONE);
}

/* One of its name that is on its way out. */
static bool has_predecessor(const pk_service *service)
{
    for (const pk_service *other = service->supervisor->first; other != service; other = other->next)
        if (other->removing && strcmp(other->name, service->name) == 0)
            return true;
    return false;
}

const char *order_awaited(pk_service *service, bool *hopeless)
{
    *hopeless = false;
    if (has_predecessor(service))
        return service->name;
    for (size_t i = 0; i < service->need_count; i++) {
        const pk_service *need = resolve(service, i);
        if (need && order_is_satisfied(need))
            continue;
        *hopeless = need && need->machine.state == PK_SERVICE_OVER;
        return service->needs[i].name;
    }
    return NULL;
}

/* ---- Stopping --------------------------------------------------------------------------------------------------- */

static bool is_ending(const pk_service *service)
{
    return service->unwanted || service->removing || service->machine.state == PK_SERVICE_STOPPING ||
           service->machine.state == PK_SERVICE_EMPTYING;
}

/* Who goes on does not hold what is being removed, which nobody finds by its name any more. */
static void hold_removed(const pk_service *dependent, const char *name)
{
    for (pk_service *other = dependent->supervisor->first; other; other = other->next)
        if (other->removing && other != dependent && strcmp(other->name, name) == 0)
            other->held = true;
}

static void hold_needs(pk_service *dependent, bool any_removed)
{
    for (size_t i = 0; i < dependent->need_count; i++) {
        pk_service *need = resolve(dependent, i);
        if (need)
            need->held = true;
        if (any_removed && is_ending(dependent))
            hold_removed(dependent, dependent->needs[i].name);
    }
}

static void find_held(pk_supervisor *supervisor)
{
    bool any_removed = false;
    supervisor->held_known = true;
    for (pk_service *service = supervisor->first; service; service = service->next) {
        service->held = false;
        any_removed |= service->removing;
    }
    for (pk_service *service = supervisor->first; service; service = service->next)
        if (machine_has_tree(&service->machine))
            hold_needs(service, any_removed);
}

bool order_is_held(pk_service *service)
{
    if (!service->supervisor->held_known)
        find_held(service->supervisor);
    return service->held;
}

void order_each_dependent(pk_service *service, void (*visit)(pk_service *dependent))
{
    for (pk_service *other = service->supervisor->first; other; other = other->next)
        for (size_t i = 0; !other->removing && i < other->need_count; i++)
            if (resolve(other, i) == service)
                visit(other);
}

void order_each_need(pk_service *service, void (*visit)(pk_service *need))
{
    for (size_t i = 0; i < service->need_count; i++)
        if (resolve(service, i))
            visit(resolve(service, i));
}
