/*
 * A runner that makes a branch for each command.
 */
#include "process/branching.h"

static int start_in_branch(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                           pk_error *error)
{
    pk_group *branch;
    int r = group_create_branch(((struct branching *)runner)->trunk, &branch, error);
    return r < 0 ? r : process_start_in(branch, command, stdio, process, error);
}

static void stay(pk_runner *runner)
{
    (void)runner;
}

void branching_init(struct branching *branching, pk_group *trunk)
{
    *branching =
        (struct branching){.runner = {.references = 1, .start = start_in_branch, .free = stay}, .trunk = trunk};
}

void branching_give(struct branching *branching, pk_command *command)
{
    if (!command->runner && !command->contain)
        pk_command_runner(command, &branching->runner);
}
