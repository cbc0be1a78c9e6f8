/*
 * The list of live groups, and what happens at the normal end of the process.
 */
#include "contain/registry.h"

#include "contain/backend.h"
#include "contain/ladder.h"
#include "contain/owner.h"
#include "contain/reaper-link.h"
#include "sys/sys.h"

#include <stdatomic.h>

static struct {
    pthread_mutex_t lock;
    _Atomic uint64_t epoch;
    pk_group *groups;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A forked child starts with an empty list: the groups in its copy are its parent's. */
static void lock_registry(void)
{
    uint64_t now = sys_epoch();
    uint64_t then = registry.epoch;
    if (then != now && atomic_compare_exchange_strong(&registry.epoch, &then, now) && then != 0) {
        registry.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        registry.groups = NULL;
    }
    pthread_mutex_lock(&registry.lock);
}

void registry_add(pk_group *group)
{
    lock_registry();
    group->next = registry.groups;
    group->link = &registry.groups;
    if (group->next)
        group->next->link = &group->next;
    registry.groups = group;
    pthread_mutex_unlock(&registry.lock);
}

void registry_remove(pk_group *group)
{
    lock_registry();
    *group->link = group->next;
    if (group->next)
        group->next->link = group->link;
    pthread_mutex_unlock(&registry.lock);
}

/*
 * At exit(), after main and the atexit handlers, or when the library is unloaded. The handles stay allocated: other
 * threads may still hold them.
 */
__attribute__((destructor)) void pk_leave(void)
{
    if (registry.epoch == sys_epoch()) {
        lock_registry();
        for (pk_group *group = registry.groups; group; group = group->next)
            ladder_end_group(group);
        pthread_mutex_unlock(&registry.lock);
    }
    reaper_link_tidy();
    owner_leave();
}
