/*
 * Ending as the child did.
 */
#ifndef PK_CLI_ENDING_H
#define PK_CLI_ENDING_H

#include <processkit.h>

/* How pk ends when a program cannot be started. */
int status_of_error(const pk_error *error);

/*
 * The exit status of pk for this result; or, as a negative number, the signal that pk is to die by, so that a shell
 * sees what it would have seen without pk. `received` is the signal that made pk end the run, or 0.
 */
int ending_of(const pk_result *result, int received);

/* The same of a pipeline that is over: that of its culprit, see pipeline.h. If this exited with 0 when it was stopped,
 * that of the next which was stopped and did not. */
int ending_of_pipeline(const pk_process *process, int received);

/* Ends the process so. */
_Noreturn void end_as(int ending);

#endif
