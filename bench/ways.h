/*
 * The ways to run a program and wait for its end that are compared with each other.
 */
#ifndef BENCH_WAYS_H
#define BENCH_WAYS_H

#include <stdbool.h>

enum way {
    WAY_POSIX_SPAWN,
    WAY_POSIX_SPAWN_CAREFUL,
    WAY_POSIX_SPAWN_CLEAN,
    WAY_FLOOR,
    WAY_FLOOR_CYCLE,
    WAY_CONTAINED,
    WAY_CONTAINED_INHERIT,
    WAY_PRIVATE,
    WAY_FORK,
    WAY_LIBUV,
    WAY_GLIB,
    WAYS,
};

struct way_description {
    const char *name;
    const char *details;
    bool copies;       /* it copies the parent's page tables */
    bool needs_cgroup; /* it is left out where no cgroup can be made */
    int (*once)(void); /* 0, or a negative errno; a program that did not exit with 0 is one too */
};

extern const struct way_description ways[WAYS];

/* Prepares all ways in this process; whatever a careful program makes once and keeps is made here. Ends the process
 * with a line on failure. */
void ways_prepare(const char *program);

/* Whether the library's groups are cgroups here. Only after ways_prepare. */
bool ways_have_cgroup(void);

void ways_finish(void);

#endif
