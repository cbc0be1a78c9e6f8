/*
 * Starting commands in branches of one group.
 */
#ifndef PK_PROCESS_BRANCHING_H
#define PK_PROCESS_BRANCHING_H

#include "process/runner.h"

/* A runner for commands that have none of their own. It is in memory of its user, who keeps it until no command has it
 * any more. */
struct branching {
    pk_runner runner; /* first */
    pk_group *trunk;  /* must outlive what is started */
};

void branching_init(struct branching *branching, pk_group *trunk);

/* Gives it to a command that has no runner, and says nothing about its group. */
void branching_give(struct branching *branching, pk_command *command);

#endif
