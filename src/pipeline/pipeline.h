/*
 * A pipeline's data, as the start reads it.
 */
#ifndef PK_PIPELINE_PIPELINE_H
#define PK_PIPELINE_PIPELINE_H

#include "base/problem.h"
#include "process/command.h"
#include "process/runner.h"

#include <processkit/pipeline.h>

struct stage_plan {
    pk_command *command; /* a copy */
    bool unchecked;
    int tee; /* of what goes to the next; -1: none */
};

/* What is to be started. Once a command has it that is not the pipeline's own, it does not change any more. */
struct chain_plan {
    pk_runner runner; /* first: it is the runner of the pipeline's command */
    struct problem problem;
    struct stage_plan *stages;
    size_t count;
    pk_duration timeout; /* 0: none */
    pk_duration settle;
    pk_cancel *cancel;
    pk_group_options *contain; /* NULL: the defaults */
    pk_retry_options retry;
};

/* Whether the runner of a command is a pipeline. */
bool plan_has_runner(const pk_runner *runner);

/* start.c: starts all of it. `last` is the command as it has become: the last stage. */
int chain_start(const struct chain_plan *plan, const pk_command *last, enum process_stdio stdio, pk_process **process,
                pk_error *error);

#endif
