/*
 * A trial: one test, in a process of its own, from its sandbox to the judgement.
 */
#ifndef PK_TESTS_TRIAL_H
#define PK_TESTS_TRIAL_H

#include "harness.h"
#include "report.h"

enum outcome { OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_SKIPPED, OUTCOME_INTERRUPTED };

struct verdict {
    enum outcome outcome;
    struct report missing; /* skipped: what */
    struct report output;  /* what the test printed, and what is to be said about it */
};

/* Once, before the first trial: from now on all orphans come to this process, and its signals wait for trials. */
void trial_prepare(void);

/* Runs `self --in-process NAME`. */
struct verdict trial_run(const struct test *test, const char *self);

void verdict_free(struct verdict *verdict);

#endif
