/*
 * The child's environment: the owner's at the time of the start, with the command's changes applied in order.
 */
#include "base/error.h"
#include "process/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_name(const char *entry, const char *name, size_t length)
{
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

/* The index of a variable, or `count`. */
static size_t find(char *const *environment, size_t count, const char *name)
{
    size_t length = strlen(name);
    size_t i = 0;
    while (i < count && !is_name(environment[i], name, length))
        i++;
    return i;
}

static size_t count_of(char *const *environment)
{
    size_t count = 0;
    while (environment && environment[count])
        count++;
    return count;
}

static size_t apply(const struct environment_change *change, char **result, size_t count)
{
    char *entry = change->value;
    size_t place;

    switch (change->kind) {
    case ENVIRONMENT_CLEAR:
        return 0;
    case ENVIRONMENT_UNSET:
        while ((place = find(result, count, change->name)) < count) /* an environment may hold a name twice */
            result[place] = result[--count];
        return count;
    case ENVIRONMENT_INHERIT:
        place = find(environ, count_of(environ), change->name);
        entry = environ ? environ[place] : NULL;
        if (!entry)
            return count;
        break;
    case ENVIRONMENT_SET:
        break;
    }
    place = find(result, count, change->name);
    result[place] = entry;
    return place == count ? count + 1 : count;
}

int plan_environment(struct plan *plan, pk_error *error)
{
    static char *empty[] = {NULL};
    const pk_command *command = plan->command;

    bool needs_term = command->pty && find(environ, count_of(environ), "TERM") == count_of(environ);
    if (command->environment_count == 0 && !needs_term) {
        plan->environment = environ ? environ : empty;
        return 0;
    }
    size_t count = count_of(environ);
    char **result = reallocarray(NULL, count + command->environment_count + 2, sizeof(char *));
    if (!result)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    if (count > 0)
        memcpy(result, environ, count * sizeof(char *));
    for (size_t i = 0; i < command->environment_count; i++)
        count = apply(&command->environment[i], result, count);
    if (command->pty && find(result, count, "TERM") == count)
        result[count++] = (char *)"TERM=dumb";
    result[count] = NULL;
    plan->environment_copy = result;
    plan->environment = result;
    return 0;
}

const char *plan_getenv(const struct plan *plan, const char *name)
{
    size_t count = count_of(plan->environment);
    size_t place = find(plan->environment, count, name);
    return place < count ? plan->environment[place] + strlen(name) + 1 : NULL;
}
