/*
 * The parent's side of a spawn.
 */
#ifndef PK_PROCESS_SPAWN_H
#define PK_PROCESS_SPAWN_H

#include "contain/group.h"
#include "process/plan.h"

/* Ways to make the child, best first. What is found unsupported is not tried again. */
enum way {
    WAY_INTO_CGROUP, /* clone3 with CLONE_INTO_CGROUP (Linux 5.7): no migration, no window */
    WAY_JOIN,        /* clone3, and the child enters its cgroup by a write */
    WAY_LEGACY,      /* clone, likewise: clone3 is missing or refused by a seccomp filter */
};

/* The next way, if this errno means that the present one is not to be had; the same way otherwise. */
enum way way_after(enum way way, int number);

/*
 * Starts the plan's command in the group. On success the leader, which must be new, is running and registered with the
 * group, which has taken a reference of its own; on failure no process is left, not even a zombie.
 */
int spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error);

/* Whether CLONE_INTO_CGROUP is in use, for pk_host_examine and tests: false once it was found unsupported, or once a
 * child was killed at birth because this process lives in a cgroup that was killed before. */
bool spawn_uses_clone_into_cgroup(void);

/* spawn-error.c: one line for what went wrong in the child. */
int spawn_explain(const struct plan *plan, pk_step step, int number, size_t candidate, pk_error *error);

/* For a child that could not be made. */
int spawn_explain_clone(int number, pk_error *error);

/* For a program that is known to be nowhere, and for one that cannot be run, without looking at it. */
int spawn_explain_missing(const struct plan *plan, int number, pk_error *error);
int spawn_explain_program(const char *path, int number, pk_error *error);

/* The same if a limit of the group is to blame. 0 if none is. -ECANCELED: it was killed for want of memory. */
int spawn_explain_limit(const struct plan *plan, int cgroup_fd, const pk_limits *limits, pk_step step, int number,
                        pk_error *error);

#endif
