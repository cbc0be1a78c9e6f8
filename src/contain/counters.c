/*
 * The counters of this process.
 */
#include "contain/counters.h"

#include "sys/sys.h"

#include <stdatomic.h>
#include <string.h>

static _Atomic uint64_t counts[COUNTERS];

/* A forked child has a copy of its parent's. It has one thread when it comes here first. */
static void begin_anew(void)
{
    for (size_t i = 0; i < COUNTERS; i++)
        atomic_store_explicit(&counts[i], 0, memory_order_relaxed);
}

static void claim(void)
{
    static _Atomic uint64_t owner; /* the epoch of the process that they are of; 0: of none yet */
    uint64_t now = sys_epoch();
    uint64_t then = atomic_load_explicit(&owner, memory_order_relaxed);
    if (then != now && atomic_compare_exchange_strong(&owner, &then, now) && then != 0)
        begin_anew();
}

void counter_add(enum counter counter)
{
    claim();
    atomic_fetch_add_explicit(&counts[counter], 1, memory_order_relaxed);
}

void counter_drop(enum counter counter)
{
    claim();
    atomic_fetch_sub_explicit(&counts[counter], 1, memory_order_relaxed);
}

static uint64_t read_one(enum counter counter)
{
    return atomic_load_explicit(&counts[counter], memory_order_relaxed);
}

void pk_counters_read(pk_counters *counters)
{
    claim();
    pk_counters now = {
        .size = counters->size < sizeof(now) ? counters->size : sizeof(now),
        .starts = read_one(COUNTER_STARTS),
        .failed_starts = read_one(COUNTER_FAILED_STARTS),
        .live = read_one(COUNTER_LIVE),
        .freed = read_one(COUNTER_FREED),
        .retries = read_one(COUNTER_RETRIES),
        .soft_signals = read_one(COUNTER_SOFT_SIGNALS),
        .hard_kills = read_one(COUNTER_HARD_KILLS),
        .unkillable = read_one(COUNTER_UNKILLABLE),
        .guard_losses = read_one(COUNTER_GUARD_LOSSES),
    };
    for (unsigned i = 0; i < PK_COUNTERS_ENDS; i++)
        now.ends[i] = read_one(COUNTER_ENDS + i);
    memcpy(counters, &now, now.size);
}
