/*
 * pk: runs commands so that nothing they start can outlive them by accident.
 */
#include "batch.h"
#include "detach.h"
#include "doctor.h"
#include "init.h"
#include "message.h"
#include "pipe.h"
#include "prune.h"
#include "run.h"
#include "supervise.h"

#include <processkit/version.h>

#include <stdio.h>
#include <string.h>

static int help(int argc, char **argv);
static int version(int argc, char **argv);

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
    const char *help;
} verbs[] = {
    {"run", run_main, "run a command and leave nothing behind"},
    {"init", init_main, "the same as the first process of a container"},
    {"pipe", pipe_main, "run commands joined by pipes, as one"},
    {"batch", batch_main, "run a command for each item of a list, so many at a time"},
    {"supervise", supervise_main, "keep commands alive, one or those of a file"},
    {"list", list_main, "list what was detached by pk run --detach"},
    {"stop", stop_main, "end a detached command with all that it started"},
    {"doctor", doctor_main, "tell what containment this host gives, and why not more"},
    {"prune", prune_main, "end and remove what dead owners left behind"},
    {"help", help, "show this text"},
    {"--help", help, NULL},
    {"-h", help, NULL},
    {"--version", version, NULL},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_usage(FILE *out)
{
    fputs("Usage: pk COMMAND [OPTION...] [ARG...]\n\n"
          "Runs commands so that nothing they start can outlive them by accident.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < VERBS; i++)
        if (verbs[i].help)
            fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    fputs("\n'pk COMMAND --help' tells more, and so do the manual pages; begin with\npk(1).\n", out);
}

static int help(int argc, char **argv)
{
    (void)argc, (void)argv;
    print_usage(stdout);
    return finish_output();
}

static int version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("pk %s\n", pk_version());
    return finish_output();
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_FAILED;
    }
    for (size_t i = 0; i < VERBS; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    say("unknown command '%s' (see pk --help)", argv[1]);
    return STATUS_FAILED;
}
