/*
 * Estates: a place in the hierarchy of the test's own, and owners that live there until they are killed.
 *
 *     struct estate estate = estate_make();
 *     struct estate_owner owner = estate_owner(&estate, live, witness);    // live(witness) makes groups
 *     estate_kill(&owner);                                                 // SIGKILL: what it made is left
 *     ...
 *     estate_free(&estate);                                                // fails if anything is still there
 */
#ifndef PK_TESTS_ESTATE_H
#define PK_TESTS_ESTATE_H

#include "harness.h"
#include "witness.h"

#include <processkit.h>

#include <limits.h>

struct estate {
    char path[PATH_MAX];
};

struct estate_owner {
    pid_t pid;
    char path[PATH_MAX + 64]; /* its directory */
};

struct estate estate_make(void);
void estate_free(const struct estate *estate);

/* How many owner directories there are. */
int estate_count(const char *path);

/* Forks an owner into the cgroup directory `path`, and returns when it has done `live`. It then waits to be killed. */
struct estate_owner estate_owner_in(const char *path, void (*live)(void *data), void *data);
struct estate_owner estate_owner(const struct estate *estate, void (*live)(void *data), void *data);

/* For `live`: ends the owner, and so the test, unless the call succeeded. */
void estate_must(int result, const pk_error *error);

/* For `live`: makes a group with an adversary in it, who is not waited for: the test does that by the witness. */
pk_group *estate_group(struct witness *witness, const char *words);

/* Kills the owner by SIGKILL and waits for it. */
void estate_kill(const struct estate_owner *owner);

#endif
