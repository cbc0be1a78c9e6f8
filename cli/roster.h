/*
 * The services of a file that are supervised, each with the plan it was made by: this must outlive it.
 */
#ifndef PK_CLI_ROSTER_H
#define PK_CLI_ROSTER_H

#include "service-file.h"

#include <jansson.h>
#include <stddef.h>

struct roster_entry {
    struct service_plan *plan;
    pk_service *service; /* NULL: not yet */
    bool leaving;        /* it is being removed */
    bool stopped;        /* on request, and not started since */
};

struct roster {
    struct roster_entry *entries;
    size_t count;
};

/* Takes the plans, and frees them if memory ran out: NULL. */
struct roster *roster_new(struct service_plans *plans);

/* After the supervisor. Takes NULL; returns NULL. */
struct roster *roster_free(struct roster *roster);

/* Adds services for those that have none. 0, or -1: memory ran out. */
int roster_make(struct roster *roster, pk_supervisor *supervisor);

/*
 * Makes it what another one is, which is freed: what is not there any more is removed, what is new added, what has
 * changed removed and added, and stays at rest if it was stopped; what is the same is not touched. Names of them go to
 * these lists. 0, or -1: memory ran out, with some of that done.
 */
struct roster_changes {
    json_t *added, *changed, *removed;
};
int roster_become(struct roster *roster, struct roster *other, pk_supervisor *supervisor,
                  const struct roster_changes *changes);

/* What was done on request: the service of that name was stopped, and with it those that need it; or it was started,
 * and with it those that it needs. */
void roster_note_stop(struct roster *roster, const char *name);
void roster_note_start(struct roster *roster, const char *name);

/* A service is gone. */
void roster_forget(struct roster *roster, const pk_service *service);

#endif
