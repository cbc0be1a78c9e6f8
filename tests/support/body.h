/*
 * The inside of a test process: the body under cmocka, between two counts.
 */
#ifndef PK_TESTS_BODY_H
#define PK_TESTS_BODY_H

#include "harness.h"

/* Not 0 for success: a body that calls exit has not come to its end. */
enum { EXIT_FAILED = 1, EXIT_PASSED = 70, EXIT_SKIPPED = 77 };

/* In the output, before what is missing. */
#define SKIP_MARK "SKIP: "

/* Runs the body and returns the exit status for this process. */
int body_run(const struct test *test);

#endif
