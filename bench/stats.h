/*
 * Samples of durations, and what is said about them.
 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t stats_now(void);

/* The smallest sample that `percent` of all samples do not exceed; 0 without samples. */
uint64_t stats_percentile(const uint64_t *samples, size_t count, unsigned percent);

/* A ratio of two medians, and how far it strayed within the run. */
struct stats_ratio {
    double all;         /* of all samples */
    double least, most; /* of the tenths of the run (its samples, if those are fewer), each by itself: the noise */
};

/* The samples are in the order they were taken in. */
struct stats_ratio stats_compare(const uint64_t *ours, size_t our_count, const uint64_t *theirs, size_t their_count);

/* Prints "name  0.973  (0.95 .. 0.99)  target <= 1.05: PASS", the parentheses being the tenths of the run, and says
 * whether it passed. A ratio that strayed by more than a factor of two within the run is called noisy. */
bool stats_judge(const char *name, struct stats_ratio ratio, double target);

/* The same where more is better: "target >= 0.90". */
bool stats_judge_least(const char *name, struct stats_ratio ratio, double target);

/* A number from `least` to `most` from the command line; ends the program with a line that says what is wrong. */
long stats_argument(const char *option, const char *text, long least, long most);

/* A permutation of 0 .. count-1 from a seed that it moves on; the same for the same seed on every machine. */
void stats_shuffle(unsigned *order, unsigned count, uint64_t *seed);

/* One line on what the figures below it depend on: kernel, processors, load. */
void stats_print_host(void);

#endif
