/*
 * The place of a process in the cgroup2 hierarchy, as a directory.
 */
#ifndef PK_CONTAIN_PLACE_H
#define PK_CONTAIN_PLACE_H

#include <processkit/error.h>

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct place {
    char mount[PATH_MAX]; /* where cgroup2 is mounted */
    char own[PATH_MAX];   /* the directory of this process's own cgroup */
};

/*
 * Finds the place. -ENOENT or -EXDEV when there is none to be seen: no cgroup2 mount, or one that does not show this
 * process.
 */
int place_find(struct place *place, pk_error *error);

/* The same for another process, seen from here. Also -ENOENT or -ESRCH when there is no such process any more. */
int place_find_of(pid_t pid, struct place *place, pk_error *error);

/* Whether this errno, from finding the place or making a directory there, means that a cgroup cannot be had here, as
 * opposed to a failure that has to be reported. */
bool place_is_refusal(int number);

#endif
