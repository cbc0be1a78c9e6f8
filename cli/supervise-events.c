/*
 * Telling events.
 */
#include "supervise-events.h"

#include "message.h"
#include "supervise-json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whoever reads from the other end of a pipe, or does not, is not waited for. */
int events_open(struct events *events, const char *path)
{
    events->fd = -1;
    if (!path)
        return 0;
    bool append = *path == '+';
    events->path = path + append;
    events->fd = open(events->path,
                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (append ? 0 : O_TRUNC), 0666);
    if (events->fd >= 0)
        return 0;
    if (errno == ENXIO)
        say("--events: nobody reads from %s", events->path);
    else
        say("--events: cannot open %s: %s", events->path, strerror(errno));
    return -1;
}

void events_close(struct events *events)
{
    if (events->fd >= 0)
        close(events->fd);
    events->fd = -1;
}

/* ---- For programs ----------------------------------------------------------------------------------------------- */

static void lose(struct events *events, int number)
{
    if (!events->lost)
        say("--events: cannot write to %s: %s (events are missing there from now on)", events->path, strerror(number));
    events->lost = true;
}

/* By one write: whoever reads finds all of it or nothing, unless that fails. A line that was cut off ends before the
 * next one, when there is room again. */
static void write_line(struct events *events, char *text, size_t length)
{
    if (events->torn && write(events->fd, "\n", 1) != 1)
        return;
    events->torn = false;
    ssize_t written = write(events->fd, text, length);
    if (written == (ssize_t)length)
        return;
    events->torn = written > 0;
    lose(events, written < 0 ? errno : ENOSPC);
}

static void record(struct events *events, const pk_service_event *event)
{
    json_t *json = json_event(event);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text) {
        lose(events, ENOMEM);
        return;
    }
    size_t length = strlen(text);
    text[length] = '\n'; /* in the place of the NUL */
    write_line(events, text, length + 1);
    free(text);
}

/* ---- For people ------------------------------------------------------------------------------------------------- */

static bool is_noise(pk_service_event_kind kind)
{
    switch (kind) {
    case PK_SERVICE_WAITS:
    case PK_SERVICE_STARTED:
    case PK_SERVICE_SAYS:
    case PK_SERVICE_STOPS:
    case PK_SERVICE_LEADER_ENDED:
    case PK_SERVICE_RESTS:
        return true;
    default:
        return false;
    }
}

/* Why it could not be started is told once: at its end, if that comes next, or for itself. */
static void tell_people(struct events *events, const pk_service_event *event)
{
    char line[sizeof(events->held)];
    pk_service_event_format(event, line, sizeof(line));
    if (events->held[0] && event->kind != PK_SERVICE_IS_OVER)
        say("%s", events->held);
    events->held[0] = '\0';
    if (event->kind == PK_SERVICE_START_FAILED)
        strcpy(events->held, line);
    else if (events->verbose || !is_noise(event->kind))
        say("%s", line);
}

void events_tell(struct events *events, const pk_service_event *event)
{
    if (events->fd >= 0)
        record(events, event);
    if (!events->quiet)
        tell_people(events, event);
}
