/*
 * The cast of a test about groups: a group of some mechanism, an adversary in it, and a witness who holds its
 * processes.
 */
#ifndef PK_TESTS_CAST_H
#define PK_TESTS_CAST_H

#include "harness.h"
#include "lines.h"
#include "witness.h"

#include <processkit.h>

/* A group with this mechanism; ends the test if it cannot be had. */
pk_group *cast_group(pk_mechanism mechanism);

/* Starts "adversary --report PATH WORDS" in the group, WORDS separated by spaces, and waits until the whole shape
 * stands. `witness` may be NULL, and then there is no report and no waiting. */
pk_process *cast_adversary(pk_group *group, struct witness *witness, const char *words);

/* The same without waiting: for an owner whose witness is another process. */
pk_process *cast_start(pk_group *group, const struct witness *witness, const char *words);

/* The command for that, for tests that start it themselves. */
pk_command *cast_command(const struct witness *witness, const char *words);

/* Fails the test with the error's message unless the result is not negative. */
#define assert_ok(call, error)                                          \
    do {                                                                \
        int assert_ok_ = (call);                                        \
        if (assert_ok_ < 0)                                             \
            fail_msg("%s: %d: %s", #call, assert_ok_, (error).message); \
    } while (0)

/* A tree that forks as fast as it can, as large as this machine can end in the time that the killed are given. */
const char *cast_storm(void);

/* ---- Tests that are run once per mechanism ---------------------------------------------------------------------- */

/* Which mechanism; for *state. */
extern const pk_mechanism cast_cgroup2, cast_reaper, cast_process_group;
pk_mechanism cast_mechanism(void **state);

#define EACH(function, ...)                                                                                    \
    PK_TEST_NAMED(#function "/cgroup2", function, .data = &cast_cgroup2, .needs = NEEDS_CGROUP2, __VA_ARGS__), \
        PK_TEST_NAMED(#function "/reaper", function, .data = &cast_reaper, __VA_ARGS__),                       \
        PK_TEST_NAMED(#function "/process_group", function, .data = &cast_process_group, __VA_ARGS__)

#define DELEGATED(function) \
    PK_TEST_NAMED(#function "/cgroup2@delegated", function, .data = &cast_cgroup2, .as = TEST_AS_DELEGATED_USER)

#define AS_USER(function)                                                                        \
    PK_TEST_NAMED(#function "/reaper@user", function, .data = &cast_reaper, .as = TEST_AS_USER), \
        PK_TEST_NAMED(#function "/process_group@user", function, .data = &cast_process_group, .as = TEST_AS_USER)

/* ------------------------------------------------------------------------------------------------------------------ */

/* What waits for the next group does not count, and is gone after these. */

/* How many descriptors this process has open, and the few that it takes to find that out. */
int cast_count_descriptors(void);

/* How many directories "processkit-PID-..." of this process there are, or of another, groups in them counted. */
int cast_count_directories(void);
int cast_count_directories_of(pid_t pid);

#endif
