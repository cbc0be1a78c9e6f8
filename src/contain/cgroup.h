/*
 * One cgroup v2 directory, by its descriptor: reading, killing, freezing, removing. Knows nothing about groups.
 */
#ifndef PK_CONTAIN_CGROUP_H
#define PK_CONTAIN_CGROUP_H

#include "base/pids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What follows `key` and a space, in the first line of a text that begins so; NULL if there is none. */
const char *cgroup_find_key(const char *text, const char *key);

/* The value after `key` in a text of "KEY VALUE" lines; "max" is UINT64_MAX. -ENODATA if it is not there. */
int cgroup_parse_key(const char *text, const char *key, uint64_t *value);

/* The same from a file of the directory. */
int cgroup_read_key(int dir, const char *file, const char *key, uint64_t *value);

/* A file with a single number, or "max". */
int cgroup_read_number(int dir, const char *file, uint64_t *value);

/* Whether this errno means that the directory was deleted, by us before or by somebody else: nothing can be in it. */
bool cgroup_is_gone(int number);

/* 1 if a living process is in it or below, 0 if not, also when the directory has been deleted. */
int cgroup_is_populated(int dir);

/* Calls back for each directory directly below `dir`, which is at `depth`, until that returns non-zero, and returns it.
 * -ELOOP deeper than anybody needs. */
int cgroup_each(int dir, int depth, int (*visit)(int dir, const char *name, int depth, void *data), void *data);

/* Adds the pids in it and below. Those of other pid namespaces are left out; processes that have ended but were not yet
 * waited for may be among them. */
int cgroup_list(int dir, struct pids *pids);

/* Kills everything in it and below at once. -ENOENT before Linux 5.14. */
int cgroup_kill(int dir);

/* Freezes or thaws everything in it and below. Only asks for it: see cgroup_is_frozen. -ENOENT before Linux 5.2. */
int cgroup_freeze(int dir, bool freeze);

/* 1 once everything stands still. */
int cgroup_is_frozen(int dir);

/* 0 if a file there may be written to, by the rights that count for that. */
int cgroup_may_write(int dir, const char *file);

/* Moves a process here. */
int cgroup_move(int dir, pid_t pid);

/* Removes the directory `name` in `parent`, and what members made below it. -EBUSY while it has members; one that is
 * not there is a success. */
int cgroup_remove(int parent, const char *name);

#endif
