/*
 * Making doubles, and remembering their calls as copies of the commands.
 */
#include "testing/double.h"

#include "base/array.h"
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>

void *double_new(size_t size, runner_start_function *start, void (*free_it)(pk_runner *runner), pk_error *error)
{
    struct double_runner *base = calloc(1, size);
    if (!base) {
        error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a runner");
        return NULL;
    }
    base->runner.references = 1;
    base->runner.start = start;
    base->runner.free = free_it;
    pthread_mutex_init(&base->lock, NULL);
    return base;
}

void double_close(struct double_runner *base)
{
    for (size_t i = 0; i < base->call_count; i++)
        pk_command_free(base->calls[i]);
    free(base->calls);
    pthread_mutex_destroy(&base->lock);
}

/* The copy has no runner: that would keep the runner alive for ever. */
static int keep(struct double_runner *base, const pk_command *command)
{
    pk_command *copy = pk_command_copy(command);
    if (!copy)
        return -ENOMEM;
    pk_command_runner(copy, NULL);
    if (!array_grow(&base->calls, base->call_count, sizeof(pk_command *))) {
        pk_command_free(copy);
        return -ENOMEM;
    }
    base->calls[base->call_count++] = copy;
    return 0;
}

int double_note(struct double_runner *base, const pk_command *command, pk_error *error)
{
    pthread_mutex_lock(&base->lock);
    int r = base->problem ? base->problem : keep(base, command);
    pk_call_callback tell = base->tell;
    void *data = base->tell_data;
    pthread_mutex_unlock(&base->lock);
    if (r == -EINVAL)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid runner: scripts were given to one that plays none");
    if (r < 0)
        return error_errno(error, r, PK_STEP_ALLOCATE, NULL, "cannot start %s by a runner", command->argv[0]);
    if (tell)
        tell(command, data);
    return 0;
}

/* ---- For who asks ----------------------------------------------------------------------------------------------- */

/* All runners are doubles. */
static struct double_runner *double_of(const pk_runner *runner)
{
    return (struct double_runner *)runner;
}

size_t pk_runner_count(const pk_runner *runner)
{
    struct double_runner *base = double_of(runner);
    pthread_mutex_lock(&base->lock);
    size_t count = base->call_count;
    pthread_mutex_unlock(&base->lock);
    return count;
}

const pk_command *pk_runner_call(const pk_runner *runner, size_t index)
{
    struct double_runner *base = double_of(runner);
    pthread_mutex_lock(&base->lock);
    const pk_command *call = index < base->call_count ? base->calls[index] : NULL;
    pthread_mutex_unlock(&base->lock);
    return call;
}

void pk_runner_tell(pk_runner *runner, pk_call_callback callback, void *data)
{
    struct double_runner *base = double_of(runner);
    pthread_mutex_lock(&base->lock);
    base->tell = callback;
    base->tell_data = data;
    pthread_mutex_unlock(&base->lock);
}
