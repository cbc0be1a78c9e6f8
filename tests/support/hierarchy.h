/*
 * The cgroup v2 directories of a test, looked at without the library.
 */
#ifndef PK_TESTS_HIERARCHY_H
#define PK_TESTS_HIERARCHY_H

#include "report.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* The directory of the cgroup this process is in. False where none can be seen. */
bool hierarchy_own(char path[PATH_MAX]);

/* Whether a directory can be made in it, and whether memory, pids and cpu are there. */
bool hierarchy_is_writable(const char *path);
bool hierarchy_has_controllers(const char *path);

/* Makes a cgroup below `place` that belongs to `user` as if it had been delegated. */
bool hierarchy_delegate(const char *place, uid_t user, char path[PATH_MAX]);

/* Enables a controller for the cgroups below; whether it could be done. */
bool hierarchy_enable(const char *path, const char *controller);

/* Moves this process. */
bool hierarchy_enter(const char *path);

/* Kills everything in it and below and removes it all. */
void hierarchy_remove(const char *path);

/* Removes all directories of `place` whose names begin so. Adds a line for each to `leaks`, which may be NULL. */
void hierarchy_sweep(const char *place, const char *prefix, struct report *leaks);

#endif
