/*
 * The log of a service: its lines, each after the time and, where several services write to one place, its name.
 *
 * Nobody ever waits for it. Lines are gathered and written together: by log_flush, or when there are many. What a file
 * does not take is lost: there it is tried again with what comes next. For a pipe or a terminal, which takes more when
 * it was read, so much is kept, LOG_MOST bytes; lines that come beyond that are lost until all of it was taken. Where
 * lines are missing a note says how many and why, in brackets: the lines of the service that follow are whole again.
 *
 * A line comes to its end wherever it has begun: the rest of one that was taken in part is written first. The exception
 * is one of more than PK_LINE_MAX bytes, which comes in pieces: if one of them is lost, the line ends there, and counts
 * as lost. While it is incomplete, a line of the other stream ends it as well, and the rest is a line of its own.
 *
 * What is in a line is passed on as it is, colours and other escape sequences too, also to a terminal.
 */
#ifndef PK_SUPERVISE_LOG_H
#define PK_SUPERVISE_LOG_H

#include "supervise/log-file.h"

#include <processkit/stream.h>

enum {
    LOG_GATHERED = 64 << 10, /* bytes that are written together */
    LOG_MOST = 256 << 10,    /* that wait for a slow reader */
    LOG_NAME = 64,           /* of the service, at most */
};

/* Zeroed, it is one that is closed. */
struct service_log {
    struct log_file file;
    char *bytes; /* that are not written yet; NULL: it is closed */
    size_t length;

    uint64_t second;           /* of the last line, in nanoseconds; what is done once a second was done then */
    uint64_t unrotated_second; /* a rotation failed then, and is not tried again within it */
    uint64_t lost;             /* lines, in all */
    uint64_t missing;          /* of these, since the last note */
    uint64_t told;             /* of these, to who asks for news */

    struct {
        uint64_t missing;
        size_t at;
        unsigned lines; /* 0: there is none */
        bool unrotated;
    } note; /* among the bytes that are not written yet */

    struct {
        uint64_t number;
        int fd;
        bool is_open; /* a piece of it has come, and not the last one */
        bool is_lost;
    } line; /* that came last */

    unsigned milliseconds; /* of the last line */
    int error;             /* of the first line that is missing */
    int unrotated;         /* why the file was not rotated when it was time; 0: it was */
    bool unrotated_noted;
    bool telling; /* it was told that lines are lost, and not yet how many */
    bool waits;   /* for who reads it */
    bool full;    /* and nothing more is kept until all that waits was taken */

    bool times;
    unsigned before_length;
    char before[LOG_NAME + 32]; /* each line: the second and the name */
};

/* The name is a valid one. With a path it is not written. */
int log_open(struct service_log *log, const pk_log_options *options, const char *name, pk_error *error);

/* Tries once more to write what is there. */
void log_close(struct service_log *log);

static inline bool log_is_open(const struct service_log *log)
{
    return log->bytes != NULL;
}

/* A line or a piece of one, of any stream; `realtime` is when it was read, in nanoseconds since 1970. */
void log_line(struct service_log *log, const pk_line *line, uint64_t realtime);

/* The streams have ended. What was not the end of a line becomes one: the next stream's first line is another. */
void log_finish(struct service_log *log);

/* Writes what can be written now: to be called when a descriptor was read from for the time being, and when there is
 * room. */
void log_flush(struct service_log *log);

/* What to wait for; -1: nothing. */
struct pollfd log_interest(const struct service_log *log);

static inline uint64_t log_lost(const struct service_log *log)
{
    return log->lost;
}

/* What there is to tell of lost lines: to be asked after log_flush, until there is nothing more. */
struct log_news {
    int number;     /* a negative errno: now lines are lost, for that reason. 0: now they are written again */
    uint64_t count; /* 0; or how many were lost meanwhile */
};
bool log_news(struct service_log *log, struct log_news *news);

#endif
