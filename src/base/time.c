/*
 * Saturating arithmetic on deadlines.
 */
#include "base/time.h"

#include <limits.h>
#include <stdint.h>

pk_time time_add(pk_time when, pk_duration ahead)
{
    return ahead > PK_FOREVER - when ? PK_FOREVER : when + ahead;
}

pk_duration time_from_microseconds(uint64_t microseconds)
{
    const uint64_t most = PK_FOREVER / 1000;
    return microseconds > most ? PK_FOREVER : microseconds * 1000;
}

pk_duration time_left(pk_time deadline, pk_time now)
{
    if (deadline == PK_FOREVER)
        return PK_FOREVER;
    return deadline > now ? deadline - now : 0;
}

pk_time time_earlier(pk_time a, pk_time b)
{
    return a < b ? a : b;
}

struct timespec time_to_timespec(uint64_t nanoseconds)
{
    const uint64_t second = 1000000000U;
    /* Where time_t has 32 bits, PK_FOREVER is more than it holds; 68 years will do. */
    const uint64_t most = sizeof(time_t) < 8 ? INT32_MAX : INT64_MAX;
    uint64_t seconds = nanoseconds / second;
    if (seconds > most)
        return (struct timespec){.tv_sec = (time_t)most};
    return (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(nanoseconds % second)};
}
