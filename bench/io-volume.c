/*
 * Much output: captured, read as lines, and in tiny pieces.
 */
#include "io-bare.h"
#include "io-writer.h"
#include "io.h"

#include <processkit/run.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t volume; /* bytes, of one run */
static const char *how; /* the child writes */

static int explain(const pk_error *error, int r)
{
    fprintf(stderr, "%s\n", error->message);
    return r;
}

/* ---- The floor -------------------------------------------------------------------------------------------------- */

static int bare_read_by(size_t block)
{
    struct bare bare;
    int r = bare_start(&bare, io_child(how, volume), false, BARE_LOUD_PIPE);
    if (r < 0)
        return r;
    int64_t total = bare_read_all(&bare, 1, block);
    r = bare_end(&bare);
    return r < 0 ? r : total == (int64_t)volume ? 0 : -EIO;
}

static int bare_read(void)
{
    return bare_read_by(BARE_LOUD_PIPE);
}

static int bare_read_less(void)
{
    return bare_read_by(BARE_BLOCK);
}

static uint64_t lines_expected, lines_seen;

static int bare_lines_of(uint64_t amount, int pipe_size, size_t block)
{
    struct bare bare;
    int r = bare_start(&bare, io_child(how, amount), false, pipe_size);
    if (r < 0)
        return r;
    int64_t total = bare_read_lines(&bare, 1, block, &lines_seen);
    r = bare_end(&bare);
    return r < 0 ? r : total == (int64_t)volume && lines_seen >= lines_expected ? 0 : -EIO;
}

static int bare_lines(void)
{
    return bare_lines_of(volume, BARE_LOUD_PIPE, BARE_LOUD_PIPE);
}

static int bare_lines_by_less(void)
{
    return bare_lines_of(volume, BARE_LOUD_PIPE, BARE_BLOCK);
}

static int bare_tiny(void)
{
    return bare_lines_of(volume / WRITER_TINY, 0, BARE_BLOCK);
}

/* ---- The library ------------------------------------------------------------------------------------------------ */

static int start(pk_command *command, pk_process **process)
{
    pk_error error;
    int r = pk_command_start(command, process, &error);
    return r < 0 ? explain(&error, r) : 0;
}

static int capture(void)
{
    pk_error error;
    pk_auto(pk_output) output = NULL;
    pk_auto(pk_command) command = io_command(how, volume);
    pk_command_capture(command, 1, NULL);
    int r = pk_command_output(command, &output, &error);
    if (r == 0)
        r = pk_output_check(output, &error);
    if (r < 0)
        return explain(&error, r);
    return pk_output_capture(output, 1)->total == volume ? 0 : -EIO;
}

static int capture_in_loop(void)
{
    pk_process *process;
    pk_auto(pk_command) command = io_command(how, volume);
    pk_command_capture(command, 1, NULL);
    int r = start(command, &process);
    return r < 0 ? r : io_finish_in_loop(process);
}

static uint64_t bytes_seen;

static void count_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)data;
    lines_seen += line->end == PK_LINE_LF;
    bytes_seen += line->length + (line->end == PK_LINE_LF);
}

static int stream(uint64_t amount, int (*finish)(pk_process *process))
{
    pk_process *process;
    pk_auto(pk_command) command = io_command(how, amount);
    pk_command_on_line(command, 1, count_line, NULL);
    lines_seen = bytes_seen = 0;
    int r = start(command, &process);
    if (r == 0)
        r = finish(process);
    return r < 0 ? r : bytes_seen == volume && lines_seen >= lines_expected ? 0 : -EIO;
}

static int stream_lines(void)
{
    return stream(volume, io_finish);
}

static int stream_lines_in_loop(void)
{
    return stream(volume, io_finish_in_loop);
}

/* One by one, as they are asked for. */
static int pull_all(pk_process *process)
{
    pk_line line;
    pk_error error;
    int r;
    while ((r = pk_process_next_line(process, 1, &line, PK_FOREVER, &error)) > 0)
        count_line(process, &line, NULL);
    if (r < 0)
        explain(&error, r);
    int ended = io_finish(process);
    return r < 0 ? r : ended;
}

static int pull_lines(void)
{
    pk_process *process;
    pk_auto(pk_command) command = io_command(how, volume);
    pk_command_pipe(command, 1);
    lines_seen = bytes_seen = 0;
    int r = start(command, &process);
    if (r == 0)
        r = pull_all(process);
    return r < 0 ? r : bytes_seen == volume && lines_seen >= lines_expected ? 0 : -EIO;
}

static int stream_tiny(void)
{
    return stream(volume / WRITER_TINY, io_finish);
}

static int stream_tiny_in_loop(void)
{
    return stream(volume / WRITER_TINY, io_finish_in_loop);
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

/* The best rounds, beside the way that is the first. */
static void print_rates(const struct contest *contest)
{
    printf("%-28s %8s %8s %12s %8s %12s\n", "best of the rounds", "GiB/s", "x bare", "CPU ms/GiB", "x bare",
           "sleeps/GiB");
    for (unsigned way = 0; way < contest->count; way++) {
        double gib = (double)volume / (1 << 30);
        uint64_t time = contest_best(contest, MEASURE_TIME, way), cpu = contest_best(contest, MEASURE_CPU, way);
        printf("%-28s %8.2f %8.2f %12.1f %8.2f %12.0f\n", contest->ways[way].name, gib / ((double)time / 1e9),
               contest_best_ratio(contest, MEASURE_TIME, 0, way).all, (double)cpu / 1e6 / gib,
               contest_best_ratio(contest, MEASURE_CPU, way, 0).all,
               (double)contest_median(contest, MEASURE_SLEEPS, way) / gib);
    }
}

/* `ours` of them come after the floor, and have a target, if that is not 0. */
static bool compare_volume(const struct way_to *ways, unsigned count, unsigned ours, double target)
{
    struct contest contest;
    bool pass = true;
    contest_run(&contest, ways, count, io.rounds);
    print_rates(&contest);
    for (unsigned way = 1; target > 0 && way <= ours; way++)
        pass &= stats_judge_least(ways[way].name, contest_best_ratio(&contest, MEASURE_TIME, 0, way), target);
    contest_free(&contest);
    return pass;
}

bool io_capture(void)
{
    static const struct way_to ways[] = {{"bare read loop", bare_read},
                                         {"captured", capture},
                                         {"captured, in a loop", capture_in_loop},
                                         {"bare, by 64 KiB", bare_read_less}};
    bool pass = true;
    volume = (uint64_t)io.gib << 30;
    how = "bytes";
    printf("\ncapture of %ld GiB with default bounds, %ld rounds; the child writes\n", io.gib, io.rounds);
    pass &= compare_volume(ways, 4, 2, 0.9);
    how = "gift";
    printf("\nthe same; the child does not even copy (vmsplice)\n");
    pass &= compare_volume(ways, 4, 2, 0);
    return pass;
}

bool io_lines(void)
{
    static const struct way_to ways[] = {{"bare read and memchr", bare_lines},
                                         {"lines", stream_lines},
                                         {"lines, in a loop", stream_lines_in_loop},
                                         {"lines, pulled", pull_lines},
                                         {"bare, by 64 KiB", bare_lines_by_less}};
    volume = (uint64_t)io.line_mib << 20;
    lines_expected = volume / WRITER_LINE;
    how = "lines";
    printf("\nlines of %d bytes, %ld MiB, %ld rounds\n", WRITER_LINE, io.line_mib, io.rounds);
    return compare_volume(ways, 5, 2, 0.7);
}

bool io_tiny(void)
{
    static const struct way_to ways[] = {
        {"bare read and memchr", bare_tiny}, {"lines", stream_tiny}, {"lines, in a loop", stream_tiny_in_loop}};
    struct contest contest;
    volume = (uint64_t)io.tiny * WRITER_TINY;
    lines_expected = (uint64_t)io.tiny;
    how = "tiny";
    printf("\n%ld lines of %d bytes, each by its own write, %ld rounds\n", io.tiny, WRITER_TINY, io.rounds);
    contest_run(&contest, ways, 3, io.rounds);
    printf("%-28s %8s %8s %12s %8s %12s\n", "", "ns/line", "x bare", "CPU ns/line", "x bare", "sleeps/line");
    for (unsigned way = 0; way < contest.count; way++)
        printf("%-28s %8.0f %8.2f %12.0f %8.2f %12.3f\n", ways[way].name,
               (double)contest_median(&contest, MEASURE_TIME, way) / (double)io.tiny,
               contest_ratio(&contest, MEASURE_TIME, way, 0).all,
               (double)contest_median(&contest, MEASURE_CPU, way) / (double)io.tiny,
               contest_ratio(&contest, MEASURE_CPU, way, 0).all,
               (double)contest_median(&contest, MEASURE_SLEEPS, way) / (double)io.tiny);
    contest_free(&contest);
    return true;
}

/* ---- Peak memory ------------------------------------------------------------------------------------------------ */

static long status_kib(const char *field)
{
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

int io_print_peak(const char *bytes)
{
    long before = status_kib("VmRSS:");
    volume = strtoull(bytes, NULL, 10);
    how = "bytes";
    if (capture() < 0)
        return 1;
    printf("%ld\n", status_kib("VmHWM:") - before);
    return 0;
}

/* In a process of its own: a peak is for life. */
static long peak_of(uint64_t bytes)
{
    char command[4352];
    long kib = -1;
    snprintf(command, sizeof(command), "'%s' --print-peak %llu", io.self, (unsigned long long)bytes);
    FILE *output = popen(command, "re");
    if (output && fscanf(output, "%ld", &kib) != 1)
        kib = -1;
    if (output)
        pclose(output);
    return kib;
}

bool io_peak(void)
{
    static const long mebibytes[] = {64, 1024, 4096};
    long least = 0, most = 0;
    printf("\npeak memory of a capture with default bounds, more than before (VmHWM)\n");
    for (size_t i = 0; i < sizeof(mebibytes) / sizeof(mebibytes[0]); i++) {
        long kib = peak_of((uint64_t)mebibytes[i] << 20);
        printf("%8ld MiB %8ld KiB\n", mebibytes[i], kib);
        least = i == 0 || kib < least ? kib : least;
        most = kib > most ? kib : most;
    }
    bool pass = least > 0 && most - least <= 1024;
    printf("  independent of the volume, within 1 MiB: %s\n", pass ? "PASS" : "FAIL");
    return pass;
}
