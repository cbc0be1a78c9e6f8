/*
 * Lines out of memory: what splitting costs beside a bare loop of memchr over the same bytes, fed as a pipe would give
 * them; and what decoding, stripping and redaction cost in addition. A copy into the same buffer stands for the read.
 * It costs both the same, and less than a read does: the ratio is the worst there can be. It is processor time that is
 * measured, and the best round that is compared: others on the machine only ever make it more.
 */
#include "io/text.h"
#include "stats.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROUNDS = 1000, FEED = 64 << 10 };

static struct {
    long rounds;
    long length;
    long mebibytes;
} options = {50, 128, 16};

static char *bytes;
static size_t size;
static char fed[FEED];

/* ---- The ways --------------------------------------------------------------------------------------------------- */

static size_t redact(int fd, char *text, size_t length, size_t capacity, void *data)
{
    (void)fd, (void)capacity, (void)data;
    char *secret = memchr(text, '$', length); /* there is none */
    if (secret)
        *secret = '*';
    return length;
}

static const struct {
    const char *name;
    pk_text_options options;
} ways[] = {
    {"lines", PK_TEXT_OPTIONS_INIT},
    {"split at CR too", {.size = sizeof(pk_text_options), .split_at_cr = true}},
    {"UTF-8", {.size = sizeof(pk_text_options), .encoding = "UTF-8"}},
    {"ISO-8859-1", {.size = sizeof(pk_text_options), .encoding = "ISO-8859-1"}},
    {"stripped", {.size = sizeof(pk_text_options), .strip_vt = true}},
    {"redacted", {.size = sizeof(pk_text_options), .redact = redact}},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static uint64_t floors[MOST_ROUNDS], samples[WAYS][MOST_ROUNDS];

static size_t count_bare(void)
{
    size_t lines = 0;
    for (size_t position = 0; position < size; position += FEED) {
        const char *next = memcpy(fed, bytes + position, FEED), *end = next + FEED, *found;
        while ((found = memchr(next, '\n', (size_t)(end - next))) != NULL) {
            lines++;
            next = found + 1;
        }
    }
    return lines;
}

static size_t count_lines(struct text *text)
{
    size_t lines = 0;
    pk_line line;
    for (size_t position = 0; position < size; position += FEED) {
        text_feed(text, memcpy(fed, bytes + position, FEED), FEED);
        while (text_next(text, &line) == 1)
            lines++;
    }
    return lines;
}

/* ---- Measuring -------------------------------------------------------------------------------------------------- */

static void require(bool claim, const char *what)
{
    if (claim)
        return;
    fprintf(stderr, "lines: %s\n", what);
    exit(1);
}

static struct text *make(const pk_text_options *text_options)
{
    struct text *text;
    pk_error error;
    if (text_new(&text, text_options, 1, &error) < 0)
        require(false, error.message);
    return text;
}

static void fill(void)
{
    size = (size_t)options.mebibytes << 20;
    bytes = malloc(size);
    require(bytes, "no memory");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (i + 1) % (size_t)options.length ? (char)('a' + i % 23) : '\n';
}

static uint64_t processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

/* In turns, so that whatever else the machine does happens to all of them. */
static void measure(long round, struct text *const texts[WAYS])
{
    uint64_t before = processor_time();
    size_t expected = count_bare();
    floors[round] = processor_time() - before;
    for (size_t i = 0; i < WAYS; i++) {
        before = processor_time();
        size_t lines = count_lines(texts[i]);
        samples[i][round] = processor_time() - before;
        require(lines == expected, "lines were lost");
    }
}

static void report_way(const char *name, const uint64_t *times, size_t count)
{
    double best = (double)stats_percentile(times, count, 0), median = (double)stats_percentile(times, count, 50);
    double lines = (double)size / (double)options.length;
    printf("  %-20s %10.1f %10.1f %10.0f\n", name, best / lines, median / lines, (double)size * 1e3 / best);
}

static void report(void)
{
    size_t rounds = (size_t)options.rounds;
    stats_print_host();
    printf("%zu MiB of lines of %ld bytes, in feeds of %d KiB, %zu rounds; processor time\n", size >> 20,
           options.length, FEED >> 10, rounds);
    printf("  %-20s %10s %10s %10s\n", "ns a line", "best", "median", "MB/s");
    report_way("bare memchr", floors, rounds);
    for (size_t i = 0; i < WAYS; i++)
        report_way(ways[i].name, samples[i], rounds);
    printf("  lines as fast as %.2f of bare memchr\n",
           (double)stats_percentile(floors, rounds, 0) / (double)stats_percentile(samples[0], rounds, 0));
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"length", required_argument, NULL, 'l'},
        {"size", required_argument, NULL, 's'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'r')
            options.rounds = stats_argument("--rounds", optarg, 1, MOST_ROUNDS);
        else if (c == 'l')
            options.length = stats_argument("--length", optarg, 1, 1 << 20);
        else if (c == 's')
            options.mebibytes = stats_argument("--size", optarg, 1, 1024);
        else
            return 2;
    }
    struct text *texts[WAYS];
    fill();
    for (size_t i = 0; i < WAYS; i++)
        texts[i] = make(&ways[i].options);
    for (long round = 0; round < options.rounds; round++)
        measure(round, texts);
    report();
    for (size_t i = 0; i < WAYS; i++)
        text_free(texts[i]);
    free(bytes);
    return 0;
}
