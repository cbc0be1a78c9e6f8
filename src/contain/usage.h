/*
 * Counters: what a tree has used, and where the figures come from.
 */
#ifndef PK_CONTAIN_USAGE_H
#define PK_CONTAIN_USAGE_H

#include "base/pids.h"

#include <processkit/group.h>

#include <stdbool.h>

/* Reads a cgroup's counters; memory and pids only if it has controllers, which most have not. */
int usage_read_cgroup(int dir, bool controllers, pk_usage *usage);

/* The same from the text of cpu.stat: whether the figures are there. */
bool usage_parse_cgroup(const char *text, pk_usage *usage);

/* Adds `more` to `usage`: times add up, peaks do not happen at once and the larger counts. */
void usage_add(pk_usage *usage, const pk_usage *more);

/* Takes the CPU time of `before` away. */
void usage_subtract(pk_usage *usage, const pk_usage *before);

/* Sums the living among `pids` from /proc into those figures that have no source yet, and counts them. */
void usage_read_living(const struct pids *pids, pk_usage *usage);

/* Adds the CPU time of these processes, and of the children they waited for. */
void usage_add_families(const struct pids *pids, pk_usage *usage);

#endif
