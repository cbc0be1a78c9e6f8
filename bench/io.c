/*
 * What it costs to have the library read what children write, beside the floor: the same child, read by a bare loop.
 *
 *     io [OPTION...] [capture|lines|tiny|peak|runs|crowd|loop...]
 */
#include "io.h"

#include "io-writer.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct io_options io = {
    .rounds = 5, .gib = 4, .line_mib = 1024, .tiny = 200000, .runs = 10000, .children = 1000, .idle = 3};

static const struct {
    const char *name;
    bool (*run)(void);
} parts[] = {
    {"capture", io_capture}, {"lines", io_lines}, {"tiny", io_tiny}, {"peak", io_peak},
    {"runs", io_runs},       {"crowd", io_crowd}, {"loop", io_loop},
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

/* ---- Children --------------------------------------------------------------------------------------------------- */

char **io_child(const char *how, uint64_t what)
{
    static char number[24], *arguments[5];
    snprintf(number, sizeof(number), "%" PRIu64, what);
    arguments[0] = (char *)io.self;
    arguments[1] = (char *)WRITER_WORD;
    arguments[2] = (char *)how;
    arguments[3] = number;
    return arguments;
}

pk_command *io_command(const char *how, uint64_t what)
{
    return pk_command_new_argv((const char *const *)io_child(how, what));
}

static int judge(pk_process *process, int r, const pk_error *error)
{
    if (r < 0)
        fprintf(stderr, "%s\n", error->message);
    else if (!pk_result_is_success(pk_process_result(process)))
        r = -ECHILD;
    pk_process_free(process);
    return r;
}

int io_finish(pk_process *process)
{
    pk_error error;
    int r = pk_process_wait(process, PK_FOREVER, NULL, &error);
    return judge(process, r, &error);
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data = event == PK_EVENT_ENDED;
}

int io_finish_in_loop(pk_process *process)
{
    pk_error error;
    bool ended = false;
    pk_auto(pk_loop) loop = NULL;
    int r = pk_loop_create(&loop, &error);
    if (r == 0)
        r = pk_process_watch(process, loop, on_event, &ended, &error);
    while (r >= 0 && !ended)
        r = pk_loop_dispatch(loop, PK_FOREVER, &error);
    return judge(process, r < 0 ? r : 0, &error);
}

/* ---- The command line ------------------------------------------------------------------------------------------- */

static _Noreturn void refuse(const char *program)
{
    fprintf(stderr,
            "usage: %s [--rounds N] [--gib N] [--line-mib N] [--tiny N] [--runs N] [--children N] [--idle SECONDS]\n"
            "       [--check] [capture|lines|tiny|peak|runs|crowd|loop...]\n",
            program);
    exit(2);
}

static bool parse(int argc, char **argv)
{
    static const struct option known[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"gib", required_argument, NULL, 'g'},
        {"line-mib", required_argument, NULL, 'l'},
        {"tiny", required_argument, NULL, 't'},
        {"runs", required_argument, NULL, 'n'},
        {"children", required_argument, NULL, 'c'},
        {"idle", required_argument, NULL, 'i'},
        {"check", no_argument, NULL, 'k'},
        {0},
    };
    bool check = false;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'r':
            io.rounds = stats_argument("--rounds", optarg, 1, 1000);
            break;
        case 'g':
            io.gib = stats_argument("--gib", optarg, 1, 1024);
            break;
        case 'l':
            io.line_mib = stats_argument("--line-mib", optarg, 1, 1 << 20);
            break;
        case 't':
            io.tiny = stats_argument("--tiny", optarg, 1, 100000000);
            break;
        case 'n':
            io.runs = stats_argument("--runs", optarg, 1, 1000000);
            break;
        case 'c':
            io.children = stats_argument("--children", optarg, 1, 20000);
            break;
        case 'i':
            io.idle = stats_argument("--idle", optarg, 1, 3600);
            break;
        case 'k':
            check = true;
            break;
        default:
            refuse(argv[0]);
        }
    return check;
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
    static char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0)
        return perror("/proc/self/exe"), 1;
    io.self = self;
    if (argc > 1 && strcmp(argv[1], WRITER_WORD) == 0)
        return writer_main(argv + 2);
    if (argc == 3 && strcmp(argv[1], "--print-peak") == 0)
        return io_print_peak(argv[2]);

    bool check = parse(argc, argv), pass = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    stats_print_host();
    for (int i = 0; optind == argc && i < PARTS; i++)
        pass &= parts[i].run();
    for (int i = optind; i < argc; i++)
        pass &= run_part(argv[0], argv[i]);
    return check && !pass ? 1 : 0;
}
