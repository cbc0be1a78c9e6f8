/*
 * What the tests behind docs/guarantees.md share: each is run once per mechanism, by its name, and skipped where the
 * library does not know that name.
 */
#ifndef PK_TESTS_THREAT_H
#define PK_TESTS_THREAT_H

#include "cast.h"

/* A table of a threat against each mechanism, for test_main: FUNCTION/MECHANISM. */
#define THREAT(function, ...)                                                                              \
    PK_TEST_NAMED(#function "/cgroup2", function, .data = "cgroup2", .needs = NEEDS_CGROUP2, __VA_ARGS__), \
        PK_TEST_NAMED(#function "/reaper", function, .data = "reaper", __VA_ARGS__),                       \
        PK_TEST_NAMED(#function "/process_group", function, .data = "process_group", __VA_ARGS__)

/* The same for what only root can bring about. */
#define THREAT_BY_ROOT(function, ...)                                                                     \
    PK_TEST_NAMED(#function "/cgroup2", function, .data = "cgroup2", .needs = NEEDS_ROOT | NEEDS_CGROUP2, \
                  __VA_ARGS__),                                                                           \
        PK_TEST_NAMED(#function "/reaper", function, .data = "reaper", .needs = NEEDS_ROOT, __VA_ARGS__), \
        PK_TEST_NAMED(#function "/process_group", function, .data = "process_group", .needs = NEEDS_ROOT, __VA_ARGS__)

/* Ends the test as skipped if there is no such mechanism. */
pk_mechanism threat_mechanism(const char *name);

/* A group of the mechanism that *state names. */
pk_group *threat_group(void **state);

/* Whether *state names it. */
bool threat_is_against(void **state, const char *mechanism);

/* Starts `words` in the group, as cast_adversary, with `witness`, but as the program of another command: "sh", "-c",
 * `script`, with the adversary's command line as "$@". Waits until the shape stands. */
pk_process *threat_scripted(pk_group *group, struct witness *witness, const char *script, const char *words);

/* The parent of a process, as /proc has it. */
pid_t threat_parent_of(pid_t pid);

#endif
