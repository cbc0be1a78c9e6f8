/*
 * Arithmetic on deadlines. It saturates: nothing wraps, and PK_FOREVER stays what it is.
 */
#ifndef PK_BASE_TIME_H
#define PK_BASE_TIME_H

#include <processkit/time.h>

#include <time.h>

/* when + ahead, at most PK_FOREVER. */
pk_time time_add(pk_time when, pk_duration ahead);

/* Of a counter of microseconds. */
pk_duration time_from_microseconds(uint64_t microseconds);

/* How long from `now` until `deadline`: 0 when it has passed, PK_FOREVER when it never comes. */
pk_duration time_left(pk_time deadline, pk_time now);

/* The earlier of two. */
pk_time time_earlier(pk_time a, pk_time b);

/* As a timespec; more than it can hold becomes the largest it can. */
struct timespec time_to_timespec(uint64_t nanoseconds);

#endif
