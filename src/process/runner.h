/*
 * Runners: the seam that every start of a command goes through. What they do is in src/testing.
 */
#ifndef PK_PROCESS_RUNNER_H
#define PK_PROCESS_RUNNER_H

#include "contain/group.h"
#include "process/plan.h"
#include "process/process.h"

#include <processkit/runner.h>

struct pk_runner {
    _Atomic unsigned references;

    /* Starts a command in the place of process_start_real. */
    int (*start)(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                 pk_error *error);
    void (*free)(pk_runner *runner);
};

pk_runner *runner_ref(pk_runner *runner);

/* Starts it by that runner; NULL: for real. */
int runner_start(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                 pk_error *error);

/* Whether a command that runners cannot have is meant for one: `what` cannot be done then. */
int runner_refuse(const pk_command *command, const char *what, pk_error *error);

/* Where the leaders of a group are played. */
struct stage {
    /* Does what spawn() does, but for the process: fills in the leader, and gives it to the group. */
    int (*bear)(struct stage *stage, pk_group *group, struct plan *plan, struct leader *leader, pk_error *error);
};

#endif
