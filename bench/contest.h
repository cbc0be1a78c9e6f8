/*
 * Ways to do the same, which take turns: in each round every way runs once, in an order shuffled anew, so that drift
 * and neighbours hit all alike.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "stats.h"

struct way_to {
    const char *name;
    int (*once)(void); /* 0, or a negative errno */
};

/* What a run costs this process; what its children use is not in it, but in the time, and in CPU_OF_ALL as far as they
 * were waited for. */
enum measure {
    MEASURE_TIME, /* nanoseconds, as are those of CPU */
    MEASURE_CPU,
    MEASURE_CPU_OF_ALL,
    MEASURE_SLEEPS, /* voluntary context switches */
    MEASURES
};

struct contest {
    const struct way_to *ways;
    unsigned count;
    size_t rounds;
    uint64_t *samples; /* by measure, way and round */
};

/* Runs it, after one round to warm up; ends the program with a line if a way fails. */
void contest_run(struct contest *contest, const struct way_to *ways, unsigned count, long rounds);
void contest_free(struct contest *contest);

/* The least that a way took: what others on the machine do only ever makes it more. */
uint64_t contest_best(const struct contest *contest, enum measure measure, unsigned way);
uint64_t contest_median(const struct contest *contest, enum measure measure, unsigned way);

/* Of two medians, or of the best of both, with the same spread. */
struct stats_ratio contest_ratio(const struct contest *contest, enum measure measure, unsigned way, unsigned by);
struct stats_ratio contest_best_ratio(const struct contest *contest, enum measure measure, unsigned way, unsigned by);

#endif
