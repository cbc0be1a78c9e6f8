/*
 * Probes as they are described.
 */
#include "supervise/probe.h"

#include "base/error.h"
#include "process/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making ----------------------------------------------------------------------------------------------------- */

PK_PRINTF(3, 4) static void remember(pk_probe *probe, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&probe->problem, number, format, arguments);
    va_end(arguments);
}

/* Whether it makes sense is asked in the end. */
static pk_probe *make(enum probe_nature nature, const char *place)
{
    pk_probe *probe = calloc(1, sizeof(*probe));
    if (!probe)
        return NULL;
    *probe = (pk_probe){.references = 1, .nature = nature, .place = strdup(place ? place : "")};
    return probe->place ? probe : pk_probe_free(probe);
}

pk_probe *pk_probe_port(const char *host, unsigned port)
{
    pk_probe *probe = make(PROBE_OF_PORT, host);
    if (probe)
        probe->port = port;
    return probe;
}

pk_probe *pk_probe_socket(const char *path)
{
    return make(PROBE_OF_SOCKET, path);
}

pk_probe *pk_probe_path(const char *path)
{
    return make(PROBE_OF_PATH, path);
}

pk_probe *pk_probe_http(const char *url, unsigned first, unsigned last)
{
    pk_probe *probe = make(PROBE_OF_HTTP, url);
    if (probe) {
        probe->first = first;
        probe->last = last;
    }
    return probe;
}

pk_probe *pk_probe_command(const pk_command *command)
{
    pk_probe *probe = make(PROBE_OF_COMMAND, NULL);
    if (!probe)
        return NULL;
    probe->command = pk_command_copy(command);
    return probe->command ? probe : pk_probe_free(probe);
}

pk_probe *pk_probe_heartbeat(const char *path, pk_duration most)
{
    pk_probe *probe = make(PROBE_OF_HEARTBEAT, path);
    if (!probe)
        return NULL;
    probe->most = most;
    if (most == 0)
        remember(probe, -EINVAL, "a heartbeat every 0 s");
    if (probe->place[0] == '\0')
        remember(probe, -EINVAL, "the path of a heartbeat is empty");
    return probe;
}

pk_probe *pk_probe_call(pk_probe_callback callback, void *data)
{
    pk_probe *probe = make(PROBE_OF_CALLBACK, NULL);
    if (!probe)
        return NULL;
    probe->callback = callback;
    probe->data = data;
    if (!callback)
        remember(probe, -EINVAL, "there is no callback to call");
    return probe;
}

pk_probe *probe_ref(pk_probe *probe)
{
    if (probe)
        probe->references++;
    return probe;
}

pk_probe *pk_probe_free(pk_probe *probe)
{
    if (!probe || --probe->references > 0)
        return NULL;
    pk_command_free(probe->command);
    free(probe->place);
    free(probe);
    return NULL;
}

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

int probe_begin(const pk_probe *probe, struct probe *asking, pk_error *error)
{
    switch (probe->nature) {
    case PROBE_OF_PORT:
        return probe_begin_port(asking, probe->place, probe->port, error);
    case PROBE_OF_SOCKET:
        return probe_begin_socket(asking, probe->place, error);
    case PROBE_OF_HTTP:
        return probe_begin_http(asking, probe->place, probe->first, probe->last, error);
    case PROBE_OF_CALLBACK:
        probe_begin_callback(asking, probe->callback, probe->data);
        return 0;
    default:
        return probe_begin_path(asking, probe->place, error);
    }
}

int probe_check(const pk_probe *probe, pk_error *error)
{
    struct probe asking;
    if (!probe)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a probe");
    int r = problem_check(&probe->problem, "probe", error);
    if (r < 0 || probe->nature == PROBE_OF_HEARTBEAT)
        return r;
    if (probe->nature == PROBE_OF_COMMAND)
        return command_check(probe->command, error);
    r = probe_begin(probe, &asking, error);
    if (r == 0)
        probe_end(&asking);
    return r;
}
