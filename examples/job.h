/*
 * What all the loops here carry: a command that tells two lines, and is ended by its deadline.
 */
#ifndef EXAMPLES_JOB_H
#define EXAMPLES_JOB_H

#include <processkit.h>

/* Prints its lines and how it ended; then `on_end` is called, in the loop. */
int job_start(pk_loop *loop, void (*on_end)(void *data), void *data, pk_error *error);

/* Says what was wrong; the exit status for it. */
int job_fail(const pk_error *error);

#endif
