/*
 * Durations and deadlines.
 *
 * Both are unsigned nanoseconds, so there is no negative time, and "for ever" is the largest value, so a plain
 * comparison is always right. Additions saturate. Deadlines are points on CLOCK_MONOTONIC: changes of the wall clock do
 * not move them, and the time a machine is suspended does not count.
 */
#ifndef PROCESSKIT_TIME_H
#define PROCESSKIT_TIME_H

#include <processkit/macros.h>

#include <stdint.h>

PK_BEGIN_DECLS

/* A length of time in nanoseconds. */
typedef uint64_t pk_duration;

/* A point in time: nanoseconds of CLOCK_MONOTONIC. */
typedef uint64_t pk_time;

#define PK_FOREVER UINT64_MAX /* as a pk_duration: without end; as a pk_time: never */

#define PK_MICROSECONDS(n) ((pk_duration)(n)*1000U)
#define PK_MILLISECONDS(n) ((pk_duration)(n)*1000000U)
#define PK_SECONDS(n)      ((pk_duration)(n)*1000000000U)
#define PK_MINUTES(n)      ((pk_duration)(n)*60000000000U)

/* Now. Any thread. */
PK_API pk_time pk_now(void);

/* The deadline that lies the given time ahead of now; PK_FOREVER stays PK_FOREVER. Any thread. */
PK_API pk_time pk_deadline(pk_duration ahead);

PK_END_DECLS

#endif
