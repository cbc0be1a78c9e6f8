/*
 * A testator: an owner other than the test process, and what becomes of that when it ends.
 *
 *     static void live(struct testator *testator, const void *data)       // in the owner; ends it
 *     {
 *         ... make groups ...
 *         testator_say(testator);
 *         testator_listen(testator);
 *         _exit(0);
 *     }
 *
 *     struct testator *testator = testator_begin(live, NULL);               // in the test
 *     testator_hear(testator);                                            // the groups are there
 *     testator_tell(testator);
 *     testator_await_end(testator);
 *     witness_assert_dead(witness, GONE_MS);
 *     testator_assert_nothing_left(testator);
 *     testator_close(testator);
 */
#ifndef PK_TESTS_TESTATOR_H
#define PK_TESTS_TESTATOR_H

#include "cast.h"

/* What the owner wants the test to know. In memory of both. */
struct testament {
    pid_t guardian;
    char path[512]; /* of a group */
    long values[4];
};

struct testator {
    pid_t owner; /* a child of the test, */
    pid_t pid;   /* until it has ended: then 0 */
    int pidfd;
    int guardian; /* a pidfd, once heard of; or -1 */
    int status;   /* as wait has it, once it has ended */
    struct testament *testament;
    int ends[2]; /* a socket pair: the test's, the owner's */
};

struct testator *testator_begin(void (*live)(struct testator *testator, const void *data), const void *data);

/* In the owner: it has come to a point where the test has something to do; and waits until that is done. */
void testator_say(struct testator *testator);
void testator_listen(struct testator *testator);

/* In the test: the other sides of both. Opens the guardian that the owner has just then; without one, if it has none or
 * its number means nothing here. */
void testator_hear(struct testator *testator);
void testator_hear_of_no_guardian(struct testator *testator);
void testator_tell(struct testator *testator);

void testator_signal(struct testator *testator, int signal_number);
void testator_await_end(struct testator *testator);

/* The guardian goes, and by then there is no directory of this owner. */
void testator_assert_nothing_left(struct testator *testator);

/* Ends the owner if need be. */
void testator_close(struct testator *testator);

/* ---- For owners, this process or another ------------------------------------------------------------------------ */

/* A pidfd of the guardian of this process; fails the test without one. */
int guardian_pidfd(void);

/* Has the guardian remove a directory, and returns when that is done: it lives, and has read everything up to here. */
void guardian_is_asked(void);

/* Tries to make a group with a cgroup. NULL in `group` after a failure. */
int testator_try_group(pk_group **group, pk_error *error);

/* Frees the group, which may be NULL, and leaves: then this process has no more descriptors than that, no directories
 * and no children. `what` says in a failure what came before. */
void testator_leave_and_compare(pk_group *group, int descriptors, const char *what);

bool path_vanishes(const char *path, int patience_ms);

void signal_pidfd(int pidfd, int signal_number);

#endif
