/*
 * Inquiries: a probe that is asked on a loop. One question has one answer; when the next is asked, whoever asks says.
 */
#ifndef PK_SUPERVISE_INQUIRY_H
#define PK_SUPERVISE_INQUIRY_H

#include "loop/loop.h"
#include "supervise/probe.h"

#include <processkit/task.h>

struct inquiry;

/*
 * What came of a question; or a negative errno, by which a callback says that it never will be good. What cannot be
 * asked, for want of descriptors or memory of our own, tells nothing of whom it is about. Any other failure does: a
 * path on a file system that has gone, an address of a family that there is not.
 */
enum { INQUIRY_BAD, INQUIRY_GOOD, INQUIRY_UNASKED };

/* May end the inquiry. */
typedef void (*inquiry_callback)(struct inquiry *inquiry, int answer, void *data);

struct inquiry {
    pk_probe *probe; /* NULL: there is none, and nothing to end */
    unsigned ended;  /* how often: whoever was called back meanwhile sees whether it is still the same */
    pk_loop *loop;
    inquiry_callback callback;
    void *data;
    pk_duration patience; /* for an answer */

    struct loop_timer timer; /* the next question; while one is asked, when it is given up */
    bool asked;
    bool lingers;        /* a command that was given up has not ended yet: the next question waits for that */
    pk_time next;        /* which was to be asked then */
    struct probe asking; /* beside commands and heartbeats; of the whole inquiry */
    struct loop_watch watch;
    int watched; /* -1: nothing is */
    pk_task *task;

    /* A heartbeat's last change. */
    struct timespec touched;
    pk_time seen; /* 0: never looked at */
    bool anew;    /* it beats from its first change on, and not as if there had been one */

    char refusal[PROBE_REFUSAL_SIZE];
};

/* The probe is shared. Nothing is asked yet. One that begins for the first time is all zero. */
int inquiry_begin(struct inquiry *inquiry, pk_loop *loop, pk_probe *probe, pk_duration patience,
                  inquiry_callback callback, void *data, pk_error *error);

/* Asks at that time, once; not while a question is asked already. */
void inquiry_ask(struct inquiry *inquiry, pk_time when);

/* Why the last answer was not good, as a clause without a full stop. */
const char *inquiry_refusal(const struct inquiry *inquiry);

/* Also for one that has not begun: all zero. */
void inquiry_end(struct inquiry *inquiry);

#endif
