/*
 * The rhythm of all probes, and the two kinds that need no descriptor.
 */
#include "io/probe.h"

#include "base/error.h"
#include "base/time.h"
#include "io/probe-kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* ---- Rhythm ----------------------------------------------------------------------------------------------------- */

void probe_init(struct probe *probe, const struct probe_kind *kind)
{
    *probe = (struct probe){.kind = kind, .fd = -1, .patience = PROBE_ATTEMPT};
}

int probe_refuse(struct probe *probe, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(probe->refusal, sizeof(probe->refusal), format, arguments);
    va_end(arguments);
    return PROBE_REFUSED;
}

void probe_stop(struct probe *probe)
{
    probe->fd = sys_close_safe(probe->fd);
    probe->connected = false;
}

static void pause_after_refusal(struct probe *probe, pk_time now)
{
    probe->pause = probe_next_pause(probe->pause);
    probe->wake = time_add(now, probe->pause);
}

static int ask(struct probe *probe, pk_time now)
{
    int r = probe->kind->attempt(probe);
    if (r == PROBE_WAITS) {
        probe->wake = time_add(now, probe->patience);
        if (probe->refusal[0] == '\0')
            probe_refuse(probe, "%s has not answered", probe->place);
    }
    return r;
}

static int hear(struct probe *probe, pk_time now)
{
    int r = probe->kind->proceed(probe);
    if (r == PROBE_WAITS && now >= probe->wake)
        r = probe_refuse(probe, "%s did not answer", probe->place);
    return r;
}

int probe_advance(struct probe *probe, pk_time now)
{
    if (probe->fd < 0 && now < probe->wake)
        return 0;
    int r = probe->fd < 0 ? ask(probe, now) : hear(probe, now);
    if (r == PROBE_WAITS)
        return 0;
    probe_stop(probe);
    if (r == PROBE_REFUSED) {
        pause_after_refusal(probe, now);
        return 0;
    }
    probe->wake = 0;
    probe->pause = 0;
    return r == PROBE_READY ? 1 : r;
}

pk_time probe_interest(const struct probe *probe, struct pollfd *fd)
{
    *fd = (struct pollfd){.fd = probe->fd, .events = probe->events};
    return probe->wake;
}

const char *probe_refusal(const struct probe *probe)
{
    return probe->refusal;
}

void probe_end(struct probe *probe)
{
    probe_stop(probe);
    if (probe->kind->end)
        probe->kind->end(probe);
}

/* ---- A path ----------------------------------------------------------------------------------------------------- */

static int look_for_path(struct probe *probe)
{
    int r = sys_faccessat(AT_FDCWD, probe->path, F_OK);
    if (r == -ENOENT || r == -ENOTDIR)
        return probe_refuse(probe, "there is no %s", probe->path);
    if (r == -EACCES || r == -ELOOP) /* rights are often given, and links made right, only later */
        return probe_refuse(probe, "%s: %s", error_text(r), probe->path);
    return r == 0 ? PROBE_READY : r;
}

int probe_check_path(const char *path, pk_error *error)
{
    if (path && path[0] != '\0')
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "invalid path: it is empty");
}

int probe_begin_path(struct probe *probe, const char *path, pk_error *error)
{
    static const struct probe_kind kind = {.attempt = look_for_path};
    int r = probe_check_path(path, error);
    if (r < 0)
        return r;
    probe_init(probe, &kind);
    probe->path = path;
    return 0;
}

/* ---- A callback ------------------------------------------------------------------------------------------------- */

static int ask_callback(struct probe *probe)
{
    int r = probe->ask(probe->data);
    if (r == 0)
        return probe_refuse(probe, "the callback says no");
    return r > 0 ? PROBE_READY : r;
}

void probe_begin_callback(struct probe *probe, int (*ask_whether)(void *data), void *data)
{
    static const struct probe_kind kind = {.attempt = ask_callback};
    probe_init(probe, &kind);
    probe->ask = ask_whether;
    probe->data = data;
}
