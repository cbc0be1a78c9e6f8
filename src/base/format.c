/*
 * Writing durations and sizes for people.
 */
#include <processkit/parse.h>

#include <stdio.h>

const char *pk_format_duration(pk_duration duration, char *buffer, size_t size)
{
    const pk_duration millisecond = 1000000, second = 1000 * millisecond, minute = 60 * second, hour = 60 * minute;

    if (duration == PK_FOREVER)
        snprintf(buffer, size, "forever");
    else if (duration == 0)
        snprintf(buffer, size, "0s");
    else if (duration < millisecond)
        snprintf(buffer, size, "%lluus", (unsigned long long)(duration / 1000));
    else if (duration < second)
        snprintf(buffer, size, "%llums", (unsigned long long)(duration / millisecond));
    else if (duration < minute)
        snprintf(buffer, size, "%llu.%02us", (unsigned long long)(duration / second),
                 (unsigned)(duration % second / (10 * millisecond)));
    else if (duration < hour)
        snprintf(buffer, size, "%llum%02us", (unsigned long long)(duration / minute),
                 (unsigned)(duration % minute / second));
    else
        snprintf(buffer, size, "%lluh%02um", (unsigned long long)(duration / hour),
                 (unsigned)(duration % hour / minute));
    return buffer;
}

const char *pk_format_size(uint64_t bytes, char *buffer, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        snprintf(buffer, size, "%u B", (unsigned)bytes);
        return buffer;
    }
    unsigned unit = 0;
    while (unit < 5 && bytes >= UINT64_C(1024) << (10 * (unit + 1)))
        unit++;
    uint64_t one = UINT64_C(1024) << (10 * unit);
    snprintf(buffer, size, "%llu.%u %s", (unsigned long long)(bytes / one), (unsigned)(bytes % one * 10 / one),
             units[unit]);
    return buffer;
}
