/*
 * What a service does next: a table of (state, event), without processes, clocks or memory of its own to free.
 *
 * Who drives it tells what has happened and when, and does what comes back. So it can be tested with any history and
 * any clock. What it promises, whatever the order of events:
 *
 *   - ACT_START comes only while there is no tree: not since the last ACT_START, unless that was answered by
 *     MACHINE_REFUSED, or by MACHINE_EMPTY;
 *   - ACT_STOP comes only while there is one;
 *   - a pause is never longer than the options say, and never shorter than half of what they say;
 *   - no end is counted twice, and none that was asked for is counted;
 *   - from any state MACHINE_UNWANTED leads to rest, as soon as the tree is empty;
 *   - what has no sense in a state changes nothing.
 */
#ifndef PK_SUPERVISE_MACHINE_H
#define PK_SUPERVISE_MACHINE_H

#include <processkit/service.h>

enum machine_event {
    MACHINE_WANTED,   /* it is to run */
    MACHINE_ADMITTED, /* those that it needs are ready */
    MACHINE_HOPELESS, /* one of those is over */
    MACHINE_REFUSED,  /* it could not be started: end */
    MACHINE_IS_READY,
    MACHINE_LATE,     /* it is not ready in time */
    MACHINE_SICK,     /* it is not well */
    MACHINE_EXITED,   /* its leader has ended, and what it left is to end as well */
    MACHINE_EMPTY,    /* its tree is empty: end */
    MACHINE_TIME,     /* time has passed */
    MACHINE_UNWANTED, /* it is to rest */
    MACHINE_RENEW,    /* it is to end and to be started again */
    MACHINE_EVENTS
};

/* What there is to do, in this order. */
enum machine_action {
    ACT_STOP = 1 << 0,  /* end what runs, by its ladder */
    ACT_START = 1 << 1, /* start it, and say MACHINE_REFUSED if that is not possible */
};

struct machine_input {
    enum machine_event event;
    pk_time now;
    uint64_t random; /* for the jitter of a pause */

    /* REFUSED and EMPTY: how it ended. */
    bool unwanted; /* it is to rest, and ended before that was told */
    bool success;
    bool permanent; /* REFUSED: it would not help to try again */
    pk_judgement judgement;
};

/* What comes after its end. */
enum machine_after {
    AFTER_JUDGING, /* what the options say */
    AFTER_RESTING,
    AFTER_RENEWAL, /* it is started again at once */
};

/* Times of the last so many, in a ring. */
struct machine_window {
    pk_time times[PK_RESTART_WINDOW];
    unsigned next;  /* where the next one goes */
    unsigned count; /* of those that are there */
};

/* Begins with machine_init. To be read by who drives it, written by the table only. */
struct machine {
    pk_service_state state;
    pk_service_end end; /* OVER: why */
    pk_time since;      /* in this state */
    enum machine_after after;
    bool failed;       /* it was ended for being late or sick, which is a failure however it ends */
    pk_time started;   /* the last incarnation */
    pk_time resumes;   /* PAUSING: until then; PK_FOREVER in any other state */
    pk_duration pause; /* the last one */
    bool storm;        /* and why it was that long */
    unsigned streak;   /* restarts since a healthy run: what the pause grows with */
    unsigned incarnation;
    unsigned restarts; /* by itself, since it was last wanted */
    unsigned storms;   /* since then, too */
    struct machine_window restarted, failures;
};

/* For tables: states begin with 1. */
enum { MACHINE_STATES = PK_SERVICE_OVER + 1 };

void machine_init(struct machine *machine, pk_time now);

/* It is over before it has begun: its settings make no sense. */
void machine_invalidate(struct machine *machine, pk_time now);

/* Tells the machine what has happened; returns what there is to do now, as bits of enum machine_action. */
unsigned machine_step(struct machine *machine, const pk_restart_options *options, const struct machine_input *input);

/* Whether there is a tree, as far as the machine was told. */
bool machine_has_tree(const struct machine *machine);

/* Whether it rests or is over: nothing comes of it by itself. */
bool machine_is_done(const struct machine *machine);

/* Whether these options make sense: what is wrong with them; NULL: nothing. */
const char *machine_check_options(const pk_restart_options *options);

#endif
