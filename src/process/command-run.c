/*
 * Building commands: in what they run, for how long, and what then.
 */
#include "process/command.h"

#include <processkit/process.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Whether they mean anything is asked when a group is made of them. */
void pk_command_contain(pk_command *command, const pk_group_options *options)
{
    if (!command)
        return;
    free(command->contain);
    command->contain = NULL;
    if (!options)
        return;
    command->contain = calloc(1, sizeof(*options));
    if (command->contain)
        memcpy(command->contain, options, options->size < sizeof(*options) ? options->size : sizeof(*options));
    else
        command_remember(command, -ENOMEM, "out of memory");
}

void pk_command_timeout(pk_command *command, pk_duration timeout)
{
    if (!command)
        return;
    if (timeout == 0)
        command_remember(command, -EINVAL, "a timeout of 0 leaves no time at all");
    command->timeout = timeout;
}

void pk_command_stop_signal(pk_command *command, int signal_number)
{
    if (!command)
        return;
    if (signal_number < 1 || signal_number > SIGRTMAX)
        command_remember(command, -EINVAL, "%d is no signal to stop with", signal_number);
    command->stop.signal_number = signal_number;
}

void pk_command_grace(pk_command *command, pk_duration grace)
{
    if (command)
        command->stop.grace = grace;
}

void pk_command_leftovers(pk_command *command, pk_leftovers policy)
{
    if (!command)
        return;
    if (policy > PK_LEFTOVERS_FAIL)
        command_remember(command, -EINVAL, "unknown policy for leftovers");
    command->leftovers = policy;
}

void pk_command_evidence(pk_command *command, bool collect)
{
    if (command)
        command->evidence = collect;
}
