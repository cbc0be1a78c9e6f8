/*
 * What limits cost: once for each owner, to get a place where they can be had, and then for each run.
 *
 * Runs without limits and runs with three of them take turns in random order, private ones (a group of their own) and
 * ones in a group that is kept. What is measured is a run of a program that does nothing, from the start to its result.
 */
#include "stats.h"

#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/process.h>
#include <processkit/run.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROUNDS = 20000, WARM_UP = 5 };

enum way { PLAIN, LIMITED, PLAIN_KEPT, LIMITED_KEPT, WAYS };

static const char *const names[WAYS] = {
    [PLAIN] = "private, without limits",
    [LIMITED] = "private, with limits",
    [PLAIN_KEPT] = "in a kept group, without limits",
    [LIMITED_KEPT] = "in a kept group, with limits",
};

static struct {
    long rounds;
    unsigned delegations;
    bool check;
} options = {500, 0, false};

static struct {
    pk_command *command;
    pk_group_options limited;
    pk_group *kept[WAYS];
} kit;

static uint64_t samples[WAYS][MOST_ROUNDS];

static void check(int result, const pk_error *error)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

static void run_in(pk_group *group)
{
    pk_process *process;
    pk_result result;
    pk_error error;
    check(pk_group_spawn(group, kit.command, &process, &error), &error);
    check(pk_process_wait(process, PK_FOREVER, &result, &error), &error);
    pk_process_free(process);
}

static void run(enum way way)
{
    pk_result result;
    pk_error error;
    if (way == PLAIN_KEPT || way == LIMITED_KEPT)
        run_in(kit.kept[way]);
    else
        pk_command_contain(kit.command, way == LIMITED ? &kit.limited : NULL);
    check(pk_command_status(kit.command, &result, &error), &error);
}

static void run_round(long round, uint64_t *seed)
{
    unsigned order[WAYS];
    stats_shuffle(order, WAYS, seed);
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t before = stats_now();
        run((enum way)order[i]);
        if (round >= 0)
            samples[order[i]][round] = stats_now() - before;
    }
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static uint64_t time_group(const pk_group_options *group_options, pk_group **group)
{
    pk_error error;
    uint64_t before = stats_now();
    check(pk_group_create(group_options, group, &error), &error);
    return stats_now() - before;
}

static void prepare(void)
{
    pk_group_options limited = PK_GROUP_OPTIONS_INIT;
    limited.limits.memory_max = PK_GIBIBYTES(1);
    limited.limits.pids_max = 100;
    limited.limits.cpu_max = 100; /* more than there is: the cost of having it, not of being slowed down */
    limited.delegations = options.delegations;
    kit.limited = limited;
    kit.command = pk_command_new("/bin/true", NULL);
    double plain = (double)time_group(NULL, &kit.kept[PLAIN_KEPT]) / 1e6;
    double with = (double)time_group(&kit.limited, &kit.kept[LIMITED_KEPT]) / 1e6;
    printf("limits by %s; the first group without limits took %.2f ms, the first with limits %.2f ms, once\n",
           pk_delegation_name(pk_group_delegation(kit.kept[LIMITED_KEPT])), plain, with);
}

static bool report(void)
{
    size_t count = (size_t)options.rounds;
    for (unsigned way = 0; way < WAYS; way++)
        printf("  %-45s median %8.1f us\n", names[way], (double)stats_percentile(samples[way], count, 50) / 1e3);
    bool good = stats_judge("with limits / without, private",
                            stats_compare(samples[LIMITED], count, samples[PLAIN], count), 1.5);
    return stats_judge("with limits / without, in a kept group",
                       stats_compare(samples[LIMITED_KEPT], count, samples[PLAIN_KEPT], count), 1.5) &&
           good;
}

static void read_options(int argc, char **argv)
{
    static const struct option table[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"limits-by", required_argument, NULL, 'l'},
        {"check", no_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    pk_delegation bit;
    pk_error error;
    for (int option; (option = getopt_long(argc, argv, "", table, NULL)) >= 0;) {
        switch (option) {
        case 'r':
            options.rounds = stats_argument("--rounds", optarg, 10, MOST_ROUNDS);
            break;
        case 'l':
            check(pk_delegation_parse(optarg, &bit, &error), &error);
            options.delegations |= bit;
            break;
        case 'c':
            options.check = true;
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = 0x9e3779b97f4a7c15;
    read_options(argc, argv);
    stats_print_host();
    prepare();
    for (long round = -WARM_UP; round < options.rounds; round++)
        run_round(round, &seed);
    bool good = report();
    for (unsigned way = 0; way < WAYS; way++)
        pk_group_free(kit.kept[way]);
    pk_command_free(kit.command);
    return options.check && !good;
}
