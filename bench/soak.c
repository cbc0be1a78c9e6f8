/*
 * Ten thousand private runs one after the other, and a thousand at once: does anything stay behind?
 *
 * All of it happens in one process, after a warm-up with the same work that lets malloc and the library take what they
 * keep. When that process has ended, its directory must be gone as well.
 */
#include "census.h"
#include "stats.h"

#include <processkit/command.h>
#include <processkit/group.h>
#include <processkit/loop.h>
#include <processkit/process.h>
#include <processkit/run.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    long sequential;
    long concurrent;
} options = {10000, 1000};

enum { MOST_CONCURRENT = 10000 };

static void check(int result, const pk_error *error)
{
    if (result >= 0)
        return;
    fprintf(stderr, "soak: %s\n", error->message);
    exit(1);
}

static void must_succeed(const pk_result *result)
{
    char text[128];
    if (pk_result_is_success(result))
        return;
    fprintf(stderr, "soak: a run did not succeed: %s\n", pk_result_format(result, text, sizeof(text)));
    exit(1);
}

/* ---- One after the other ---------------------------------------------------------------------------------------- */

static void run_sequentially(long runs)
{
    pk_auto(pk_command) command = pk_command_new("/bin/true", NULL);
    pk_result result;
    pk_error error;
    for (long i = 0; i < runs; i++) {
        check(pk_command_status(command, &result, &error), &error);
        must_succeed(&result);
    }
}

/* ---- All at once ------------------------------------------------------------------------------------------------ */

/* Each child reads from the same pipe, and so lives until the gate is opened by closing the other end. */
struct crowd {
    pk_process *processes[MOST_CONCURRENT];
    long count;
    long ended;
    int gate;
};

static void gather(struct crowd *crowd, long count)
{
    int gate[2];
    pk_error error;
    if (pipe2(gate, O_CLOEXEC) < 0) {
        perror("pipe2");
        exit(1);
    }
    pk_auto(pk_command) command = pk_command_new("/bin/cat", NULL);
    pk_command_fd(command, 0, gate[0]);
    for (crowd->count = 0; crowd->count < count; crowd->count++)
        check(pk_command_start(command, &crowd->processes[crowd->count], &error), &error);
    close(gate[0]);
    crowd->gate = gate[1];
    crowd->ended = 0;
}

/* It is no crowd if some have left already. */
static void open_gate(struct crowd *crowd)
{
    pk_error error;
    for (long i = 0; i < crowd->count; i++) {
        int empty = pk_group_is_empty(pk_process_group(crowd->processes[i]), &error);
        check(empty, &error);
        if (empty) {
            fprintf(stderr, "soak: a child ended before the gate was opened\n");
            exit(1);
        }
    }
    close(crowd->gate);
}

static void wait_in_turn(struct crowd *crowd)
{
    pk_result result;
    pk_error error;
    for (long i = 0; i < crowd->count; i++) {
        check(pk_process_wait(crowd->processes[i], PK_FOREVER, &result, &error), &error);
        must_succeed(&result);
        pk_process_free(crowd->processes[i]);
    }
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    struct crowd *crowd = data;
    if (event != PK_EVENT_ENDED)
        return;
    must_succeed(pk_process_result(process));
    pk_process_free(process);
    crowd->ended++;
}

static void wait_by_loop(struct crowd *crowd)
{
    pk_auto(pk_loop) loop = NULL;
    pk_error error;
    check(pk_loop_create(&loop, &error), &error);
    for (long i = 0; i < crowd->count; i++)
        check(pk_process_watch(crowd->processes[i], loop, on_event, crowd, &error), &error);
    open_gate(crowd);
    while (crowd->ended < crowd->count)
        check(pk_loop_dispatch(loop, PK_FOREVER, &error), &error);
}

static void run_concurrently(long count)
{
    static struct crowd crowd;
    gather(&crowd, count);
    wait_by_loop(&crowd);
    gather(&crowd, count);
    open_gate(&crowd);
    wait_in_turn(&crowd);
}

/* ---- The process that does it ----------------------------------------------------------------------------------- */

/* The owner's directory: the one that an entry is in. "" without cgroups. */
static void find_owner(char *owner)
{
    pk_auto(pk_group) group = NULL;
    pk_error error;
    check(pk_group_create(NULL, &group, &error), &error);
    if (pk_group_mechanism(group) != PK_MECHANISM_CGROUP2) {
        printf("cgroup directories: skipped, %s\n", pk_group_refusal(group));
        return;
    }
    snprintf(owner, PATH_MAX, "%s", pk_group_path(group));
    *strrchr(owner, '/') = '\0';
}

static bool soak(const char *name, void (*run)(long), long count, const char *owner)
{
    run(count / 10 > 0 ? count / 10 : 1);
    struct census before = census_take(owner);
    uint64_t began = stats_now();
    run(count);
    uint64_t took = stats_now() - began;
    struct census after = census_take(owner);
    bool pass = census_compare(name, &before, &after, 4096, 256);
    printf("  %.1f s\n", (double)took / 1e9);
    return pass;
}

static int be_owner(char *owner)
{
    char name[64];
    find_owner(owner);
    census_take(owner); /* its own buffers */
    snprintf(name, sizeof(name), "%ld runs in sequence", options.sequential);
    bool pass = soak(name, run_sequentially, options.sequential, owner);
    run_concurrently(options.concurrent); /* as many as there will be: what malloc keeps is a matter of the peak */
    snprintf(name, sizeof(name), "2 x %ld at once", options.concurrent);
    pass &= soak(name, run_concurrently, options.concurrent, owner);
    return pass ? 0 : 1;
}

/* ---- Outside ---------------------------------------------------------------------------------------------------- */

static bool left_directory(char *owner)
{
    if (*owner == '\0')
        return false;
    char *slash = strrchr(owner, '/');
    *slash = '\0';
    long left = census_count_directories(owner, slash + 1);
    printf("\n%s in %s after the end: %ld  %s\n", slash + 1, owner, left, left == 0 ? "ok" : "LEAK");
    return left != 0;
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"sequential", required_argument, NULL, 's'}, {"concurrent", required_argument, NULL, 'c'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 's':
            options.sequential = stats_argument("--sequential", optarg, 1, 100000000);
            break;
        case 'c':
            options.concurrent = stats_argument("--concurrent", optarg, 1, MOST_CONCURRENT);
            break;
        default:
            fprintf(stderr, "usage: %s [--sequential N] [--concurrent N]\n", argv[0]);
            exit(2);
        }
}

/* A run that goes on holds a few descriptors. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    int status;

    parse(argc, argv);
    raise_descriptors();
    stats_print_host();
    fflush(stdout);
    char *owner = mmap(NULL, PATH_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (owner == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0)
        exit(be_owner(owner));
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        perror("fork");
        return 1;
    }
    bool leaked = left_directory(owner) || status != 0;
    printf("%s\n", leaked ? "FAIL: something stayed behind" : "PASS: nothing stayed behind");
    return leaked ? 1 : 0;
}
