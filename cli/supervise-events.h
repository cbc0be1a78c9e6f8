/*
 * What pk supervise tells of what happens: lines for people on stderr, and JSON in a file.
 */
#ifndef PK_CLI_SUPERVISE_EVENTS_H
#define PK_CLI_SUPERVISE_EVENTS_H

#include <processkit.h>
#include <processkit/supervisor.h>

#include <stdbool.h>

struct events {
    const char *path; /* NULL: no file */
    int fd;           /* -1: likewise */
    bool is_socket;   /* which was there before */
    bool torn;        /* the last line was cut off */
    bool lost;        /* some could not be written, which was told */
    bool quiet, verbose;
    char held[1024]; /* a line that the next event may have in it; "": none */
};

/* `path` NULL: no file; +FILE: appended to, and so is the file that is stdout or stderr, or a descriptor by its path.
 * 0, or -1 after a message. */
int events_open(struct events *events, const char *path);
void events_close(struct events *events);

void events_tell(struct events *events, const pk_service_event *event);

#endif
