/*
 * Keeping the services of a file.
 */
#include "roster.h"

#include "service-make.h"

#include <stdlib.h>
#include <string.h>

struct roster *roster_new(struct service_plans *plans)
{
    struct roster *roster = calloc(1, sizeof(*roster));
    if (roster)
        roster->entries = calloc(plans->count + 1, sizeof(*roster->entries));
    bool good = roster && roster->entries;
    for (size_t i = 0; good && i < plans->count; i++) {
        roster->entries[roster->count++].plan = plans->items[i];
        plans->items[i] = NULL;
    }
    service_plans_free(plans);
    return good ? roster : roster_free(roster);
}

struct roster *roster_free(struct roster *roster)
{
    if (!roster)
        return NULL;
    for (size_t i = 0; i < roster->count; i++)
        service_plan_free(roster->entries[i].plan);
    free(roster->entries);
    free(roster);
    return NULL;
}

/* A session of its own: Ctrl-C is for pk, which stops them in order. */
static pk_service *make(struct service_plan *plan, pk_supervisor *supervisor)
{
    pk_command_setsid(plan->command);
    return service_plan_make(plan, supervisor);
}

/* ---- What rests -------------------------------------------------------------------------------------------------- */

/* The one with that name that is not about to go. */
static struct roster_entry *find(const struct roster *roster, const char *name)
{
    for (size_t i = 0; i < roster->count; i++)
        if (!roster->entries[i].leaving && roster->entries[i].plan && strcmp(roster->entries[i].plan->name, name) == 0)
            return &roster->entries[i];
    return NULL;
}

static bool needs(const struct roster_entry *entry, const char *name)
{
    for (size_t i = 0; !entry->leaving && entry->plan && i < entry->plan->need_count; i++)
        if (strcmp(entry->plan->needs[i].name, name) == 0)
            return true;
    return false;
}

void roster_note_stop(struct roster *roster, const char *name)
{
    struct roster_entry *entry = find(roster, name);
    if (entry)
        entry->stopped = true;
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_entry *other = &roster->entries[i];
        if (other->service && !other->stopped && needs(other, name))
            roster_note_stop(roster, other->plan->name);
    }
}

void roster_note_start(struct roster *roster, const char *name)
{
    struct roster_entry *entry = find(roster, name);
    if (!entry)
        return;
    entry->stopped = false;
    for (size_t i = 0; i < entry->plan->need_count; i++) {
        const struct roster_entry *need = find(roster, entry->plan->needs[i].name);
        if (need && need->stopped)
            roster_note_start(roster, need->plan->name);
    }
}

static bool is_up(const struct roster_entry *entry)
{
    pk_service_status status;
    pk_service_look(entry->service, &status);
    return entry->service && status.state != PK_SERVICE_RESTING && status.state != PK_SERVICE_WAITING &&
           status.state != PK_SERVICE_OVER;
}

/* Whether one runs that would be stopped with it, since what it needs had been done before that was stopped. */
static bool is_in_use(const struct roster *roster, const char *name)
{
    for (size_t i = 0; i < roster->count; i++)
        if (!roster->entries[i].stopped && needs(&roster->entries[i], name) && is_up(&roster->entries[i]))
            return true;
    return false;
}

/* It has not begun yet. */
static void let_rest(struct roster *roster, struct roster_entry *entry)
{
    if (is_in_use(roster, entry->plan->name))
        entry->stopped = false;
    else if (pk_service_stop(entry->service, NULL, NULL) == 0)
        roster_note_stop(roster, entry->plan->name);
}

int roster_make(struct roster *roster, pk_supervisor *supervisor)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_entry *entry = &roster->entries[i];
        if (entry->service)
            continue;
        entry->service = make(entry->plan, supervisor);
        if (!entry->service)
            return -1;
        if (entry->stopped)
            let_rest(roster, entry);
    }
    return 0;
}

/* ---- Changing --------------------------------------------------------------------------------------------------- */

static void list(json_t *names, const struct service_plan *plan)
{
    json_array_append_new(names, json_string(plan->name));
}

static bool is_listed(const json_t *names, const struct service_plan *plan)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        if (strcmp(json_string_value(name), plan->name) == 0)
            return true;
    }
    return false;
}

static void dismiss(struct roster *roster, struct roster *other, const struct roster_changes *changes)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_entry *entry = &roster->entries[i];
        struct roster_entry *next = entry->leaving ? NULL : find(other, entry->plan->name);
        if (entry->leaving || (next && service_plan_same(entry->plan, next->plan)))
            continue;
        list(next ? changes->changed : changes->removed, entry->plan);
        if (next)
            next->stopped = entry->stopped;
        entry->leaving = true;
        pk_service_remove(entry->service);
    }
}

/* There is room for all of them. */
static void take_over(struct roster *roster, struct roster *other, const struct roster_changes *changes)
{
    for (size_t i = 0; i < other->count; i++) {
        struct roster_entry *entry = &other->entries[i];
        if (find(roster, entry->plan->name))
            continue;
        if (!is_listed(changes->changed, entry->plan))
            list(changes->added, entry->plan);
        roster->entries[roster->count++] = (struct roster_entry){.plan = entry->plan, .stopped = entry->stopped};
        entry->plan = NULL;
    }
}

int roster_become(struct roster *roster, struct roster *other, pk_supervisor *supervisor,
                  const struct roster_changes *changes)
{
    struct roster_entry *entries =
        reallocarray(roster->entries, roster->count + other->count + 1, sizeof(*roster->entries));
    if (entries) {
        roster->entries = entries;
        dismiss(roster, other, changes);
        take_over(roster, other, changes);
    }
    roster_free(other);
    return entries ? roster_make(roster, supervisor) : -1;
}

void roster_forget(struct roster *roster, const pk_service *service)
{
    for (size_t i = 0; i < roster->count; i++)
        if (roster->entries[i].service == service) {
            service_plan_free(roster->entries[i].plan);
            roster->entries[i] = roster->entries[--roster->count];
            return;
        }
}
