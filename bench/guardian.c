/*
 * What the guardian costs: time when the first group is made, memory while it is there, wakeups while nothing happens.
 *
 * Each sample is a process of its own, because only the first group of a process starts a guardian. With it, without it
 * and the floor take turns in random order. The floor is the same helper, put into memory and run by posix_spawn,
 * without a role: little less than that can start anything from memory, and it is there to be divided by.
 */
#include "floor.h"
#include "stats.h"

#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/guardian.h>
#include <processkit/process.h>

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ROUNDS = 10000, LATER_GROUPS = 9 };

enum way { WITH, WITHOUT, FLOOR, WITH_ON_ONE, WITHOUT_ON_ONE, FLOOR_ON_ONE, WAYS };

/* On one processor a new process runs at once, in place of the one that waits for it. Otherwise the kernel likes to
 * start it on an idle one, which has to wake up first: on a virtual machine that can take longer than all the work. */
static const struct {
    const char *name, *what;
    bool guarded, is_floor, on_one;
} ways[WAYS] = {
    [WITH] = {"with guardian", "first group", true, false, false},
    [WITHOUT] = {"without", "first group", false, false, false},
    [FLOOR] = {"floor", "memory, clone, exec", false, true, false},
    [WITH_ON_ONE] = {"with guardian", "first, on one processor", true, false, true},
    [WITHOUT_ON_ONE] = {"without", "first, on one processor", false, false, true},
    [FLOOR_ON_ONE] = {"floor", "on one processor", false, true, true},
};

/* What the program of a sample says: nanoseconds. */
struct sample {
    uint64_t first; /* the first group, or the floor */
    uint64_t later; /* the median of the next groups */
};

static uint64_t first[WAYS][MOST_ROUNDS], later[WAYS][MOST_ROUNDS];

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(-result));
    exit(1);
}

/* ---- One sample: in a process of its own ------------------------------------------------------------------------ */

static pk_group *make_group(void)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group = NULL;
    pk_error error;
    options.mechanism = PK_MECHANISM_CGROUP2;
    if (pk_group_create(&options, &group, &error) < 0)
        check(error.number, error.message);
    return group;
}

static uint64_t time_group(void)
{
    uint64_t before = stats_now();
    pk_group *group = make_group();
    uint64_t took = stats_now() - before;
    pk_group_free(group);
    return took;
}

static struct sample sample_groups(bool guarded)
{
    uint64_t next[LATER_GROUPS];
    pk_error error;
    check(pk_guardian_enable(guarded, &error), "pk_guardian_enable");
    struct sample sample = {.first = time_group()};
    if (guarded != (pk_guardian_pid() != 0))
        check(-ESRCH, "the guardian is not as it was asked for");
    for (size_t i = 0; i < LATER_GROUPS; i++)
        next[i] = time_group();
    sample.later = stats_percentile(next, LATER_GROUPS, 50);
    return sample;
}

static struct sample sample_floor(void)
{
    static const unsigned char image[] = {
#include "helper-image.inc"
    };
    char path[32], *argv[] = {path, NULL}, *environment[] = {NULL};
    struct floor_child child;

    uint64_t before = stats_now();
    int memory = memfd_create("floor", MFD_CLOEXEC);
    check(memory < 0 ? -errno : 0, "memfd_create");
    check(write(memory, image, sizeof(image)) != sizeof(image) ? -EIO : 0, "write");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    check(floor_spawn(-1, argv, environment, &child), "clone and exec");
    uint64_t took = stats_now() - before;

    enum { NO_ROLE = 125 }; /* what the helper says to such arguments */
    check(floor_wait_status(&child, NO_ROLE), "the floor's program");
    return (struct sample){took, 0};
}

static void stay_on_one_processor(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    check(sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0, "sched_setaffinity");
}

static int be_sample(enum way way)
{
    if (ways[way].on_one)
        stay_on_one_processor();
    struct sample sample = ways[way].is_floor ? sample_floor() : sample_groups(ways[way].guarded);
    return write(STDOUT_FILENO, &sample, sizeof(sample)) == sizeof(sample) ? 0 : 1;
}

/* ---- All samples ------------------------------------------------------------------------------------------------ */

static struct sample take_sample(enum way way)
{
    char option[32], *argv[] = {(char[]){"/proc/self/exe"}, option, NULL};
    posix_spawn_file_actions_t actions;
    struct sample sample;
    int ends[2], status;
    pid_t pid;

    snprintf(option, sizeof(option), "--sample=%d", way);
    check(pipe(ends) < 0 ? -errno : 0, "pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    check(-posix_spawn(&pid, argv[0], &actions, NULL, argv, environ), "posix_spawn");
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    bool complete = read(ends[0], &sample, sizeof(sample)) == sizeof(sample);
    close(ends[0]);
    check(waitpid(pid, &status, 0) < 0 ? -errno : 0, "waitpid");
    if (!complete || status != 0) {
        fprintf(stderr, "a sample failed: %s, %s\n", ways[way].name, ways[way].what);
        exit(1);
    }
    return sample;
}

static void take_samples(long rounds)
{
    enum { WARM_UP = 10 };
    uint64_t seed = 0x706b2d67;
    unsigned order[WAYS];
    for (long round = -WARM_UP; round < rounds; round++) {
        stats_shuffle(order, WAYS, &seed);
        for (size_t turn = 0; turn < WAYS; turn++) {
            struct sample sample = take_sample((enum way)order[turn]);
            if (round < 0)
                continue;
            first[order[turn]][round] = sample.first;
            later[order[turn]][round] = sample.later;
        }
    }
}

/* ---- What is printed -------------------------------------------------------------------------------------------- */

static bool judge(const char *name, double value, const char *unit, double target)
{
    bool pass = value <= target;
    printf("  %-45s %8.1f %s  target <= %.0f: %s\n", name, value, unit, target, pass ? "PASS" : "FAIL");
    return pass;
}

static void print_row(const char *name, const char *what, const uint64_t *row, size_t count)
{
    printf("%-14s %-24s %9.1f %9.1f %9.1f\n", name, what, (double)stats_percentile(row, count, 50) / 1e3,
           (double)stats_percentile(row, count, 90) / 1e3, (double)stats_percentile(row, count, 100) / 1e3);
}

static double median_us(enum way way, size_t rounds)
{
    return (double)stats_percentile(first[way], rounds, 50) / 1e3;
}

static double print_added(const char *where, enum way with, enum way without, enum way floor, size_t rounds)
{
    double added = median_us(with, rounds) - median_us(without, rounds);
    printf("added by the guardian to the first group%s: %.1f us, %.2f of the floor\n", where, added,
           added / median_us(floor, rounds));
    return added;
}

static bool judge_times(size_t rounds)
{
    printf("\nmicroseconds, %zu fresh processes each\n\n%-14s %-24s %9s %9s %9s\n", rounds, "", "", "p50", "p90",
           "max");
    for (enum way way = 0; way < WAYS; way++)
        print_row(ways[way].name, ways[way].what, first[way], rounds);
    for (enum way way = WITH; way <= WITHOUT; way++)
        print_row(ways[way].name, "a later group", later[way], rounds);
    printf("\n");
    print_added(" on one processor", WITH_ON_ONE, WITHOUT_ON_ONE, FLOOR_ON_ONE, rounds);
    double added = print_added("", WITH, WITHOUT, FLOOR, rounds);
    if (median_us(FLOOR, rounds) > 2 * median_us(FLOOR_ON_ONE, rounds))
        printf("(processors are busy, or slow to wake up: the floor itself takes much longer than on one)\n");
    printf("\ntargets\n");
    bool pass = judge("added to the first group", added, "us", 250);
    return stats_judge("a later group, with / without", stats_compare(later[WITH], rounds, later[WITHOUT], rounds),
                       1.1) &&
           pass;
}

/* ---- A guardian at rest ----------------------------------------------------------------------------------------- */

/* The sum of the numbers after `key`, at the beginning or, for a key that begins with '_', inside of lines. */
static long read_numbers(pid_t pid, const char *file, const char *key)
{
    char path[64], line[256];
    long sum = 0, found = 0;
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    FILE *stream = fopen(path, "re");
    check(stream ? 0 : -errno, path);
    while (fgets(line, sizeof(line), stream)) {
        const char *at = *key == '_' ? strstr(line, key) : strncmp(line, key, strlen(key)) == 0 ? line : NULL;
        if (at)
            sum += strtol(at + strlen(key), NULL, 10), found++;
    }
    fclose(stream);
    check(found ? 0 : -ENODATA, key);
    return sum;
}

static long count_wakeups(pid_t pid)
{
    return read_numbers(pid, "status", "_ctxt_switches:"); /* voluntary and other ones */
}

static void rest(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&time, &time) < 0)
        ;
}

static bool judge_rest(long seconds)
{
    enum { GROUPS = 3 };
    pk_auto(pk_command) command = pk_command_new("/bin/sleep", "1000", NULL);
    pk_group *groups[GROUPS];
    pk_process *processes[GROUPS];
    pk_error error;

    for (size_t i = 0; i < GROUPS; i++) {
        groups[i] = make_group();
        if (pk_group_spawn(groups[i], command, &processes[i], &error) < 0)
            check(error.number, error.message);
    }
    pid_t guardian = pk_guardian_pid();
    check(guardian > 0 ? 0 : -ESRCH, "the guardian");
    rest(0.5); /* it has begun by then */
    long before = count_wakeups(guardian);
    rest((double)seconds);
    long wakeups = count_wakeups(guardian) - before;
    long resident = read_numbers(guardian, "smaps_rollup", "Rss:");
    long proportional = read_numbers(guardian, "smaps_rollup", "Pss:");
    for (size_t i = 0; i < GROUPS; i++) {
        pk_process_free(processes[i]);
        pk_group_free(groups[i]);
    }
    char name[64];
    printf("  (VmRSS %ld KiB, Pss %ld KiB)\n", read_numbers(guardian, "status", "VmRSS:"), proportional);
    bool pass = judge("resident", (double)resident, "KiB", 64);
    snprintf(name, sizeof(name), "wakeups in %ld s with %d groups", seconds, GROUPS);
    return judge(name, (double)wakeups, "   ", 0) && pass;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

struct options {
    long rounds;
    long rest; /* seconds */
    bool check;
};

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {{"rounds", required_argument, NULL, 'r'},
                                          {"rest", required_argument, NULL, 's'},
                                          {"check", no_argument, NULL, 'c'},
                                          {"sample", required_argument, NULL, 'w'}, /* for ourselves */
                                          {0}};
    struct options options = {.rounds = 500, .rest = 5};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'r':
            options.rounds = stats_argument("--rounds", optarg, 1, MOST_ROUNDS);
            break;
        case 's':
            options.rest = stats_argument("--rest", optarg, 1, 3600);
            break;
        case 'c':
            options.check = true;
            break;
        case 'w':
            exit(be_sample((enum way)stats_argument("--sample", optarg, 0, WAYS - 1)));
        default:
            fprintf(stderr, "usage: %s [--rounds N] [--rest SECONDS] [--check]\n", argv[0]);
            exit(2);
        }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    stats_print_host();
    fflush(stdout);
    take_samples(options.rounds);
    bool pass = judge_times((size_t)options.rounds);
    fflush(stdout);
    pass &= judge_rest(options.rest);
    return options.check && !pass ? 1 : 0;
}
