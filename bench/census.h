/*
 * What this process holds: whatever grows here from run to run is a leak.
 */
#ifndef BENCH_CENSUS_H
#define BENCH_CENSUS_H

#include <stdbool.h>
#include <stddef.h>

struct census {
    long descriptors;
    long children; /* zombies included */
    long threads;
    long mappings;    /* lines of /proc/self/maps */
    long directories; /* cgroups below the owner's, or -1 without any */
    long heap;        /* bytes that malloc has given out */
    long resident;    /* KiB */
};

/* `owner` is the directory that the library keeps its cgroups in, or "". */
struct census census_take(const char *owner);

/* How many directories in `parent` have names that begin with `prefix`. */
long census_count_directories(const char *parent, const char *prefix);

/* Prints both and what lies between them, and says whether nothing leaked: nothing more than before, but memory, which
 * may have grown by `heap` bytes and `resident` KiB. */
bool census_compare(const char *name, const struct census *before, const struct census *after, long heap,
                    long resident);

#endif
