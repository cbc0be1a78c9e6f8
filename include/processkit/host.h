/*
 * What this host gives: which mechanisms work here, what they guarantee, and why not more.
 */
#ifndef PROCESSKIT_HOST_H
#define PROCESSKIT_HOST_H

#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/macros.h>

#include <stdbool.h>
#include <stddef.h>

PK_BEGIN_DECLS

#define PK_HOST_TEXT_SIZE 384

/* One rung: a mechanism, or limits on top of one. */
typedef struct pk_rung {
    const char *name; /* "cgroup2", "cgroup2 with limits", "reaper", "process_group"; static */
    bool available;
    unsigned guarantees;            /* pk_guarantee bits it would give; 0 when not available */
    char reason[PK_HOST_TEXT_SIZE]; /* why it is not available, or ""; may hold for an available one: what it lacks
                                     */
    char remedy[PK_HOST_TEXT_SIZE]; /* what would change that, or "" */
} pk_rung;

/* One way to have controllers for limits: see pk_delegation. */
typedef struct pk_way {
    pk_delegation delegation;
    bool available;                      /* for memory, pids and cpu; `leaf` only if it is asked for */
    char controllers[PK_HOST_TEXT_SIZE]; /* those that can be had there, separated by spaces, or "" */
    char reason[PK_HOST_TEXT_SIZE];      /* why it is not available, or "" */
    char remedy[PK_HOST_TEXT_SIZE];      /* what would change that, or "" */
} pk_way;

/* One feature of the kernel that is used when present. */
typedef struct pk_feature {
    const char *name; /* "clone3", "clone-into-cgroup", "cgroup.kill", ...; static */
    bool available;
    const char *without; /* what is done instead; static */
} pk_feature;

#define PK_HOST_RUNGS    4
#define PK_HOST_WAYS     4
#define PK_HOST_FEATURES 12

typedef struct pk_host {
    pk_mechanism mechanism; /* what PK_MECHANISM_AUTO gives here */
    unsigned guarantees;
    pk_delegation delegation;             /* how limits are had by default, or 0 */
    char cgroup_mount[PK_HOST_TEXT_SIZE]; /* where cgroup2 is mounted, or "" */
    char cgroup_own[PK_HOST_TEXT_SIZE];   /* the directory of this process's own cgroup, or "" */
    char controllers[PK_HOST_TEXT_SIZE];  /* controllers there, separated by spaces */
    size_t rung_count;
    pk_rung rungs[PK_HOST_RUNGS]; /* best first */
    size_t way_count;
    pk_way ways[PK_HOST_WAYS]; /* in the order in which they are tried */
    size_t feature_count;
    pk_feature features[PK_HOST_FEATURES];
} pk_host;

/*
 * Finds out by trying, with empty groups and one child that exits at once, and a scope if a service manager makes one;
 * leaves nothing behind. The way `leaf` is only looked at: trying it would move this process. Fails only if
 * even that cannot be done (no memory, no descriptors); whatever is not available is part of the answer. Any
 * thread.
 */
PK_API PK_NODISCARD int pk_host_examine(pk_host *host, pk_error *error);

PK_END_DECLS

#endif
