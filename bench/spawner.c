/*
 * What it costs that a spawner starts a command: /bin/true in an existing group, started and waited for, by this
 * process and by a spawner, in turns. Both on all processors, and on one: there a new process runs at once, in the
 * place of the one that waits for it, while elsewhere the kernel likes to wake up an idle processor for it, which on a
 * virtual machine can take longer than all the work.
 *
 * Built on the inside of the library, which knows no way to ask for a spawner where none is needed.
 */
#include "contain/spawner.h"

#include "contain/group.h"
#include "stats.h"

#include <processkit/command.h>
#include <processkit/process.h>

#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_ROUNDS = 20000, WARM_UP = 20 };
enum way { DIRECT, THROUGH, DIRECT_ON_ONE, THROUGH_ON_ONE, WAYS };

static const char *const names[WAYS] = {"direct", "by a spawner", "direct, on one processor",
                                        "by a spawner, on one processor"};

static uint64_t samples[WAYS][MOST_ROUNDS];
static struct spawner spawner = SPAWNER_INIT;
static struct backend through;
static pk_group *groups[2];
static pk_command *command;
static cpu_set_t all_processors;

static void check(int result, const pk_error *error)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static int place(pk_group *group, struct placement *placement, pk_error *error)
{
    int r = backend_cgroup2.place(group, placement, error);
    placement->spawner = &spawner;
    return r;
}

static void prepare(void)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_error error;
    options.mechanism = PK_MECHANISM_CGROUP2;
    check(spawner_start(&spawner, &error), &error);
    for (int i = 0; i < 2; i++)
        check(pk_group_create(&options, &groups[i], &error), &error);
    through = backend_cgroup2;
    through.place = place;
    groups[1]->backend = &through;
    command = pk_command_new("/bin/true", NULL);
    sched_getaffinity(0, sizeof(all_processors), &all_processors);
}

/* The spawner is where its owner is: else it would have to pass the difference on. */
static void settle_on(bool one)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof(set), one ? &set : &all_processors);
    sched_setaffinity(spawner.pid, sizeof(set), one ? &set : &all_processors);
    memcpy(spawner.heritage.affinity, one ? &set : &all_processors, sizeof(spawner.heritage.affinity));
}

static uint64_t run_one(enum way way)
{
    pk_process *process;
    pk_result result;
    pk_error error;
    bool by_spawner = way == THROUGH || way == THROUGH_ON_ONE;
    settle_on(way == DIRECT_ON_ONE || way == THROUGH_ON_ONE);
    uint64_t before = stats_now();
    check(pk_group_spawn(groups[by_spawner], command, &process, &error), &error);
    check(pk_process_wait(process, PK_FOREVER, &result, &error), &error);
    uint64_t took = stats_now() - before;
    pk_process_free(process);
    return took;
}

static void take_samples(long rounds)
{
    uint64_t seed = 0x706b5370;
    unsigned order[WAYS];
    for (long round = -WARM_UP; round < rounds; round++) {
        stats_shuffle(order, WAYS, &seed);
        for (size_t turn = 0; turn < WAYS; turn++) {
            uint64_t took = run_one((enum way)order[turn]);
            if (round >= 0)
                samples[order[turn]][round] = took;
        }
    }
}

/* Memory of the spawner that is its own, from the kernel's books. */
static void print_memory(void)
{
    char path[64], line[256];
    snprintf(path, sizeof(path), "/proc/%d/status", spawner.pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmSize:", 7) == 0 || strncmp(line, "VmPTE:", 6) == 0)
            printf("spawner %s", line);
    if (file)
        fclose(file);
}

static bool report(size_t rounds)
{
    stats_print_host();
    printf("%-32s %9s %9s %9s  (us, %zu rounds)\n", "", "p50", "p90", "max", rounds);
    for (unsigned i = 0; i < WAYS; i++)
        printf("%-32s %9.1f %9.1f %9.1f\n", names[i], (double)stats_percentile(samples[i], rounds, 50) / 1e3,
               (double)stats_percentile(samples[i], rounds, 90) / 1e3,
               (double)stats_percentile(samples[i], rounds, 100) / 1e3);
    print_memory();
    bool pass =
        stats_judge("by a spawner / direct", stats_compare(samples[THROUGH], rounds, samples[DIRECT], rounds), 1.5);
    return stats_judge("the same on one processor",
                       stats_compare(samples[THROUGH_ON_ONE], rounds, samples[DIRECT_ON_ONE], rounds), 1.5) &&
           pass;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"rounds", required_argument, NULL, 'r'}, {"check", no_argument, NULL, 'c'}, {0}};
    long rounds = 1000;
    bool checked = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r')
            rounds = stats_argument("--rounds", optarg, 10, MOST_ROUNDS);
        else if (option == 'c')
            checked = true;
        else
            return 2;
    }
    prepare();
    take_samples(rounds);
    bool pass = report((size_t)rounds);
    pk_group_free(groups[0]);
    groups[1]->backend = &backend_cgroup2;
    pk_group_free(groups[1]);
    pk_command_free(command);
    spawner_stop(&spawner);
    return checked && !pass;
}
