/*
 * Counters: what the library has done in this process so far.
 *
 *     pk_counters counters = PK_COUNTERS_INIT;
 *     pk_counters_read(&counters);
 *     gauge("children", counters.live);
 */
#ifndef PROCESSKIT_COUNTERS_H
#define PROCESSKIT_COUNTERS_H

#include <processkit/macros.h>

#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

#define PK_COUNTERS_ENDS 24

typedef struct pk_counters {
    size_t size;            /* PK_COUNTERS_INIT sets it */
    uint64_t starts;        /* processes started, or played by a runner: by pk_command_start, pk_group_spawn, verbs */
    uint64_t failed_starts; /* such calls that failed, for whatever reason */
    uint64_t live;          /* handles now whose runs have not ended: starts without ends and freed ones */
    uint64_t ends[PK_COUNTERS_ENDS]; /* runs that have ended, by pk_verdict; [0] is of none */
    uint64_t freed;                  /* handles that were freed before their runs had ended */
    uint64_t retries;                /* further attempts of commands that are retried */
    uint64_t soft_signals;           /* sent by a ladder: to a tree, or to a leader in a group that others share */
    uint64_t hard_kills;             /* likewise, the kill that a freed group gets included, if it has members */
    uint64_t unkillable;             /* ladders that have ended with members left */
    uint64_t guard_losses;           /* guardians and reapers that were lost */
} pk_counters;

#define PK_COUNTERS_INIT                                    \
    {                                                       \
        sizeof(pk_counters), 0, 0, 0, {0}, 0, 0, 0, 0, 0, 0 \
    }

/*
 * Reads them: any thread, at any time, also in a callback. Each is right by itself; two that change together may be a
 * moment apart. They are of this process: a child made by fork() begins with zeros. Commands started by
 * pk_command_detach are not counted.
 */
PK_API void pk_counters_read(pk_counters *counters);

PK_END_DECLS

#endif
