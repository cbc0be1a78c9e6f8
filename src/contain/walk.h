/*
 * Walking the cgroup hierarchy in search of directories of ours.
 */
#ifndef PK_CONTAIN_WALK_H
#define PK_CONTAIN_WALK_H

#include <processkit/error.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct walk {
    const char *prefix; /* of the names looked for */

    /* A directory with such a name: `name` in `parent`, opened as `dir`, at `walk->path`. */
    void (*found)(struct walk *walk, int parent, const char *name, int dir);
    void *data;
    bool done; /* set by `found`: enough was seen */

    int unreadable; /* result: how many directories could not be looked into */
    int first;      /* result: the first error */
    pk_error *error;
    size_t length; /* of the path */
    char path[PATH_MAX];
};

/*
 * Walks what is below the directory `below`, or below the mount point if that is NULL. What is found is walked as well.
 * A negative errno if that cannot even begin, -EINVAL if `below` is not in a cgroup2 file system; otherwise 0 and
 * walk->first. What the caller may not read is counted and passed over.
 */
int walk_below(struct walk *walk, const char *below, pk_error *error);

/* Remembers the first error, and explains it. */
void walk_fail(struct walk *walk, int number, pk_step step);

#endif
