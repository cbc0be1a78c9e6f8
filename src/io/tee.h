/*
 * Passing bytes on to a descriptor that somebody else reads, at that one's pace.
 */
#ifndef PK_IO_TEE_H
#define PK_IO_TEE_H

#include "io/room.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct tee {
    int fd;    /* a duplicate of ours; -1: there is none */
    int error; /* why it gets nothing more; 0: it does */
    bool is_socket;
    bool careful;     /* a write can block: only as much as is sure to be taken at once */
    struct room rest; /* what it has not taken yet */
    size_t rest_length;
};

#define TEE_NONE ((struct tee){.fd = -1})

int tee_open(struct tee *tee, int fd);
void tee_close(struct tee *tee);

static inline bool tee_is_open(const struct tee *tee)
{
    return tee->fd >= 0 && !tee->error;
}

/* Closes what has failed: whoever watches it must have stopped. */
void tee_settle(struct tee *tee);

/* How much of it is taken at once. Nothing is copied: for who keeps the rest, and has found `rest` empty. */
size_t tee_offer(struct tee *tee, const char *bytes, size_t length);

/* Copies what is not taken at once. */
void tee_write(struct tee *tee, const char *bytes, size_t length);

/* Whether it has all. Tries once more if not. */
bool tee_flush(struct tee *tee);

/* What to wait for if it has not. */
struct pollfd tee_interest(const struct tee *tee);

#endif
