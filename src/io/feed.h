/*
 * Filling a child's stdin, at its pace.
 */
#ifndef PK_IO_FEED_H
#define PK_IO_FEED_H

#include <processkit/input.h>

#include <poll.h>
#include <stdbool.h>

/* Where the bytes come from: a vector of them, or a callback. */
struct feed_source {
    const char *bytes; /* stay the caller's */
    size_t length;
    pk_input_callback callback;
    void *data;
};

struct feed {
    int fd;           /* non-blocking, ours; -1: there is none any more */
    bool is_terminal; /* the master of one: its end is not told by closing it */
    bool exhausted;   /* the source has no more */
    bool done;        /* the child has all, or its end is closed */
    struct feed_source source;
    size_t given; /* of the bytes, or of what the callback gave last */
    char *buffer; /* what the callback gave last */
    size_t filled;
    bool waiting; /* the callback has nothing now */
    int error;    /* of the callback, or of a write; a child that does not read is none */
};

#define FEED_NONE ((struct feed){.fd = -1})

/* The descriptor is the feed's from now on, also after a failure. */
int feed_open(struct feed *feed, int fd, bool is_terminal, const struct feed_source *source);
void feed_close(struct feed *feed);

/* Closes what is done: whoever watches it must have stopped. Not a terminal, which would hang up if nobody else has it.
 */
void feed_settle(struct feed *feed);

/* Writes what the child takes now. */
void feed_advance(struct feed *feed);

/* What to wait for; -1: nothing. */
struct pollfd feed_interest(const struct feed *feed);

#endif
