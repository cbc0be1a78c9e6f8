/*
 * Keeping empty directories.
 */
#include "contain/idle.h"

#include "contain/cgroup.h"

bool idle_park(struct idle *idle, const struct owner_entry *entry)
{
    if (idle->count == IDLE_MOST)
        return false;
    idle->entries[idle->count++] = *entry;
    return true;
}

bool idle_take(struct idle *idle, struct owner_entry *entry)
{
    if (idle->count == 0)
        return false;
    *entry = idle->entries[--idle->count];
    return true;
}

/* One that somebody has entered meanwhile stays, and is the guardian's at the end. */
void idle_drop(struct idle *idle, int dir)
{
    while (idle->count > 0) {
        const struct owner_entry *entry = &idle->entries[--idle->count];
        if (dir >= 0)
            cgroup_remove(dir, entry->name);
        owner_close_entry(entry);
    }
}
