/*
 * Giving commands runners, and starting them by those.
 */
#include "process/runner.h"

#include "base/error.h"

#include <errno.h>

void pk_command_runner(pk_command *command, pk_runner *runner)
{
    if (!command)
        return;
    pk_runner *old = command->runner;
    command->runner = runner ? runner_ref(runner) : NULL;
    pk_runner_free(old);
}

pk_runner *runner_ref(pk_runner *runner)
{
    runner->references++;
    return runner;
}

pk_runner *pk_runner_free(pk_runner *runner)
{
    if (runner && --runner->references == 0)
        runner->free(runner);
    return NULL;
}

int runner_start(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                 pk_error *error)
{
    return runner ? runner->start(runner, command, stdio, process, error)
                  : process_start_real(command, stdio, process, error);
}

int runner_refuse(const pk_command *command, const char *what, pk_error *error)
{
    if (!command->runner)
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, NULL,
                     "cannot %s %s: it has a runner, and those start commands in groups of their own only", what,
                     command->argv[0]);
}
