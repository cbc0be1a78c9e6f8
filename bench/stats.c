/*
 * Percentiles, ratios with their spread, and the lines they are printed as.
 */
#include "stats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

uint64_t stats_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t stats_percentile(const uint64_t *samples, size_t count, unsigned percent)
{
    if (count == 0)
        return 0;
    uint64_t *sorted = malloc(count * sizeof(*sorted));
    if (!sorted)
        abort();
    memcpy(sorted, samples, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare);
    size_t rank = (count * percent + 99) / 100;
    uint64_t value = sorted[rank > 0 ? rank - 1 : 0];
    free(sorted);
    return value;
}

static double divide(uint64_t ours, uint64_t theirs)
{
    return theirs == 0 ? 0 : (double)ours / (double)theirs;
}

struct stats_ratio stats_compare(const uint64_t *ours, size_t our_count, const uint64_t *theirs, size_t their_count)
{
    enum { MOST_PARTS = 10 };
    struct stats_ratio ratio = {
        .all = divide(stats_percentile(ours, our_count, 50), stats_percentile(theirs, their_count, 50)),
    };
    ratio.least = ratio.most = ratio.all;
    size_t fewer = our_count < their_count ? our_count : their_count, parts = fewer < MOST_PARTS ? fewer : MOST_PARTS;
    if (parts == 0)
        return ratio;
    size_t ours_each = our_count / parts, theirs_each = their_count / parts;
    for (size_t i = 0; i < parts; i++) {
        double part = divide(stats_percentile(ours + i * ours_each, ours_each, 50),
                             stats_percentile(theirs + i * theirs_each, theirs_each, 50));
        ratio.least = part < ratio.least ? part : ratio.least;
        ratio.most = part > ratio.most ? part : ratio.most;
    }
    return ratio;
}

static bool print_judgement(const char *name, struct stats_ratio ratio, const char *relation, double target, bool pass)
{
    bool noisy = ratio.most > 2 * ratio.least;
    printf("  %-45s %6.3f  (%.2f .. %.2f)  target %s %.2f: %s%s\n", name, ratio.all, ratio.least, ratio.most, relation,
           target, pass ? "PASS" : "FAIL", noisy ? ", but noisy: repeat it on a quiet machine" : "");
    return pass;
}

bool stats_judge(const char *name, struct stats_ratio ratio, double target)
{
    return print_judgement(name, ratio, "<=", target, ratio.all > 0 && ratio.all <= target);
}

bool stats_judge_least(const char *name, struct stats_ratio ratio, double target)
{
    return print_judgement(name, ratio, ">=", target, ratio.all >= target);
}

long stats_argument(const char *option, const char *text, long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && value >= least && value <= most)
        return value;
    fprintf(stderr, "%s takes a number from %ld to %ld, not '%s'\n", option, least, most, text);
    exit(2);
}

/* xorshift64*: good enough to keep any way of spawning from always following the same other one. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

void stats_shuffle(unsigned *order, unsigned count, uint64_t *seed)
{
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned other = (unsigned)((next_random(seed) >> 33) % i);
        unsigned kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

void stats_print_host(void)
{
    struct utsname host;
    double load[1] = {0};
    uname(&host);
    getloadavg(load, 1);
    printf("host: %s %s, %ld processors, load before %.2f\n", host.machine, host.release, sysconf(_SC_NPROCESSORS_ONLN),
           load[0]);
}
