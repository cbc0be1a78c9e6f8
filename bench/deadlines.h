/*
 * Unruly children that are to be ended in time, and the ways to wait for them.
 */
#ifndef BENCH_DEADLINES_H
#define BENCH_DEADLINES_H

#include <processkit.h>

#include <stdbool.h>

/* What a run of a shape comes to. */
enum ending {
    ENDS_BY_DEADLINE, /* it would go on for ever */
    ENDS_BEFORE,      /* the leader exits with 0, and what it leaves is killed */
};

struct shape {
    const char *name;
    const char *words; /* for the adversary */
    enum ending ending;
    bool waits;   /* for leftovers, as long as the deadline lets it */
    bool endures; /* SIGTERM: the grace passes before it is killed */
    bool escapes; /* a process group: there its holder is out of reach, and the drain passes */
    bool given;   /* megabytes of input */
    bool teed;    /* to a pipe that nobody reads: the drain passes */
    bool at_terminal;
};

/* One run of it by one way: what is measured is when it returned. */
struct attempt {
    const struct shape *shape;
    pk_mechanism mechanism;
    pk_duration deadline;
    pk_time due;                            /* at the latest, without what a machine may take; set by the way */
    pk_time returned;                       /* the same */
    char wrong[PK_ERROR_MESSAGE_SIZE + 64]; /* "": it came to what it should */
};

enum { GRACE_MS = 40, DRAIN_MS = 40 }; /* of each run */

/* Its holder is out of reach. */
bool has_escaped(const struct attempt *attempt);

struct deadline_way {
    const char *name;
    void (*run)(struct attempt *attempt);
};

extern const struct deadline_way deadline_ways[];
enum { DEADLINE_WAYS = 8 };

/* Once, before the first. */
void deadline_ways_prepare(const char *path);

#endif
