/*
 * How long it takes from the kill of a tree until it is proved empty, by the library and by hand.
 *
 * The tree: a leader and the processes it forked, each in a session of its own, all waiting for signals. By hand means
 * writing cgroup.kill and reading cgroup.events over and over until it says `populated 0`: with both files opened
 * before the clock starts, which is the floor that the library is judged by, and with opening them, as whoever kills
 * has to do who does not hold two descriptors ready for it. All take turns, and who is first changes with each round.
 * Beside them stands the library's mechanism for places without cgroups, the reaper, which has no floor of its own. The
 * orphans come to this process, which reaps them between the turns.
 */
#include "floor.h"
#include "stats.h"

#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/guardian.h>
#include <processkit/process.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ROUNDS = 1000 };

enum killer { FLOOR, BY_HAND, LIBRARY, REAPER, KILLERS };

static const char *const names[KILLERS] = {"floor", "by hand", "library", "reaper"};

static const struct {
    long members;
    long rounds;
} sizes[] = {{1, 200}, {10, 200}, {100, 60}, {600, 30}};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static uint64_t samples[SIZES][KILLERS][MOST_ROUNDS];

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(-result));
    exit(1);
}

/* ---- The tree --------------------------------------------------------------------------------------------------- */

static void be_member(int ready)
{
    char byte = 0;
    setsid();
    alarm(600); /* whatever becomes of the benchmark, it leaves nobody behind for good */
    if (write(ready, &byte, 1) != 1)
        _exit(1);
    close(ready); /* a tree that stays incomplete is seen by the end of file */
    for (;;)
        pause();
}

/* The leader: one byte for each member that stands ready, itself included. */
static int be_tree(long members, int ready)
{
    for (long i = 1; i < members; i++) {
        pid_t pid = fork();
        if (pid < 0)
            return 1;
        if (pid == 0)
            be_member(ready);
    }
    be_member(ready);
    return 0;
}

static void await_members(int ready, long members)
{
    char bytes[1024];
    for (long left = members; left > 0;) {
        ssize_t n = read(ready, bytes, left < (long)sizeof(bytes) ? (size_t)left : sizeof(bytes));
        if (n <= 0) {
            fprintf(stderr, "the tree ended before it was complete\n");
            exit(1);
        }
        left -= n;
    }
}

static void reap_orphans(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
}

/* ---- Killing it ------------------------------------------------------------------------------------------------- */

static int open_file(int cgroup, const char *name, int flags)
{
    int fd = openat(cgroup, name, flags | O_CLOEXEC);
    check(fd < 0 ? -errno : 0, name);
    return fd;
}

static void start_by_hand(int cgroup, long members, struct floor_child *leader)
{
    char self[] = "/proc/self/exe", size[32], descriptor[32], *argv[] = {self, descriptor, size, NULL};
    int ready[2];

    check(pipe2(ready, O_CLOEXEC) < 0 ? -errno : 0, "pipe");
    fcntl(ready[1], F_SETFD, 0);
    snprintf(descriptor, sizeof(descriptor), "--ready=%d", ready[1]);
    snprintf(size, sizeof(size), "--tree=%ld", members);
    check(floor_spawn(cgroup, argv, environ, leader), "cannot start the tree");
    close(ready[1]);
    await_members(ready[0], members);
    close(ready[0]);
}

static uint64_t kill_by_hand(const struct floor_place *place, long members, bool opened)
{
    struct floor_child leader;
    int cgroup = floor_cgroup_open(place, "tree");
    check(cgroup, "cannot make a cgroup");
    start_by_hand(cgroup, members, &leader);
    int kill = opened ? open_file(cgroup, "cgroup.kill", O_WRONLY) : -1;
    int events = opened ? open_file(cgroup, "cgroup.events", O_RDONLY) : -1;

    uint64_t before = stats_now();
    if (!opened)
        kill = open_file(cgroup, "cgroup.kill", O_WRONLY);
    check(write(kill, "1", 1) < 0 ? -errno : 0, "cgroup.kill");
    if (!opened)
        events = open_file(cgroup, "cgroup.events", O_RDONLY);
    while (!floor_is_empty(events))
        ;
    uint64_t took = stats_now() - before;

    close(kill);
    close(events);
    floor_wait(&leader);
    reap_orphans();
    check(floor_cgroup_remove(place, "tree", cgroup), "cannot remove a cgroup");
    return took;
}

static uint64_t kill_by_library(pk_group *group, long members)
{
    pk_auto(pk_command) command = pk_command_new("/proc/self/exe", "--ready=3", NULL);
    pk_process *process;
    pk_error error;
    char size[32];

    snprintf(size, sizeof(size), "--tree=%ld", members);
    pk_command_arg(command, size);
    pk_command_pipe(command, 3);
    if (pk_group_spawn(group, command, &process, &error) < 0)
        check(error.number, error.message);
    await_members(pk_process_pipe(process, 3), members);

    uint64_t before = stats_now();
    int r = pk_group_kill(group, &error);
    uint64_t took = stats_now() - before;

    check(r, "pk_group_kill");
    check(pk_process_wait(process, PK_FOREVER, NULL, NULL), "pk_process_wait");
    pk_process_free(process);
    reap_orphans();
    return took;
}

static uint64_t kill_once(enum killer killer, const struct floor_place *place, pk_group *const groups[KILLERS],
                          long members)
{
    if (groups[killer])
        return kill_by_library(groups[killer], members);
    return kill_by_hand(place, members, killer == FLOOR);
}

static void measure(const struct floor_place *place, pk_group *const groups[KILLERS], size_t size, long rounds)
{
    enum { WARM_UP = 3 };
    for (long round = 0; round < WARM_UP + rounds; round++)
        for (long turn = 0; turn < KILLERS; turn++) {
            enum killer killer = (enum killer)((round + turn) % KILLERS);
            uint64_t took = kill_once(killer, place, groups, sizes[size].members);
            if (round >= WARM_UP)
                samples[size][killer][round - WARM_UP] = took;
        }
}

/* ---- What is printed -------------------------------------------------------------------------------------------- */

static void print_row(size_t size, enum killer killer, long rounds)
{
    /* Upper ends in microseconds; notifications of cgroup.events come at most every 10 ms. */
    static const uint64_t ends[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 20000, 40000, UINT64_MAX / 1000};
    enum { BINS = sizeof(ends) / sizeof(ends[0]) };
    const uint64_t *row = samples[size][killer];
    long bins[BINS] = {0};

    for (long i = 0; i < rounds; i++) {
        size_t bin = 0;
        while (row[i] > ends[bin] * 1000)
            bin++;
        bins[bin]++;
    }
    printf("%7ld  %-10s %6ld %9.1f %9.1f %9.1f  ", sizes[size].members, names[killer], rounds,
           (double)stats_percentile(row, (size_t)rounds, 50) / 1e3,
           (double)stats_percentile(row, (size_t)rounds, 90) / 1e3,
           (double)stats_percentile(row, (size_t)rounds, 100) / 1e3);
    for (size_t bin = 0; bin < BINS; bin++)
        printf(bins[bin] ? " %5ld" : "     .", bins[bin]);
    printf("\n");
}

static void print_table(const long *rounds)
{
    printf("\nmicroseconds from the call until the group is proved empty; on the right how many rounds took up to "
           "...\n\n");
    printf("%7s  %-10s %6s %9s %9s %9s   %5s %5s %5s %5s %5s %5s %5s %5s %5s %5s %5s\n", "members", "", "rounds", "p50",
           "p90", "max", ".1ms", ".2", ".4", ".8", "1.6", "3.2", "6.4", "10", "20", "40", "more");
    for (size_t size = 0; size < SIZES; size++)
        for (enum killer killer = 0; killer < KILLERS; killer++)
            print_row(size, killer, rounds[size]);
}

/* A step would show in most kills of a small tree: they take well under a millisecond, or the 10 ms that notifications
 * are apart. The odd one that a busy machine made wait is no step. */
static bool judge_step(size_t size, long rounds)
{
    const uint64_t step = 8000000;
    uint64_t usual = stats_percentile(samples[size][FLOOR], (size_t)rounds, 90);
    long late = 0;
    for (long i = 0; i < rounds; i++)
        late += samples[size][LIBRARY][i] > usual + step;
    bool pass = late * 50 <= rounds;
    printf("  %4ld members: 8 ms or more above the p90 of the floor:  %ld of %ld, target <= 2 in 100: %s\n",
           sizes[size].members, late, rounds, pass ? "PASS" : "FAIL");
    return pass;
}

static bool print_targets(const long *rounds)
{
    bool pass = true;
    printf("\nratios of p50 (least .. most among the tenths of the run)\n");
    for (size_t size = 0; size < SIZES; size++) {
        char name[64];
        size_t count = (size_t)rounds[size];
        snprintf(name, sizeof(name), "%ld members, library / floor", sizes[size].members);
        pass &= stats_judge(name, stats_compare(samples[size][LIBRARY], count, samples[size][FLOOR], count), 1.3);
    }
    for (size_t size = 0; size < SIZES; size++)
        printf("  %4ld members: reaper / library %.2f\n", sizes[size].members,
               (double)stats_percentile(samples[size][REAPER], (size_t)rounds[size], 50) /
                   (double)stats_percentile(samples[size][LIBRARY], (size_t)rounds[size], 50));
    printf("no 10 ms step\n");
    for (size_t size = 0; size < SIZES; size++)
        pass &= judge_step(size, rounds[size]);
    return pass;
}

/* ---- Options ---------------------------------------------------------------------------------------------------- */

struct options {
    long percent; /* of the usual rounds */
    bool check;
};

static struct options parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"rounds-percent", required_argument, NULL, 'r'},
        {"check", no_argument, NULL, 'k'},
        {"ready", required_argument, NULL, 'y'},
        {"tree", required_argument, NULL, 't'},
        {0},
    };
    struct options options = {.percent = 100};
    int ready = -1; /* only for the tree */
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'r':
            options.percent = stats_argument("--rounds-percent", optarg, 1, 500);
            break;
        case 'k':
            options.check = true;
            break;
        case 'y':
            ready = (int)stats_argument("--ready", optarg, 0, 1 << 20);
            break;
        case 't':
            exit(be_tree(stats_argument("--tree", optarg, 1, 100000), ready));
        default:
            fprintf(stderr, "usage: %s [--rounds-percent N] [--check]\n", argv[0]);
            exit(2);
        }
    return options;
}

static pk_group *make_group(pk_mechanism mechanism)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group;
    pk_error error;
    options.mechanism = mechanism;
    if (pk_group_create(&options, &group, &error) < 0)
        check(error.number, error.message);
    return group;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct floor_place place;
    long rounds[SIZES];

    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        check(-errno, "cannot become a subreaper");
    check(pk_guardian_enable(false, NULL), "pk_guardian_enable"); /* it would come to this subreaper, and not end */
    pk_group *groups[KILLERS] = {
        [LIBRARY] = make_group(PK_MECHANISM_CGROUP2), [REAPER] = make_group(PK_MECHANISM_REAPER)};
    check(floor_place_open(pk_group_path(groups[LIBRARY]), &place), "cannot make a cgroup");
    stats_print_host();
    for (size_t size = 0; size < SIZES; size++) {
        rounds[size] = (sizes[size].rounds * options.percent + 99) / 100;
        measure(&place, groups, size, rounds[size]);
    }
    print_table(rounds);
    bool pass = print_targets(rounds);
    floor_place_close(&place);
    pk_group_free(groups[LIBRARY]);
    pk_group_free(groups[REAPER]);
    return options.check && !pass ? 1 : 0;
}
