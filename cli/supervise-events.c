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
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The file ---------------------------------------------------------------------------------------------------- */

/* The descriptor that this path is; -1: it is none. */
static int named_descriptor(const char *path)
{
    static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        const char *number = path + strlen(directories[i]);
        if (strncmp(path, directories[i], strlen(directories[i])) == 0 && strlen(number) <= 6 && *number &&
            number[strspn(number, "0123456789")] == '\0')
            return atoi(number);
    }
    return -1;
}

static bool is_writable(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/* That, or the one of stdout and stderr that is the file at this path; -1: there is none. */
static int find_descriptor(const char *path)
{
    struct stat file, own;
    int named = named_descriptor(path);
    if (named >= 0 || stat(path, &file) < 0)
        return named;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &own) == 0 && own.st_dev == file.st_dev && own.st_ino == file.st_ino && is_writable(fd))
            return fd;
    return -1;
}

/* A file that pk writes to anyway has one position for all, and what is in it is not pk's to empty; and a socket cannot
 * be opened. Anything else can, so that only pk does not wait for who reads there. */
static int share(struct events *events)
{
    struct stat status;
    int fd = find_descriptor(events->path);
    if (fd < 0 || fstat(fd, &status) < 0 || !(S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode)))
        return 0;
    events->is_socket = S_ISSOCK(status.st_mode);
    events->fd = is_writable(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (events->fd >= 0)
        return 1;
    say("--events: cannot write to %s: %s", events->path, is_writable(fd) ? strerror(errno) : "it is to be read only");
    return -1;
}

static int complain(const char *path, int number)
{
    struct stat status;
    bool exists = number == ENXIO && stat(path, &status) == 0;
    if (exists && S_ISFIFO(status.st_mode))
        say("--events: nobody reads from %s", path);
    else if (exists && S_ISSOCK(status.st_mode))
        say("--events: %s is a socket, which cannot be opened (only a descriptor of pk can be one, such as "
            "/dev/stderr)",
            path);
    else
        say("--events: cannot open %s: %s", path, strerror(number));
    return -1;
}

/* Whoever reads from the other end of a pipe, or does not, is not waited for. */
int events_open(struct events *events, const char *path)
{
    events->fd = -1;
    if (!path)
        return 0;
    bool append = *path == '+';
    events->path = path + append;
    int r = share(events);
    if (r != 0)
        return r < 0 ? -1 : 0;
    events->fd = open(events->path,
                      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (append ? 0 : O_TRUNC), 0666);
    return events->fd < 0 ? complain(events->path, errno) : 0;
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

/* Others have their part in a socket, too: that it is not waited for is said with each piece. */
static ssize_t put(const struct events *events, const char *text, size_t length)
{
    return events->is_socket ? send(events->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : write(events->fd, text, length);
}

/* By one write: whoever reads finds all of it or nothing, unless that fails. A line that was cut off ends before the
 * next one, when there is room again. */
static void write_line(struct events *events, const char *text, size_t length)
{
    if (events->torn && put(events, "\n", 1) != 1)
        return;
    events->torn = false;
    ssize_t written = put(events, text, length);
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
