/*
 * Sites: the cgroups in which this process may have a home, and how each is found.
 *
 * Groups without limits stand in the own cgroup. Where those with limits can stand depends on who lets controllers be
 * enabled: see pk_delegation, which has one bit for each of the other sites.
 */
#ifndef PK_CONTAIN_SITE_H
#define PK_CONTAIN_SITE_H

#include <processkit/limits.h>

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* In the order in which they are tried. */
enum site_kind {
    SITE_OWN, /* the own cgroup, for groups without limits */
    SITE_ROOT,
    SITE_PRESENT,
    SITE_LEAF,
    SITE_SCOPE,
    SITES,
};

struct outpost;

/* The guardians of this process, of which some live where it lives; 0: none. */
struct guardians {
    pid_t pids[SITES];
};

struct site {
    enum site_kind kind;
    int dir;                 /* the cgroup; above 2 */
    char path[PATH_MAX];     /* the same, for people */
    bool moved;              /* this process was moved to a leaf of it, */
    struct guardians along;  /* and these with it */
    struct outpost *outpost; /* SITE_SCOPE: what keeps it alive */
};

/*
 * Finds one, and makes it if that is what it takes: moves this process, or asks for a scope. A refusal (see
 * place_is_refusal) says why it cannot be had. Nothing is left behind after a failure.
 */
int site_find(enum site_kind kind, const struct guardians *guardians, struct site *site, pk_error *error);

/* Takes that back, for a site that turned out to be of no use, and closes it. */
void site_abandon(struct site *site);

/* Closes it; and in a forked child. */
void site_close(struct site *site);
void site_forget(struct site *site);

/* What would make a missing controller available there, for people. */
const char *site_remedy(const struct site *site);

/* The bit that allows a site; 0 for the own cgroup. */
pk_delegation site_delegation(enum site_kind kind);

/* The own cgroup, if it could be used as SITE_LEAF. Looks, and moves nothing. */
int site_look_at_leaf(const struct guardians *guardians, struct site *site, pk_error *error);

/* leaf.c: whether this process is alone in the site, but for guardians of its own; moving them to a leaf of it; and
 * back. */
int leaf_check(const struct guardians *guardians, struct site *site, pk_error *error);
int leaf_enter(const struct guardians *guardians, struct site *site, pk_error *error);
void leaf_return(const struct site *site);

/* Whether this is the root of the hierarchy, and a refusal if it is not. */
bool site_is_root(int dir);
int site_check_root(const struct site *site, pk_error *error);

/* Whether the cgroup of this directory was given to us by whoever manages the cgroups above it. */
bool site_is_delegated(int dir, bool is_mount);

#endif
