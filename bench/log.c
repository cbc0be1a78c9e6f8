/*
 * The log of a service: what a line costs beside a bare loop of write(2), line by line. Both write to the same
 * directory; the log has times and is rotated, the loop has the same bytes in each line. It is processor time that is
 * measured, the kernel's part of it as well, and the best round that is compared.
 */
#include "supervise/log.h"

#include "stats.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ROUNDS = 1000, LEAST_LENGTH = 26 /* of the time */ };

static struct {
    long rounds;
    long length;
    long lines;
    const char *directory;
} options = {10, 80, 1000000, "/dev/shm"};

static const struct {
    const char *name;
    long together; /* lines that are read at once */
} ways[] = {
    {"log, 1 line a read", 1},
    {"log, 10 lines", 10},
    {"log, 100 lines", 100},
    {"log, 800 lines", 800},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static uint64_t floors[MOST_ROUNDS], samples[WAYS][MOST_ROUNDS];
static char path[4096];
static char *text;

static void require(bool claim, const char *what)
{
    if (claim)
        return;
    fprintf(stderr, "log: %s\n", what);
    exit(1);
}

static uint64_t clock_time(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static void write_bare(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    require(fd >= 0, "cannot make the file");
    for (long i = 0; i < options.lines; i++)
        require(write(fd, text, (size_t)options.length) == options.length, "cannot write");
    close(fd);
}

static void write_log(long together)
{
    struct service_log log;
    pk_error error;
    pk_log_options log_options = PK_LOG_OPTIONS_INIT;
    log_options.path = path;
    pk_line line = {.text = text, .length = (size_t)(options.length - LEAST_LENGTH), .fd = 1, .end = PK_LINE_LF};
    if (log_open(&log, &log_options, "bench", &error) < 0)
        require(false, error.message);
    for (long i = 1; i <= options.lines; i++) {
        log_line(&log, &line, clock_time(CLOCK_REALTIME));
        if (i % together == 0)
            log_flush(&log);
    }
    log_close(&log);
    require(log_lost(&log) == 0, "lines were lost");
}

static void clean(void)
{
    char name[sizeof(path) + 8];
    unlink(path);
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof(name), "%s.%d", path, i);
        unlink(name);
    }
}

static void measure(size_t round)
{
    uint64_t before = clock_time(CLOCK_PROCESS_CPUTIME_ID);
    write_bare();
    floors[round] = clock_time(CLOCK_PROCESS_CPUTIME_ID) - before;
    clean();
    for (size_t i = 0; i < WAYS; i++) {
        before = clock_time(CLOCK_PROCESS_CPUTIME_ID);
        write_log(ways[i].together);
        samples[i][round] = clock_time(CLOCK_PROCESS_CPUTIME_ID) - before;
        clean();
    }
}

static void report_way(const char *name, const uint64_t *times, size_t count)
{
    double best = (double)stats_percentile(times, count, 0), median = (double)stats_percentile(times, count, 50);
    double lines = (double)options.lines;
    printf("  %-20s %10.1f %10.1f %14.0f\n", name, best / lines, median / lines, lines * 1e9 / best);
}

static void report(void)
{
    size_t rounds = (size_t)options.rounds;
    stats_print_host();
    printf("%ld lines of %ld bytes into %s, %zu rounds; processor time\n", options.lines, options.length,
           options.directory, rounds);
    printf("  %-20s %10s %10s %14s\n", "ns a line", "best", "median", "lines/s");
    report_way("bare write", floors, rounds);
    for (size_t i = 0; i < WAYS; i++)
        report_way(ways[i].name, samples[i], rounds);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"length", required_argument, NULL, 'l'},
        {"lines", required_argument, NULL, 'n'},
        {"directory", required_argument, NULL, 'd'},
        {0},
    };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'r')
            options.rounds = stats_argument("--rounds", optarg, 1, MOST_ROUNDS);
        else if (c == 'l')
            options.length = stats_argument("--length", optarg, LEAST_LENGTH, 1 << 20);
        else if (c == 'n')
            options.lines = stats_argument("--lines", optarg, 1, 100000000);
        else if (c == 'd')
            options.directory = optarg;
        else
            return 2;
    }
    snprintf(path, sizeof(path), "%s/bench-log.%d", options.directory, (int)getpid());
    text = malloc((size_t)options.length);
    require(text, "no memory");
    memset(text, 'x', (size_t)options.length);
    text[options.length - 1] = '\n';
    for (long round = 0; round < options.rounds; round++)
        measure((size_t)round);
    report();
    free(text);
    return 0;
}
