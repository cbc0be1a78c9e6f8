/*
 * How long it takes to run a program that does nothing, by every way, in a small and in a big parent.
 *
 * Two parents take turns, one round each: one is small, the other has memory resident. In a round every way runs once,
 * in an order shuffled anew, so that drift and neighbours hit all alike. Ways that copy the parent's page tables are
 * slow in a big parent and so run there in some rounds only; after each of them one posix_spawn that is not counted
 * takes the page faults and cold caches that the copy leaves behind.
 */
#include "stats.h"
#include "ways.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL, BIG, PARENTS };
enum { MOST_ROUNDS = 20000, WARM_UP = 20, COPIES_EVERY = 10 };

static struct {
    const char *program;
    long rounds;
    long resident; /* MiB */
    long cpu;      /* -1: wherever the kernel likes */
    bool check;
} options = {"/bin/true", 1000, 1024, -1, false};

/* Shared by the parents and the process that compares. */
struct table {
    bool have_cgroup;
    size_t count[PARENTS][WAYS];
    uint64_t samples[PARENTS][WAYS][MOST_ROUNDS];
};

static struct table *table;

/* ---- A parent --------------------------------------------------------------------------------------------------- */

static void make_resident(size_t size)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("cannot make a big parent");
        exit(1);
    }
    /* Small pages, as in a heap that grew; what fork copies would be 512 times less with huge ones. */
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
}

static bool takes_part(int parent, unsigned way, long round)
{
    if (ways[way].needs_cgroup && !table->have_cgroup)
        return false;
    return !ways[way].copies || parent == SMALL || round % COPIES_EVERY == 0;
}

static void run_one(int parent, unsigned way, bool count)
{
    uint64_t before = stats_now();
    int r = ways[way].once();
    uint64_t took = stats_now() - before;
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", ways[way].name, strerror(-r));
        ways_finish();
        exit(1);
    }
    if (count)
        table->samples[parent][way][table->count[parent][way]++] = took;
    if (ways[way].copies)
        ways[WAY_POSIX_SPAWN].once();
}

static void run_round(int parent, long round, bool count, uint64_t *seed)
{
    unsigned order[WAYS];
    stats_shuffle(order, WAYS, seed);
    for (unsigned i = 0; i < WAYS; i++)
        if (takes_part(parent, order[i], round))
            run_one(parent, order[i], count);
}

/* Takes a turn for each byte that arrives and answers with one. */
static void be_parent(int parent, int turns, int answers)
{
    uint64_t seed = 0x9e3779b97f4a7c15 + (uint64_t)parent;
    char turn = 0;

    ways_prepare(options.program);
    table->have_cgroup = ways_have_cgroup();
    if (parent == BIG)
        make_resident((size_t)options.resident << 20);
    for (long round = 1; round <= WARM_UP; round++)
        run_round(parent, round, false, &seed);
    for (long round = 0; write(answers, &turn, 1) == 1 && read(turns, &turn, 1) == 1; round++)
        run_round(parent, round, true, &seed);
    ways_finish();
    exit(0);
}

/* ---- Taking turns ----------------------------------------------------------------------------------------------- */

struct parent {
    pid_t pid;
    int turns, answers;
};

static void start_parent(int which, struct parent *parents)
{
    int turns[2], answers[2];
    if (pipe(turns) < 0 || pipe(answers) < 0) {
        perror("pipe");
        exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(turns[1]);
        close(answers[0]);
        for (int i = 0; i < which; i++)
            close(parents[i].turns), close(parents[i].answers);
        be_parent(which, turns[0], answers[1]);
    }
    close(turns[0]);
    close(answers[1]);
    parents[which] = (struct parent){pid, turns[1], answers[0]};
}

/* Waits until the parent stands ready for its next turn. */
static void await(const struct parent *parent)
{
    char turn;
    if (read(parent->answers, &turn, 1) != 1)
        exit(1); /* it said why */
}

static void take_turns(const struct parent *parents)
{
    char turn = 1;
    for (int which = 0; which < PARENTS; which++)
        await(&parents[which]);
    for (long round = 0; round < options.rounds; round++)
        for (int i = 0; i < PARENTS; i++) {
            const struct parent *parent = &parents[round % 2 ? PARENTS - 1 - i : i];
            if (write(parent->turns, &turn, 1) != 1)
                exit(1);
            await(parent);
        }
    for (int which = 0; which < PARENTS; which++) {
        close(parents[which].turns);
        waitpid(parents[which].pid, NULL, 0);
    }
}

/* ---- What is printed -------------------------------------------------------------------------------------------- */

static uint64_t percentile(int parent, unsigned way, unsigned percent)
{
    return stats_percentile(table->samples[parent][way], table->count[parent][way], percent);
}

static void print_row(unsigned way)
{
    if (table->count[SMALL][way] == 0) {
        printf("%-27s skipped: no cgroup can be made here\n", ways[way].name);
        return;
    }
    double small = (double)percentile(SMALL, way, 50), big = (double)percentile(BIG, way, 50);
    printf("%-27s %8.1f %8.1f %6.2f   %8.1f %8.1f %6.2f %8.2f   %s\n", ways[way].name, small / 1e3,
           (double)percentile(SMALL, way, 90) / 1e3, small / (double)percentile(SMALL, WAY_POSIX_SPAWN, 50), big / 1e3,
           (double)percentile(BIG, way, 90) / 1e3, big / (double)percentile(BIG, WAY_POSIX_SPAWN, 50), big / small,
           ways[way].details);
}

static void print_table(void)
{
    printf("\nmicroseconds from the call until the end is known; x: p50 as a multiple of posix_spawn's\n\n");
    printf("%-27s %8s %8s %6s   %8s %8s %6s %8s\n", "", "small", "", "", "big", "", "", "");
    printf("%-27s %8s %8s %6s   %8s %8s %6s %8s\n", "way", "p50", "p90", "x", "p50", "p90", "x", "big/small");
    for (unsigned way = 0; way < WAYS; way++)
        print_row(way);
}

static struct stats_ratio compare(int parent, unsigned way, int other_parent, unsigned other_way)
{
    return stats_compare(table->samples[parent][way], table->count[parent][way],
                         table->samples[other_parent][other_way], table->count[other_parent][other_way]);
}

static bool print_targets(void)
{
    bool pass = true;
    printf("\nratios of p50 (least .. most among the tenths of the run)\n");
    pass &= stats_judge("contained / posix_spawn, small parent", compare(SMALL, WAY_CONTAINED, SMALL, WAY_POSIX_SPAWN),
                        1.05);
    pass &= stats_judge("contained / posix_spawn, big parent", compare(BIG, WAY_CONTAINED, BIG, WAY_POSIX_SPAWN), 1.05);
    pass &=
        stats_judge("private / posix_spawn, small parent", compare(SMALL, WAY_PRIVATE, SMALL, WAY_POSIX_SPAWN), 1.25);
    pass &= stats_judge("private / posix_spawn, big parent", compare(BIG, WAY_PRIVATE, BIG, WAY_POSIX_SPAWN), 1.25);
    pass &= stats_judge("contained, big / small parent", compare(BIG, WAY_CONTAINED, SMALL, WAY_CONTAINED), 1.05);
    pass &= stats_judge("private, big / small parent", compare(BIG, WAY_PRIVATE, SMALL, WAY_PRIVATE), 1.05);
    return pass;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

static void parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"rounds", required_argument, NULL, 'r'},  {"resident", required_argument, NULL, 'm'},
        {"cpu", required_argument, NULL, 'c'},     {"check", no_argument, NULL, 'k'},
        {"program", required_argument, NULL, 'p'}, {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'r':
            options.rounds = stats_argument("--rounds", optarg, 1, MOST_ROUNDS);
            break;
        case 'm':
            options.resident = stats_argument("--resident", optarg, 1, 1 << 20);
            break;
        case 'c':
            options.cpu = stats_argument("--cpu", optarg, 0, CPU_SETSIZE - 1);
            break;
        case 'k':
            options.check = true;
            break;
        case 'p':
            options.program = optarg;
            break;
        default:
            fprintf(stderr, "usage: %s [--rounds N] [--resident MIB] [--cpu N] [--program PATH] [--check]\n", argv[0]);
            exit(2);
        }
}

static void pin(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)options.cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) < 0) {
        perror("--cpu");
        exit(1);
    }
}

static void print_setting(void)
{
    stats_print_host();
    printf("%s, %ld rounds in each parent (ways that copy page tables: every %dth in the big one) after %d to warm up; "
           "big: %ld MiB resident; ",
           options.program, options.rounds, COPIES_EVERY, WARM_UP, options.resident);
    if (options.cpu < 0)
        printf("no affinity\n");
    else
        printf("all on processor %ld\n", options.cpu);
    fflush(stdout); /* before the parents are forked with a copy of it */
}

int main(int argc, char **argv)
{
    struct parent parents[PARENTS];

    parse(argc, argv);
    if (options.cpu >= 0)
        pin();
    print_setting();
    table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (int which = 0; which < PARENTS; which++)
        start_parent(which, parents);
    take_turns(parents);
    print_table();
    bool pass = print_targets();
    return options.check && !pass ? 1 : 0;
}
