/*
 * Copying commands: whatever one holds, the other has as well, and neither can tell when the other is gone.
 */
#include "io/pty.h"
#include "process/cancel.h"
#include "process/command.h"
#include "process/runner.h"

#include <stdlib.h>
#include <string.h>

/* ---- Pieces ----------------------------------------------------------------------------------------------------- */

/* What there is nothing of, is copied: that is no failure. */
static bool copy_text(char **place, const char *text)
{
    *place = text ? strdup(text) : NULL;
    return !text || *place;
}

static bool copy_bytes(void *place, const void *bytes, size_t size)
{
    void **copy = place;
    *copy = NULL;
    if (!bytes)
        return true;
    *copy = malloc(size ? size : 1);
    if (*copy && size > 0)
        memcpy(*copy, bytes, size);
    return *copy != NULL;
}

static bool copy_uses(struct stream_uses **place, const struct stream_uses *from)
{
    if (!copy_bytes(place, from, sizeof(*from)))
        return false;
    if (!from)
        return true;
    struct stream_uses *uses = *place;
    uses->capture.spill = NULL;
    uses->text.encoding = NULL;
    return copy_text((char **)&uses->capture.spill, from->capture.spill) &&
           copy_text((char **)&uses->text.encoding, from->text.encoding);
}

/* ---- Lists ------------------------------------------------------------------------------------------------------ */

/* Each counts what it has, so that as much is freed if there is no memory for the rest. */

/* With a NULL behind it. */
static bool copy_texts(char ***place, size_t *count, char *const *from, size_t length)
{
    char **list = *place = array_new(length + 1, sizeof(*list));
    bool done = list != NULL;
    for (*count = 0; done && *count < length; *count += done)
        done = copy_text(&list[*count], from[*count]);
    return done;
}

static bool copy_environment(pk_command *copy, const pk_command *from)
{
    if (!from->environment)
        return true;
    copy->environment = array_new(from->environment_count, sizeof(*copy->environment));
    bool done = copy->environment != NULL;
    while (done && copy->environment_count < from->environment_count) {
        const struct environment_change *change = &from->environment[copy->environment_count];
        struct environment_change *place = &copy->environment[copy->environment_count++];
        place->kind = change->kind;
        done = copy_text(&place->name, change->name) && copy_text(&place->value, change->value);
    }
    return done;
}

static bool copy_descriptors(pk_command *copy, const pk_command *from)
{
    if (!from->descriptors)
        return true;
    copy->descriptors = array_new(from->descriptor_count, sizeof(*copy->descriptors));
    bool done = copy->descriptors != NULL;
    while (done && copy->descriptor_count < from->descriptor_count) {
        const struct descriptor *descriptor = &from->descriptors[copy->descriptor_count];
        struct descriptor *place = &copy->descriptors[copy->descriptor_count++];
        *place = *descriptor;
        place->uses = NULL;
        done = copy_text(&place->path, descriptor->path) && copy_uses(&place->uses, descriptor->uses);
    }
    return done;
}

static bool copy_rlimits(pk_command *copy, const pk_command *from)
{
    if (!from->rlimits)
        return true;
    copy->rlimits = array_new(from->rlimit_count, sizeof(*copy->rlimits));
    if (copy->rlimits)
        memcpy(copy->rlimits, from->rlimits, from->rlimit_count * sizeof(*from->rlimits));
    return copy->rlimits != NULL;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

/* Nothing of the copy is the original's. */
static void disown(pk_command *copy)
{
    copy->argv = NULL;
    copy->argc = 0;
    copy->arg0 = NULL;
    copy->directory = NULL;
    copy->search = NULL;
    copy->search_count = 0;
    copy->environment = NULL;
    copy->environment_count = 0;
    copy->descriptors = NULL;
    copy->descriptor_count = 0;
    copy->rlimits = NULL;
    copy->groups = NULL;
    copy->pty = NULL;
    copy->contain = NULL;
    copy->input_bytes = NULL;
    copy->cancel = NULL;
    copy->runner = NULL;
}

pk_command *pk_command_copy(const pk_command *command)
{
    pk_command *copy = command ? malloc(sizeof(*copy)) : NULL;
    if (!copy)
        return NULL;
    *copy = *command;
    disown(copy);
    copy->input_bytes = shared_ref(command->input_bytes);
    copy->cancel = command->cancel ? cancel_ref(command->cancel) : NULL;
    copy->runner = command->runner ? runner_ref(command->runner) : NULL;
    bool done = copy_texts(&copy->argv, &copy->argc, command->argv, command->argc) &&
                copy_texts(&copy->search, &copy->search_count, command->search, command->search_count) &&
                copy_environment(copy, command) && copy_descriptors(copy, command) && copy_rlimits(copy, command) &&
                copy_text(&copy->arg0, command->arg0) && copy_text(&copy->directory, command->directory) &&
                copy_bytes(&copy->groups, command->groups, command->group_count * sizeof(*command->groups)) &&
                copy_bytes(&copy->pty, command->pty, sizeof(*command->pty)) &&
                copy_bytes(&copy->contain, command->contain, sizeof(*command->contain));
    return done ? copy : pk_command_free(copy);
}

/* ---- With more arguments ---------------------------------------------------------------------------------------- */

pk_command *command_with(const pk_command *base, va_list arguments)
{
    pk_command *command = pk_command_copy(base);
    command_add(command, arguments);
    return command;
}

pk_command *pk_command_with(const pk_command *base, ...)
{
    va_list arguments;
    va_start(arguments, base);
    pk_command *command = command_with(base, arguments);
    va_end(arguments);
    return command;
}

pk_command *pk_command_with_argv(const pk_command *base, const char *const *arguments)
{
    pk_command *command = pk_command_copy(base);
    for (size_t i = 0; arguments && arguments[i]; i++)
        pk_command_arg(command, arguments[i]);
    return command;
}
