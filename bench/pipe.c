/*
 * Pipelines beside those of a shell: bytes that go through them, the same where somebody else gets them as well, and
 * what it takes to start and to end one.
 *
 *     pipe [OPTION...] [volume|tee|cost...]
 *
 * Ways take turns. What goes through is the zeros of a file in memory that has no pages, so that nothing but the pipes
 * is busy with them.
 */
#include "contest.h"
#include "pipe-bare.h"

#include <processkit/pipeline.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    long size;   /* GiB that go through three cats */
    long tee;    /* GiB that somebody else gets */
    long rounds; /* of these */
    long runs;   /* of what does nothing */
    bool check;
} options = {.size = 8, .tee = 2, .rounds = 5, .runs = 500};

static struct {
    off_t volume; /* bytes, of one run */
    int source, sink, copy;
    char shell_line[128];
    pk_pipeline *pipeline;
} kit;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- One run ---------------------------------------------------------------------------------------------------- */

static int by_dash(void)
{
    return shell_run(kit.shell_line, kit.source, kit.sink);
}

static int by_library(void)
{
    pk_error error;
    pk_auto(pk_process) process = NULL;
    int r = pk_pipeline_start(kit.pipeline, &process, &error);
    if (r == 0)
        r = pk_process_wait(process, PK_FOREVER, NULL, &error);
    if (r == 0)
        r = pk_process_check(process, &error);
    if (r < 0)
        fprintf(stderr, "%s\n", error.message);
    return r;
}

static void rewind_source(void)
{
    if (lseek(kit.source, 0, SEEK_SET) < 0)
        fail("lseek");
}

/* The first stage has read all of it, and the others have ended well. */
static int check_source(int r)
{
    return r == 0 && lseek(kit.source, 0, SEEK_CUR) != kit.volume ? -EIO : r;
}

static int move_by_dash(void)
{
    rewind_source();
    return check_source(by_dash());
}

static int move_by_library(void)
{
    rewind_source();
    return check_source(by_library());
}

/* Whoever writes the next copy finds nothing there, and the time that takes is in every way's. */
static int check_copy(int r)
{
    off_t length = lseek(kit.copy, 0, SEEK_END);
    if (r == 0 && length != kit.volume)
        r = -EIO;
    if (ftruncate(kit.copy, 0) < 0 || lseek(kit.copy, 0, SEEK_SET) < 0)
        fail("ftruncate");
    return r;
}

static int copy_by_dash(void)
{
    return check_copy(move_by_dash());
}

static int copy_by_library(void)
{
    return check_copy(move_by_library());
}

/* ---- Much ------------------------------------------------------------------------------------------------------- */

static int make_file(off_t size)
{
    int fd = memfd_create("bench-pipe", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, size) < 0)
        fail("a file in memory");
    return fd;
}

static pk_pipeline *chain(const char *program, int stages)
{
    pk_auto(pk_command) command = pk_command_new(program, NULL);
    pk_auto(pk_command) last = pk_command_copy(command);
    pk_auto(pk_command) first = pk_command_copy(command);
    pk_command_fd(first, 0, kit.source);
    pk_command_fd(last, 1, kit.sink);
    pk_pipeline *pipeline = pk_pipeline_new(first, NULL);
    for (int i = 2; i < stages; i++)
        pk_pipeline_add(pipeline, command);
    pk_pipeline_add(pipeline, last);
    return pipeline;
}

/* The best rounds: what others on the machine do only ever makes it less. */
static bool compare_volume(const struct way_to ways[2])
{
    struct contest contest;
    contest_run(&contest, ways, 2, options.rounds);
    printf("%-28s %8s %12s %8s\n", "best of the rounds", "GiB/s", "CPU ms/GiB", "x dash");
    double gib = (double)kit.volume / (1 << 30);
    for (unsigned way = 0; way < 2; way++)
        printf("%-28s %8.2f %12.1f %8.2f\n", ways[way].name,
               gib / ((double)contest_best(&contest, MEASURE_TIME, way) / 1e9),
               (double)contest_best(&contest, MEASURE_CPU_OF_ALL, way) / 1e6 / gib,
               contest_best_ratio(&contest, MEASURE_CPU_OF_ALL, way, 0).all);
    bool pass = stats_judge_least("by the library / by dash", contest_best_ratio(&contest, MEASURE_TIME, 0, 1), 0.97);
    contest_free(&contest);
    return pass;
}

static bool run_volume(void)
{
    static const struct way_to ways[2] = {{"dash", move_by_dash}, {"pk_pipeline", move_by_library}};
    kit.volume = (off_t)options.size << 30;
    kit.source = make_file(kit.volume);
    kit.pipeline = chain("/bin/cat", 3);
    snprintf(kit.shell_line, sizeof(kit.shell_line), "/bin/cat | /bin/cat | /bin/cat");
    printf("\n%ld GiB through three cats, %ld rounds\n", options.size, options.rounds);
    bool pass = compare_volume(ways);
    pk_pipeline_free(kit.pipeline);
    close(kit.source);
    return pass;
}

/* Two cats: what is tee's in the shell is the library's own. */
static bool tee_to(int fd, const char *path, const struct way_to ways[2])
{
    kit.pipeline = chain("/bin/cat", 2);
    pk_pipeline_tee(kit.pipeline, 0, fd);
    snprintf(kit.shell_line, sizeof(kit.shell_line), "/bin/cat | /usr/bin/tee %s | /bin/cat", path);
    bool pass = compare_volume(ways);
    pk_pipeline_free(kit.pipeline);
    return pass;
}

static bool run_tee(void)
{
    static const struct way_to kept[2] = {{"dash, with tee", copy_by_dash}, {"pk_pipeline_tee", copy_by_library}};
    static const struct way_to thrown[2] = {{"dash, with tee", move_by_dash}, {"pk_pipeline_tee", move_by_library}};
    char path[64];
    kit.volume = (off_t)options.tee << 30;
    kit.source = make_file(kit.volume);
    kit.copy = make_file(0);
    snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), kit.copy);
    printf("\n%ld GiB through two cats, and to a file in memory (splice), %ld rounds\n", options.tee, options.rounds);
    bool pass = tee_to(kit.copy, path, kept);
    printf("\nthe same to /dev/null (read and write)\n");
    pass &= tee_to(kit.sink, "/dev/null", thrown);
    close(kit.copy);
    close(kit.source);
    return pass;
}

/* ---- Nothing ---------------------------------------------------------------------------------------------------- */

static int by_floor(void)
{
    static char *const argv[] = {(char *)"/bin/true", NULL};
    return bare_pipeline(argv, 3, kit.source, kit.sink);
}

static bool run_cost(void)
{
    static const struct way_to ways[3] = {
        {"posix_spawn and pipe", by_floor}, {"dash", by_dash}, {"pk_pipeline", by_library}};
    struct contest contest;
    kit.source = make_file(0);
    kit.pipeline = chain("/bin/true", 3);
    snprintf(kit.shell_line, sizeof(kit.shell_line), "/bin/true | /bin/true | /bin/true");
    printf("\nstart and end of three times /bin/true, %ld rounds\n", options.runs);
    contest_run(&contest, ways, 3, options.runs);
    printf("%-28s %8s %8s %8s\n", "median", "us", "x bare", "x dash");
    for (unsigned way = 0; way < 3; way++)
        printf("%-28s %8.1f %8.2f %8.2f\n", ways[way].name, (double)contest_median(&contest, MEASURE_TIME, way) / 1e3,
               contest_ratio(&contest, MEASURE_TIME, way, 0).all, contest_ratio(&contest, MEASURE_TIME, way, 1).all);
    contest_free(&contest);
    pk_pipeline_free(kit.pipeline);
    close(kit.source);
    return true;
}

/* ---- The command line ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool (*run)(void);
} parts[] = {{"volume", run_volume}, {"tee", run_tee}, {"cost", run_cost}};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static _Noreturn void refuse(const char *program)
{
    fprintf(stderr, "usage: %s [--size GIB] [--tee GIB] [--rounds N] [--runs N] [--check] [volume|tee|cost...]\n",
            program);
    exit(2);
}

static void parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"size", required_argument, NULL, 's'},   {"tee", required_argument, NULL, 't'},
        {"rounds", required_argument, NULL, 'r'}, {"runs", required_argument, NULL, 'n'},
        {"check", no_argument, NULL, 'k'},        {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 's':
            options.size = stats_argument("--size", optarg, 1, 1024);
            break;
        case 't':
            options.tee = stats_argument("--tee", optarg, 1, 1024);
            break;
        case 'r':
            options.rounds = stats_argument("--rounds", optarg, 1, 1000);
            break;
        case 'n':
            options.runs = stats_argument("--runs", optarg, 1, 1000000);
            break;
        case 'k':
            options.check = true;
            break;
        default:
            refuse(argv[0]);
        }
}

static bool run_part(const char *program, const char *name)
{
    for (int i = 0; i < PARTS; i++)
        if (strcmp(parts[i].name, name) == 0)
            return parts[i].run();
    refuse(program);
}

int main(int argc, char **argv)
{
    bool pass = true;
    parse(argc, argv);
    kit.sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kit.sink < 0)
        fail("/dev/null");
    setvbuf(stdout, NULL, _IOLBF, 0);
    stats_print_host();
    for (int i = 0; optind == argc && i < PARTS; i++)
        pass &= parts[i].run();
    for (int i = optind; i < argc; i++)
        pass &= run_part(argv[0], argv[i]);
    return options.check && !pass ? 1 : 0;
}
