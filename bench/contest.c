/*
 * Taking turns.
 */
#include "contest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MOST_WAYS = 16 };

static uint64_t in_nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_usec * 1000U;
}

static void look(uint64_t measures[MEASURES])
{
    struct rusage usage, of_children;
    getrusage(RUSAGE_SELF, &usage);
    getrusage(RUSAGE_CHILDREN, &of_children);
    measures[MEASURE_CPU] = in_nanoseconds(usage.ru_utime) + in_nanoseconds(usage.ru_stime);
    measures[MEASURE_CPU_OF_ALL] =
        measures[MEASURE_CPU] + in_nanoseconds(of_children.ru_utime) + in_nanoseconds(of_children.ru_stime);
    measures[MEASURE_SLEEPS] = (uint64_t)usage.ru_nvcsw;
    measures[MEASURE_TIME] = stats_now();
}

static uint64_t *samples_of(const struct contest *contest, enum measure measure, unsigned way)
{
    return contest->samples + ((size_t)measure * contest->count + way) * contest->rounds;
}

static void run_one(struct contest *contest, unsigned way, size_t round)
{
    uint64_t before[MEASURES], after[MEASURES];
    look(before);
    int r = contest->ways[way].once();
    look(after);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", contest->ways[way].name, strerror(-r));
        exit(1);
    }
    for (enum measure measure = 0; measure < MEASURES; measure++)
        samples_of(contest, measure, way)[round] = after[measure] - before[measure];
}

static void run_round(struct contest *contest, size_t round, uint64_t *seed)
{
    unsigned order[MOST_WAYS];
    stats_shuffle(order, contest->count, seed);
    for (unsigned i = 0; i < contest->count; i++)
        run_one(contest, order[i], round);
}

void contest_run(struct contest *contest, const struct way_to *ways, unsigned count, long rounds)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    if (count > MOST_WAYS)
        abort();
    *contest = (struct contest){.ways = ways, .count = count, .rounds = (size_t)rounds};
    contest->samples = calloc((size_t)MEASURES * count * contest->rounds, sizeof(*contest->samples));
    if (!contest->samples)
        abort();
    run_round(contest, 0, &seed); /* and written over */
    for (size_t round = 0; round < contest->rounds; round++)
        run_round(contest, round, &seed);
}

void contest_free(struct contest *contest)
{
    free(contest->samples);
    contest->samples = NULL;
}

uint64_t contest_best(const struct contest *contest, enum measure measure, unsigned way)
{
    return stats_percentile(samples_of(contest, measure, way), contest->rounds, 0);
}

uint64_t contest_median(const struct contest *contest, enum measure measure, unsigned way)
{
    return stats_percentile(samples_of(contest, measure, way), contest->rounds, 50);
}

struct stats_ratio contest_ratio(const struct contest *contest, enum measure measure, unsigned way, unsigned by)
{
    return stats_compare(samples_of(contest, measure, way), contest->rounds, samples_of(contest, measure, by),
                         contest->rounds);
}

struct stats_ratio contest_best_ratio(const struct contest *contest, enum measure measure, unsigned way, unsigned by)
{
    struct stats_ratio ratio = contest_ratio(contest, measure, way, by);
    uint64_t floor = contest_best(contest, measure, by);
    ratio.all = floor == 0 ? 0 : (double)contest_best(contest, measure, way) / (double)floor;
    return ratio;
}
