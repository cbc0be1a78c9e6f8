/*
 * One cgroup directory, as the guardian sees it: is it empty, kill what is in it, remove it.
 */
#ifndef PK_GUARDIAN_CGROUP_H
#define PK_GUARDIAN_CGROUP_H

#include "calls.h"

/* Calls back for each directory directly in `dir`; stops when that returns non-zero. 0 if `dir` is gone. */
long each_directory(int dir, long (*visit)(int dir, const char *name, void *data), void *data);

/* Whether a living process is in it or below. A directory that is gone has none. */
bool is_populated(int dir);

/* Kills everything in it and below at once, or, before Linux 5.14, member by member. */
void kill_all(int dir);

/* Kills member by member, each by pidfd: also a process whose main thread has ended, which cgroup.kill misses. */
void kill_members(int dir);

/* Removes `name` in `parent` and what members made below it. False while it has living members. */
bool remove_directory(int parent, const char *name);

#endif
