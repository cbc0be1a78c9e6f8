/*
 * The list of live groups, and what happens at the normal end of the process.
 */
#include "contain/registry.h"

#include "contain/backend.h"
#include "contain/fork-lock.h"
#include "contain/ladder.h"
#include "contain/late-child.h"
#include "contain/owner.h"

static void let_go(void);

/* Not eager: it is held while groups are ended, which takes the others. */
static struct {
    struct fork_lock lock;
    pk_group *groups;
} registry = {.lock = FORK_LOCK_INIT(let_go, false)};

/* In a forked child: the groups in its copy are its parent's. */
static void let_go(void)
{
    registry.groups = NULL;
}

void registry_add(pk_group *group)
{
    fork_lock_take(&registry.lock);
    group->next = registry.groups;
    group->link = &registry.groups;
    if (group->next)
        group->next->link = &group->next;
    registry.groups = group;
    fork_lock_release(&registry.lock);
}

void registry_remove(pk_group *group)
{
    fork_lock_take(&registry.lock);
    *group->link = group->next;
    if (group->next)
        group->next->link = group->link;
    fork_lock_release(&registry.lock);
}

/*
 * At exit(), after main and the atexit handlers, or when the library is unloaded. The handles stay allocated: other
 * threads may still hold them.
 */
__attribute__((destructor)) void pk_leave(void)
{
    if (fork_lock_is_used(&registry.lock)) {
        fork_lock_take(&registry.lock);
        for (pk_group *group = registry.groups; group; group = group->next)
            ladder_end_group(group);
        fork_lock_release(&registry.lock);
    }
    late_child_tidy();
    owner_leave();
}
