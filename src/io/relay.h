/*
 * A relay: what one process writes to a pipe goes on to another process's pipe, and to a third place on its way.
 *
 * The kernel does the copying where it can. Nothing here waits: a loop, or who polls, calls relay_advance.
 */
#ifndef PK_IO_RELAY_H
#define PK_IO_RELAY_H

#include "io/tee.h"

#include <poll.h>

struct relay {
    int from;       /* read end of the writer's pipe; -1: it is over */
    struct tee to;  /* write end of the reader's pipe */
    struct tee tee; /* where else it goes */
    bool splices;   /* the kernel writes to the tee by itself */
    bool copies;    /* the kernel does nothing by itself */
    size_t owed;    /* bytes that the reader has got, and the tee not yet: they are still in `from` */
    bool is_full;   /* the reader's pipe was */
    int error;      /* what went wrong the last time, and may go well a little later; 0: nothing */
};

/* The descriptors of the pipes are its own from now on, also after a failure. */
int relay_open(struct relay *relay, int from, int to, int tee);
void relay_close(struct relay *relay);

/* Passes on some of what can be passed on now. False: it is over, and its pipes are to be closed (relay_close). */
bool relay_advance(struct relay *relay);

/* What it waits for: of the writer's pipe, the reader's and the tee. The reader's is always there, since its end
 * counts; but not before the tee has what the reader has got. */
enum { RELAY_FDS = 3 };
void relay_interest(const struct relay *relay, struct pollfd fds[RELAY_FDS]);

#endif
