/*
 * Many short commands, so many at a time: a batch beside a bare loop of posix_spawn, and beside xargs and GNU parallel.
 */
#include "contest.h"

#include <processkit.h>

#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    long items, jobs, rounds;
    const char *program;
    bool check;
} options = {20000, 2, 20, "/bin/true", false};

/* Of one round. */
static long slice(void)
{
    return options.items / options.rounds;
}

/* ---- Ways ------------------------------------------------------------------------------------------------------- */

static int spawn_one(void)
{
    char *argv[] = {(char *)options.program, NULL};
    pid_t pid;
    return -posix_spawn(&pid, options.program, NULL, NULL, argv, environ);
}

static int wait_one(void)
{
    int status;
    if (waitpid(-1, &status, 0) < 0)
        return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPROTO;
}

static int run_bare(void)
{
    long running = 0;
    int r = 0;
    for (long i = 0; r == 0 && i < slice(); i++) {
        if (running == options.jobs) {
            r = wait_one();
            running--;
        }
        r = r ? r : spawn_one();
        running++;
    }
    for (; r == 0 && running > 0; running--)
        r = wait_one();
    return r;
}

static int next(pk_command **command, void **item_data, void *data)
{
    long *left = data;
    (void)item_data;
    if (--*left < 0)
        return 0;
    *command = pk_command_new(options.program, NULL);
    return 1;
}

static int run_batch(bool captures)
{
    long left = slice();
    pk_error error;
    pk_batch_summary summary;
    pk_auto(pk_batch) batch = pk_batch_new();
    pk_batch_jobs(batch, (unsigned)options.jobs);
    pk_batch_source(batch, next, &left);
    pk_batch_capture(batch, captures);
    int r = pk_batch_run(batch, &summary, &error);
    return r < 0 ? r : summary.succeeded == (size_t)slice() ? 0 : -EPROTO;
}

static int run_uncaptured(void)
{
    return run_batch(false);
}

static int run_captured(void)
{
    return run_batch(true);
}

/* By a shell, so that nobody has to write the words while they are read. */
static int run_shell(const char *tool, const char *silence)
{
    char line[512];
    snprintf(line, sizeof(line), "seq %ld | %s%ld %s%s", slice(), tool, options.jobs, options.program, silence);
    return system(line) == 0 ? 0 : -EPROTO;
}

static int run_xargs(void)
{
    return run_shell("xargs -n1 -P", "");
}

static int run_parallel(void)
{
    return run_shell("parallel -j", " >/dev/null 2>&1");
}

enum { BARE, UNCAPTURED, CAPTURED, XARGS, WAYS, PARALLEL = 1 };

static const struct way_to ways[] = {
    [BARE] = {"bare posix_spawn loop", run_bare},
    [UNCAPTURED] = {"pk_batch, output inherited", run_uncaptured},
    [CAPTURED] = {"pk_batch, output captured", run_captured},
    [XARGS] = {"xargs -P -n1", run_xargs},
};

static const struct way_to slow_ways[] = {
    [UNCAPTURED - 1] = {"pk_batch, output captured", run_captured},
    [PARALLEL] = {"GNU parallel", run_parallel},
};

/* ---- Telling ---------------------------------------------------------------------------------------------------- */

static void print_ways(const struct contest *contest)
{
    printf("%-30s %10s %10s\n", "", "us / item", "CPU us");
    for (unsigned way = 0; way < contest->count; way++)
        printf("%-30s %10.1f %10.1f\n", contest->ways[way].name,
               (double)contest_median(contest, MEASURE_TIME, way) / 1e3 / (double)slice(),
               (double)contest_median(contest, MEASURE_CPU, way) / 1e3 / (double)slice());
}

static bool compare(void)
{
    struct contest contest;
    printf("\n%ld x %s, %ld at a time, %ld rounds\n", options.items, options.program, options.jobs, options.rounds);
    contest_run(&contest, ways, WAYS, options.rounds);
    print_ways(&contest);
    bool pass = stats_judge_least("speed of pk_batch / bare loop",
                                  contest_ratio(&contest, MEASURE_TIME, BARE, UNCAPTURED), 0.95);
    stats_judge_least("the same with captures (no target)", contest_ratio(&contest, MEASURE_TIME, BARE, CAPTURED), 0);
    stats_judge_least("speed of pk_batch / xargs (no target)", contest_ratio(&contest, MEASURE_TIME, XARGS, UNCAPTURED),
                      0);
    contest_free(&contest);
    return pass;
}

/* A tenth of the items: it takes milliseconds for each. */
static void compare_with_parallel(void)
{
    struct contest contest;
    if (system("command -v parallel >/dev/null 2>&1") != 0) {
        printf("\nGNU parallel is not installed\n");
        return;
    }
    options.items /= 10;
    options.rounds = options.rounds >= 5 ? options.rounds / 5 : 1;
    printf("\n%ld x %s, %ld at a time, %ld rounds\n", options.items, options.program, options.jobs, options.rounds);
    contest_run(&contest, slow_ways, 2, options.rounds);
    print_ways(&contest);
    stats_judge_least("speed of pk_batch / GNU parallel (no target)",
                      contest_ratio(&contest, MEASURE_TIME, PARALLEL, UNCAPTURED - 1), 0);
    contest_free(&contest);
}

static void usage(void)
{
    fprintf(stderr, "usage: bench-batch [--items N] [--jobs N] [--rounds N] [--program PATH] [--check]\n");
    exit(2);
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"items", required_argument, NULL, 'n'},  {"jobs", required_argument, NULL, 'j'},
        {"rounds", required_argument, NULL, 'r'}, {"program", required_argument, NULL, 'p'},
        {"check", no_argument, NULL, 'c'},        {0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (option) {
        case 'n':
            options.items = stats_argument("--items", optarg, 1, 10000000);
            break;
        case 'j':
            options.jobs = stats_argument("--jobs", optarg, 1, 1000);
            break;
        case 'r':
            options.rounds = stats_argument("--rounds", optarg, 1, 1000);
            break;
        case 'p':
            options.program = optarg;
            break;
        case 'c':
            options.check = true;
            break;
        default:
            usage();
        }
    if (optind != argc || options.rounds > options.items)
        usage();
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    stats_print_host();
    bool pass = compare();
    compare_with_parallel();
    return options.check && !pass;
}
