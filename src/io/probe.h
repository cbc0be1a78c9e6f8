/*
 * Probes: asking whether something can be used, again and again, until it can.
 *
 * A probe is a state machine that never waits. It asks when its time has come and hears when its descriptor has fired;
 * who has it waits for both, beside whatever else there is to wait for. An attempt that is refused, or has had no
 * answer within its own time, is followed by a pause that grows, and then by the next.
 */
#ifndef PK_IO_PROBE_H
#define PK_IO_PROBE_H

#include "sys/sys.h"

#include <processkit/error.h>
#include <processkit/time.h>

#include <poll.h>

/* The time of an attempt unless it is set otherwise, and the pauses after those that were refused. */
#define PROBE_ATTEMPT       PK_SECONDS(1)
#define PROBE_FIRST_PAUSE   PK_MILLISECONDS(10)
#define PROBE_LONGEST_PAUSE PK_MILLISECONDS(100)

enum { PROBE_PLACE_SIZE = 128, PROBE_REFUSAL_SIZE = 256, PROBE_ADDRESSES = 2 };

/* The pause after one that was so long; 0: there was none. */
static inline pk_duration probe_next_pause(pk_duration pause)
{
    pk_duration next = pause == 0 ? PROBE_FIRST_PAUSE : pause * 2;
    return next < PROBE_LONGEST_PAUSE ? next : PROBE_LONGEST_PAUSE;
}

struct probe_kind;
struct exchange;

struct probe {
    const struct probe_kind *kind;
    int fd;                           /* of the attempt that is going on; -1: none is */
    short events;                     /* that it waits for */
    pk_time wake;                     /* when that attempt is given up; or when the next is made */
    pk_duration pause;                /* before that one */
    pk_duration patience;             /* for the answer of an attempt: PROBE_ATTEMPT at first */
    char place[PROBE_PLACE_SIZE];     /* what is asked, for people: "127.0.0.1:8080" */
    char refusal[PROBE_REFUSAL_SIZE]; /* why it is not ready, as a clause without a full stop */

    struct sys_address addresses[PROBE_ADDRESSES]; /* tried one after the other in each attempt */
    unsigned address_count;
    unsigned address; /* that is being tried */
    bool connected;
    struct exchange *exchange; /* HTTP only */
    const char *path;          /* a file's */
    int (*ask)(void *data);    /* a callback */
    void *data;
};

/*
 * Each begins a probe, which asks for the first time when it is first advanced: 0, or a negative errno, with nothing to
 * end then, for what makes no sense. See processkit/ready.h for what does.
 */
int probe_begin_port(struct probe *probe, const char *host, unsigned port, pk_error *error);
int probe_begin_socket(struct probe *probe, const char *path, pk_error *error);
int probe_begin_path(struct probe *probe, const char *path, pk_error *error); /* the path must last */
int probe_begin_http(struct probe *probe, const char *url, unsigned first, unsigned last, pk_error *error);

/* The callback returns what probe_advance does. */
void probe_begin_callback(struct probe *probe, int (*ask)(void *data), void *data);

/* 1: ready, and nothing is open; the next call would ask anew. 0: not yet. A negative errno: it cannot be found out, or
 * will never be. May be called at any time, also without reason. */
int probe_advance(struct probe *probe, pk_time now);

/* What to wait for: a descriptor, -1 for none, and a time. */
pk_time probe_interest(const struct probe *probe, struct pollfd *fd);

/* Why it is not ready: "the connection to 127.0.0.1:8080 was refused". */
const char *probe_refusal(const struct probe *probe);

/* Gives up the attempt that is going on, if one is, as if it had not been made. */
void probe_stop(struct probe *probe);

void probe_end(struct probe *probe);

#endif
