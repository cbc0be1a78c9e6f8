/*
 * Does every verb return by its deadline, whatever the child does?
 *
 * Children that hold pipes and say nothing, that write without end, that ignore SIGTERM, leave others behind, freeze at
 * a terminal: the adversary of the tests, run by each verb in each mechanism in turn, with short deadlines. What is
 * measured is how long after the deadline, and whatever grace and drain are due after it, the caller had everything
 * back, freeing included. Nothing may be alive then but what a process group cannot reach.
 */
#include "deadlines.h"

#include "kin.h"
#include "stats.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_RUNS = 100000 };

static struct {
    long runs;
    long deadline_ms;
    long allowance_ms;
    bool verbose;
} options = {.runs = 1000, .deadline_ms = 80, .allowance_ms = 100};

static const struct shape shapes[] = {
    {"is silent", "print early -- hold"},
    {"leaves a silent holder in a session of its own", "print early -- leave 0 -- setsid -- hold", .waits = true,
     .escapes = true},
    {"the same, and it is killed as a leftover", "print early -- leave 0 -- setsid -- hold", ENDS_BEFORE,
     .escapes = true},
    {"leaves an orphan's orphan", "leave 0 -- double-fork -- setsid -- hold", .waits = true, .escapes = true},
    {"leaves a slow writer", "leave 0 -- setsid -- chatter 7", .waits = true, .escapes = true},
    {"leaves one that ignores SIGTERM", "leave 0 -- ignore TERM -- hold", .waits = true, .endures = true},
    {"stops in the middle of a line", "half-line"},
    {"writes slowly", "chatter 7"},
    {"writes without end", "flood"},
    {"ignores SIGTERM and writes", "ignore TERM -- chatter 7", .endures = true},
    {"blocks all signals", "block-all -- hold", .endures = true},
    {"closes its output and lives", "close 1 -- close 2 -- hold"},
    {"never reads its input", "hold", .given = true},
    {"reads its input slowly", "read-slowly 16 5 -- hold", .given = true},
    {"writes to a tee that blocks", "flood", .teed = true},
    {"is stopped", "stop -- hold", .endures = true},
    {"is a tree of all kinds", "tree 9", .endures = true, .escapes = true},
    {"forks all the time", "leave 0 -- ignore CHLD -- churn 1", .waits = true},
    {"freezes at its terminal", "child -- setpgid -- read-terminal", .escapes = true, .at_terminal = true},
    {"takes its terminal", "child -- setpgid -- steal-terminal -- hold", .escapes = true, .at_terminal = true},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]), MECHANISMS = 3 };

static const pk_mechanism mechanisms[MECHANISMS] = {PK_MECHANISM_CGROUP2, PK_MECHANISM_REAPER,
                                                    PK_MECHANISM_PROCESS_GROUP};
static bool has_mechanism[MECHANISMS];

/* What was seen of one shape. Lateness is kept with a bias, since it may be negative. */
static struct tally {
    uint64_t *lateness;
    size_t count;
    long late;
    long wrong;
    long survivors;
} tallies[SHAPES], floor_tally;

static const int64_t bias = INT64_C(1) << 40;

/* ---- One run ---------------------------------------------------------------------------------------------------- */

/* All below this process but the helpers of the library, which stay: by pidfd, so that no number is mistaken. */
static long end_survivors(void)
{
    long count = 0;
    struct kin_list list = kin_below(getpid());
    for (size_t i = 0; i < list.count; i++) {
        const struct kin *one = &list.items[i];
        if (strcmp(one->name, "adversary") != 0 || one->dying)
            continue;
        count++;
        kin_kill(one);
    }
    kin_free(&list);
    return count;
}

static void judge(struct tally *tally, const struct attempt *attempt, const char *way)
{
    bool in_reach = !has_escaped(attempt);
    int64_t lateness = (int64_t)attempt->returned - (int64_t)attempt->due;
    bool late = lateness > (int64_t)PK_MILLISECONDS(options.allowance_ms);
    long survivors = end_survivors();
    tally->lateness[tally->count++] = (uint64_t)(lateness + bias);
    tally->late += late;
    tally->wrong += attempt->wrong[0] != '\0';
    tally->survivors += in_reach ? survivors : 0;
    if (late || attempt->wrong[0] || (in_reach && survivors) || options.verbose)
        printf("    %s, by %s, %s: %+.1f ms%s%s; survivors: %ld\n", attempt->shape->name, way,
               pk_mechanism_name(attempt->mechanism), (double)lateness / 1e6, attempt->wrong[0] ? "; " : "",
               attempt->wrong, survivors);
}

/* What this machine takes for the least: a sleep until the deadline, a kill, and a wait. */
static void run_floor(const char *adversary)
{
    uint64_t due = stats_now() + PK_MILLISECONDS(options.deadline_ms);
    pid_t pid = fork();
    if (pid == 0) {
        execl(adversary, adversary, "--life", "60", "hold", NULL);
        _exit(1);
    }
    uint64_t now = stats_now();
    usleep(now < due ? (useconds_t)((due - now) / 1000) : 0);
    if (pid > 0 && kill(pid, SIGKILL) == 0)
        waitpid(pid, NULL, 0);
    floor_tally.lateness[floor_tally.count++] = stats_now() - due + (uint64_t)bias;
}

/* Every shape by every way in every mechanism, before any of that comes again. */
static void run(long number)
{
    size_t shape = (size_t)number % SHAPES, turn = (size_t)number / SHAPES;
    const struct deadline_way *way = &deadline_ways[(turn + shape) % DEADLINE_WAYS];
    size_t mechanism = (turn / DEADLINE_WAYS + shape + turn) % MECHANISMS;
    while (!has_mechanism[mechanism])
        mechanism = (mechanism + 1) % MECHANISMS;
    struct attempt attempt = {
        .shape = &shapes[shape],
        .mechanism = mechanisms[mechanism],
        .deadline = PK_MILLISECONDS(options.deadline_ms),
    };
    way->run(&attempt);
    judge(&tallies[shape], &attempt, way->name);
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static bool can_have(pk_mechanism mechanism)
{
    pk_error error;
    pk_auto(pk_group) group = NULL;
    pk_group_options group_options = PK_GROUP_OPTIONS_INIT;
    group_options.mechanism = mechanism;
    if (pk_group_create(&group_options, &group, &error) == 0)
        return true;
    printf("without %s: %s\n", pk_mechanism_name(mechanism), error.message);
    return false;
}

static double at(const struct tally *tally, unsigned percent)
{
    return (double)((int64_t)stats_percentile(tally->lateness, tally->count, percent) - bias) / 1e6;
}

static void print_tally(const char *name, const struct tally *tally)
{
    printf("  %-48s %6zu %+9.1f %+9.1f %+9.1f %6ld %6ld %10ld\n", name, tally->count, at(tally, 50), at(tally, 99),
           at(tally, 100), tally->late, tally->wrong, tally->survivors);
}

static bool report(void)
{
    struct tally all = {0};
    printf("%-50s %6s %9s %9s %9s %6s %6s %10s\n", "a child that ...", "runs", "p50 ms", "p99 ms", "max ms", "late",
           "wrong", "survivors");
    for (size_t i = 0; i < SHAPES; i++) {
        const struct tally *tally = &tallies[i];
        print_tally(shapes[i].name, tally);
        all.count += tally->count;
        all.late += tally->late;
        all.wrong += tally->wrong;
        all.survivors += tally->survivors;
    }
    print_tally("(a bare sleep, kill and wait)", &floor_tally);
    long left = end_survivors();
    bool pass = all.late == 0 && all.wrong == 0 && all.survivors == 0;
    printf("%zu runs: %ld late, %ld that came to something else, %ld survivors, %ld in the end\n", all.count, all.late,
           all.wrong, all.survivors, left);
    printf("returned within deadline + %ld ms (with the grace and the drain that were due): %s\n", options.allowance_ms,
           pass && left == 0 ? "PASS" : "FAIL");
    return pass && left == 0;
}

static void open_tally(struct tally *tally)
{
    tally->lateness = calloc((size_t)options.runs / SHAPES + 1, sizeof(*tally->lateness));
    if (tally->lateness)
        return;
    fputs("deadlines: out of memory\n", stderr);
    exit(1);
}

static _Noreturn void usage(const char *program)
{
    fprintf(stderr, "usage: %s --adversary PATH [--runs N] [--deadline MS] [--allow MS] [--verbose]\n", program);
    exit(2);
}

static const char *parse(int argc, char **argv)
{
    const char *adversary = NULL;
    static const struct option known[] = {
        {"adversary", required_argument, NULL, 'a'}, {"runs", required_argument, NULL, 'r'},
        {"deadline", required_argument, NULL, 'd'},  {"allow", required_argument, NULL, 'm'},
        {"verbose", no_argument, NULL, 'v'},         {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'a':
            adversary = optarg;
            break;
        case 'r':
            options.runs = stats_argument("--runs", optarg, 1, MOST_RUNS);
            break;
        case 'd':
            options.deadline_ms = stats_argument("--deadline", optarg, 1, 60000);
            break;
        case 'm':
            options.allowance_ms = stats_argument("--allow", optarg, 1, 60000);
            break;
        case 'v':
            options.verbose = true;
            break;
        default:
            usage(argv[0]);
        }
    if (!adversary || optind < argc)
        usage(argv[0]);
    return adversary;
}

int main(int argc, char **argv)
{
    const char *adversary = parse(argc, argv);
    deadline_ways_prepare(adversary);
    stats_print_host();
    setvbuf(stdout, NULL, _IOLBF, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what escapes comes here */
    bool any = false;
    for (size_t i = 0; i < MECHANISMS; i++)
        any |= has_mechanism[i] = can_have(mechanisms[i]);
    if (!any)
        return 1;
    for (size_t i = 0; i < SHAPES; i++)
        open_tally(&tallies[i]);
    open_tally(&floor_tally);
    for (long i = 0; i < options.runs; i++) {
        run(i);
        if (i % SHAPES == 0)
            run_floor(adversary);
    }
    bool pass = report();
    for (size_t i = 0; i < SHAPES; i++)
        free(tallies[i].lateness);
    free(floor_tally.lateness);
    return pass ? 0 : 1;
}
