/*
 * A service manager of one's own, which does with a request for a scope what the test wants: see fake-manager.py, where
 * the behaviours are. "good" makes it, as a directory in the cgroup of the test.
 */
#ifndef PK_TESTS_FAKE_MANAGER_H
#define PK_TESTS_FAKE_MANAGER_H

#include "lines.h"

#include <limits.h>
#include <sys/types.h>

struct fake_manager {
    pid_t pid;
    int output;
    struct line_reader said;
    char cgroup[PATH_MAX]; /* where the scopes are; "": it makes none */
};

/* Ends the test as skipped where it cannot be had. */
void fake_manager_needs(void);

/* Starts it, where the library looks for the manager of whoever runs the test, if it can be had. */
void fake_manager_start(struct fake_manager *manager, const char *behaviour, bool makes_scopes);

/* The next thing that it says, which must begin with these words. */
void fake_manager_says(struct fake_manager *manager, const char *words);

/* What the library says has these words in it. */
void expect_words(const char *text, const char *words);

/* Ends it, and removes its scopes with what is in them. */
void fake_manager_end(struct fake_manager *manager);

#endif
