/*
 * Making the plan of a spawn.
 */
#include "process/plan.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int plan_argv(struct plan *plan, pk_error *error)
{
    const pk_command *command = plan->command;
    if (!command->arg0) {
        plan->argv = command->argv;
        return 0;
    }
    char **argv = reallocarray(NULL, command->argc + 1, sizeof(char *));
    if (!argv)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    memcpy(argv, command->argv, (command->argc + 1) * sizeof(char *));
    argv[0] = command->arg0;
    plan->argv = plan->argv_copy = argv;
    return 0;
}

int plan_program(struct plan *plan, const pk_command *command, pk_error *error)
{
    *plan = (struct plan){.command = command, .terminal = -1};
    int r = plan_argv(plan, error);
    if (r == 0)
        r = plan_environment(plan, error);
    if (r == 0)
        r = plan_candidates(plan, error);
    if (r < 0)
        plan_free(plan);
    return r;
}

int plan_make(struct plan *plan, const pk_command *command, bool captures, pk_error *error)
{
    int r = plan_program(plan, command, error);
    if (r < 0)
        return r;
    r = plan_descriptors(plan, captures, error);
    if (r < 0)
        plan_free(plan);
    return r;
}

void plan_close_child_ends(struct plan *plan)
{
    for (size_t i = 0; i < plan->opened_count; i++)
        sys_close(plan->opened[i]);
    plan->opened_count = 0;
}

void plan_free(struct plan *plan)
{
    plan_close_child_ends(plan);
    for (size_t i = 0; i < plan->pipe_count; i++)
        sys_close_safe(plan->pipes[i].fd);
    free(plan->argv_copy);
    free(plan->environment_copy);
    free(plan->candidates);
    free(plan->candidate_text);
    free(plan->moves);
    free(plan->scratch);
    free(plan->opened);
    free(plan->pipes);
    *plan = (struct plan){0};
}
