/*
 * A stage: a group whose members are actors.
 */
#ifndef PK_TESTING_STAGE_H
#define PK_TESTING_STAGE_H

#include "process/runner.h"

/* Starts a command there, which plays the script. `stdio` as for process_start. */
int stage_start(const pk_script *script, const pk_command *command, enum process_stdio stdio, pk_process **process,
                pk_error *error);

#endif
