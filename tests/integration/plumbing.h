/*
 * Pipelines of adversaries.
 *
 *     pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 1000 | echo | count");
 */
#ifndef PK_TESTS_PLUMBING_H
#define PK_TESTS_PLUMBING_H

#include "course.h"

/* Each stage is "adversary WORDS"; all of them are in one group of the mechanism of the way in *state. */
pk_pipeline *plumb(void **state, const char *stages);

/* The same without a word about the group. */
pk_pipeline *plumb_plainly(const char *stages);

/* Runs it to its end in the way of *state, with stdout of its last stage captured. The course is to be closed. */
const pk_result *plumbing_run(struct course *course, void **state, const pk_pipeline *pipeline);

#endif
