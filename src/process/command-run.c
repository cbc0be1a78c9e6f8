/*
 * Building commands: in what they run, for how long, and what then.
 */
#include "contain/group.h"
#include "process/cancel.h"
#include "process/command.h"

#include <processkit/process.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

/* Whether they mean anything is asked when a group is made of them. */
void pk_command_contain(pk_command *command, const pk_group_options *options)
{
    if (!command)
        return;
    free(command->contain);
    command->contain = group_copy_options(options);
    if (options && !command->contain)
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

void pk_command_idle_timeout(pk_command *command, pk_duration timeout)
{
    if (!command)
        return;
    if (timeout == 0)
        command_remember(command, -EINVAL, "an idle timeout of 0 leaves no time at all");
    command->idle_timeout = timeout;
}

void pk_command_drain(pk_command *command, pk_duration most)
{
    if (command)
        command->drain = most;
}

void pk_command_ok_codes(pk_command *command, const int *codes, size_t count)
{
    if (!command)
        return;
    command->ok_codes = (struct code_set){0};
    for (size_t i = 0; i < count; i++) {
        if (codes[i] < 0 || codes[i] > 255)
            command_remember(command, -EINVAL, "%d is no exit code from 0 to 255", codes[i]);
        else
            command->ok_codes.bits[codes[i] / 64] |= UINT64_C(1) << (codes[i] % 64);
    }
    if (count == 0)
        command_remember(command, -EINVAL, "without any exit code nothing would be a success");
}

void pk_command_cancel(pk_command *command, pk_cancel *cancel)
{
    if (!command)
        return;
    pk_cancel *old = command->cancel;
    command->cancel = cancel ? cancel_ref(cancel) : NULL;
    pk_cancel_free(old);
}
