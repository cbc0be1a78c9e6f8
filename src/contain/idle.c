/*
 * Keeping empty directories.
 */
#include "contain/idle.h"

#include "contain/cgroup.h"
#include "sys/sys.h"

bool idle_park(struct idle *idle, const struct owner_entry *entry, const pk_usage *used)
{
    if (idle->count == IDLE_MOST)
        return false;
    idle->entries[idle->count] = *entry;
    idle->used[idle->count++] = *used;
    return true;
}

bool idle_take(struct idle *idle, struct owner_entry *entry, pk_usage *used)
{
    if (idle->count == 0)
        return false;
    *entry = idle->entries[--idle->count];
    *used = idle->used[idle->count];
    return true;
}

/* One that somebody has entered meanwhile stays, and is the guardian's at the end. */
void idle_drop(struct idle *idle, int dir)
{
    while (idle->count > 0) {
        const struct owner_entry *entry = &idle->entries[--idle->count];
        if (dir >= 0)
            cgroup_remove(dir, entry->name);
        sys_close_safe(entry->fd);
    }
}
