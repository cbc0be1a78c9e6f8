/*
 * Describing commands for logs: names, but nothing that could be a secret.
 */
#include "base/text.h"
#include "process/command.h"

#include <processkit/parse.h>

#include <stdio.h>
#include <string.h>

struct line {
    char *next;
    size_t room; /* for the NUL as well; 1: nothing more goes in */
};

/* What does not fit is cut, and nothing comes after it. */
static void add(struct line *line, const char *text)
{
    size_t length = strlen(text), shown = text_show(text, length, line->next, line->room);
    size_t used = strlen(line->next);
    line->next += used;
    line->room = shown < length ? 1 : line->room - used;
}

static void add_arguments(struct line *line, const pk_command *command)
{
    char text[48];
    size_t count = command->argc > 0 ? command->argc - 1 : 0;
    snprintf(text, sizeof(text), ", %zu argument%s", count, count == 1 ? "" : "s");
    if (count > 0)
        add(line, text);
}

static void add_environment(struct line *line, const pk_command *command)
{
    static const char *const verbs[] = {
        [ENVIRONMENT_SET] = ", sets",
        [ENVIRONMENT_UNSET] = ", unsets",
        [ENVIRONMENT_CLEAR] = ", clears the environment",
        [ENVIRONMENT_INHERIT] = ", inherits",
    };
    for (size_t i = 0; i < command->environment_count; i++) {
        const struct environment_change *change = &command->environment[i];
        if (i == 0 || change->kind != command->environment[i - 1].kind)
            add(line, verbs[change->kind]);
        if (change->kind == ENVIRONMENT_CLEAR)
            continue;
        add(line, " ");
        add(line, change->name);
    }
}

static void add_deadline(struct line *line, const char *name, pk_duration timeout)
{
    char text[32];
    if (timeout == 0)
        return;
    add(line, name);
    add(line, pk_format_duration(timeout, text, sizeof(text)));
}

const char *pk_command_describe(const pk_command *command, char *buffer, size_t size)
{
    struct line line = {.room = size};
    line.next = buffer;
    if (size == 0)
        return buffer;
    if (!command || command->argc == 0) {
        add(&line, "no command");
        return buffer;
    }
    add(&line, command->argv[0]);
    add_arguments(&line, command);
    add_environment(&line, command);
    add_deadline(&line, ", timeout ", command->timeout);
    add_deadline(&line, ", idle timeout ", command->idle_timeout);
    return buffer;
}
