/*
 * The course of a run: carried by pk_process_wait or by a loop, in a group of some mechanism.
 *
 *     struct course course;
 *     pk_auto(pk_command) command = course_command(state, "print hello");
 *     pk_command_capture(command, 1, NULL);
 *     course_start(&course, state, command);
 *     assert_int_equal(course_end(&course)->exit_code, 0);
 *     course_close(&course);
 */
#ifndef PK_TESTS_COURSE_H
#define PK_TESTS_COURSE_H

#include "cast.h"

struct way {
    pk_mechanism mechanism;
    bool by_loop;
};

extern const struct way way_wait_cgroup2, way_loop_cgroup2, way_wait_reaper, way_loop_reaper, way_wait_process_group,
    way_loop_process_group;

/* A test for each way in which nothing escapes. */
#define EACH_WAY(function, ...)                                                                               \
    PK_TEST_NAMED(#function "/wait/cgroup2", function, .data = &way_wait_cgroup2, .needs = NEEDS_CGROUP2,     \
                  __VA_ARGS__),                                                                               \
        PK_TEST_NAMED(#function "/loop/cgroup2", function, .data = &way_loop_cgroup2, .needs = NEEDS_CGROUP2, \
                      __VA_ARGS__),                                                                           \
        PK_TEST_NAMED(#function "/wait/reaper", function, .data = &way_wait_reaper, __VA_ARGS__),             \
        PK_TEST_NAMED(#function "/loop/reaper", function, .data = &way_loop_reaper, __VA_ARGS__)

#define EACH_LEAKY_WAY(function, ...)                                                                       \
    PK_TEST_NAMED(#function "/wait/process_group", function, .data = &way_wait_process_group, __VA_ARGS__), \
        PK_TEST_NAMED(#function "/loop/process_group", function, .data = &way_loop_process_group, __VA_ARGS__)

/* For what only waits. */
#define EACH_MECHANISM(function, ...)                                                                              \
    PK_TEST_NAMED(#function "/cgroup2", function, .data = &way_wait_cgroup2, .needs = NEEDS_CGROUP2, __VA_ARGS__), \
        PK_TEST_NAMED(#function "/reaper", function, .data = &way_wait_reaper, __VA_ARGS__)

/* "adversary WORDS" in that mechanism. */
pk_command *course_command(void **state, const char *words);
pk_command *course_reporting_command(void **state, const struct witness *witness, const char *words);

struct course {
    pk_process *process; /* NULL: it was freed by course_free_inside */
    pk_loop *loop;       /* NULL: pk_process_wait it is */
    bool ended;
};

void course_start(struct course *course, void **state, const pk_command *command);

/* Starts it, and leaves it at that: nobody watches it before course_watch. */
void course_prepare(struct course *course, void **state, const pk_command *command);
void course_watch(struct course *course, void **state);

/* Carries it on for that long. True once it has ended. */
bool course_run(struct course *course, pk_duration duration);

/* Carries it to its end. NULL if it was freed on the way. */
const pk_result *course_end(struct course *course);

/* In a callback. */
void course_free_inside(struct course *course);

void course_close(struct course *course);

/* After the close of one that has spared somebody who has ended since: the reaper is our child, and ends with its
 * tree. */
void course_await_the_spared(void);

/* What was captured of that descriptor. */
#define assert_captured(course, fd, text) \
    assert_string_equal(pk_process_capture((course)->process, (fd))->bytes, (text))

#endif
