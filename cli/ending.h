/*
 * Ending as the child did.
 */
#ifndef PK_CLI_ENDING_H
#define PK_CLI_ENDING_H

#include "run.h"

/*
 * The exit status of pk for this result; or, as a negative number, the signal that pk is to die by, so that a shell
 * sees what it would have seen without pk. `received` is the signal that made pk end the run, or 0.
 */
int ending_of(const pk_result *result, int received);

/* Ends the process so. */
_Noreturn void end_as(int ending);

#endif
