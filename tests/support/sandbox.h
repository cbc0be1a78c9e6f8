/*
 * The sandbox of one test: its directories, its identity, its place in the cgroup hierarchy.
 */
#ifndef PK_TESTS_SANDBOX_H
#define PK_TESTS_SANDBOX_H

#include "harness.h"
#include "report.h"

#include <limits.h>
#include <sys/types.h>

struct sandbox {
    bool changes_user;
    bool has_place;
    bool delegated;
    char place[PATH_MAX]; /* the cgroup the test starts in */
    char base[PATH_MAX - 64];
    char scratch[PATH_MAX]; /* where the test starts; its own, and removed with all that is in it */
    char tmp[PATH_MAX];     /* TMPDIR; must be empty at the end */
};

/* Prepares it. NULL, or what is missing on this machine. */
const char *sandbox_make(struct sandbox *sandbox, enum test_identity as);

/* In the child, before it becomes the test: enters it. Ends the process if that fails. */
void sandbox_enter(const struct sandbox *sandbox);

/* Removes it. What the process `pid` should have removed itself is added to `leaks`. */
void sandbox_remove(struct sandbox *sandbox, pid_t pid, struct report *leaks);

#endif
