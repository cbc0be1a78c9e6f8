/*
 * Counting what is done; see <processkit/counters.h>. Any thread.
 */
#ifndef PK_CONTAIN_COUNTERS_H
#define PK_CONTAIN_COUNTERS_H

#include <processkit/counters.h>

enum counter {
    COUNTER_STARTS,
    COUNTER_FAILED_STARTS,
    COUNTER_LIVE,
    COUNTER_FREED,
    COUNTER_RETRIES,
    COUNTER_SOFT_SIGNALS,
    COUNTER_HARD_KILLS,
    COUNTER_UNKILLABLE,
    COUNTER_GUARD_LOSSES,
    COUNTER_ENDS, /* and PK_COUNTERS_ENDS in all, by verdict */
    COUNTERS = COUNTER_ENDS + PK_COUNTERS_ENDS
};

void counter_add(enum counter counter);

/* Takes back one: for what is a level. Not in a forked child, whose handles are its parent's. */
void counter_drop(enum counter counter);

#endif
