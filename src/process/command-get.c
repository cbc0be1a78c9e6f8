/*
 * What commands say about themselves.
 */
#include "process/command.h"

#include <string.h>

const char *pk_command_program(const pk_command *command)
{
    return command && command->argc > 0 ? command->argv[0] : "";
}

const char *const *pk_command_argv(const pk_command *command)
{
    static const char *const none[] = {NULL};
    return command ? (const char *const *)command->argv : none;
}

const char *pk_command_directory(const pk_command *command)
{
    return command ? command->directory : NULL;
}

/* From the last change on: what is said there of the name holds, whatever was said before. */
const char *pk_command_getenv(const pk_command *command, const char *name)
{
    for (size_t i = command && name ? command->environment_count : 0; i > 0; i--) {
        const struct environment_change *change = &command->environment[i - 1];
        if (change->kind != ENVIRONMENT_CLEAR && strcmp(change->name, name) != 0)
            continue;
        return change->kind == ENVIRONMENT_SET ? change->value + strlen(name) + 1 : NULL;
    }
    return NULL;
}
