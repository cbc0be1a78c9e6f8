/*
 * Reading the command line of an adversary and carrying out its verbs.
 */
#include "adversary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb *const tables[] = {shape_verbs,    storm_verbs,  signal_verbs, stream_verbs,
                                            resource_verbs, server_verbs, end_verbs};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static const struct verb *find(const char *name)
{
    for (size_t t = 0; t < TABLES; t++) {
        for (const struct verb *verb = tables[t]; verb->name; verb++) {
            if (strcmp(verb->name, name) == 0)
                return verb;
        }
    }
    fprintf(stderr, "adversary: no such verb: %s\n", name);
    exit(120);
}

static _Noreturn void help(void)
{
    puts("adversary [--report FD|PATH] [--output PATH] [--life SECONDS] VERB [ARGUMENT...] [-- VERB [ARGUMENT...]]...");
    for (size_t t = 0; t < TABLES; t++) {
        putchar('\n');
        for (const struct verb *verb = tables[t]; verb->name; verb++)
            printf("  %-18s %s\n", verb->name, verb->help);
    }
    exit(0);
}

/* Cuts the words of one verb off the rest. Returns the rest, which is NULL at the end. */
static char **cut(const struct verb *verb, char **words)
{
    int count = 0;
    while (words[count] && (verb->most == ANY || strcmp(words[count], "--") != 0))
        count++;
    if (count < verb->least || count > verb->most) {
        fprintf(stderr, "adversary: %s takes %d to %d arguments: %s\n", verb->name, verb->least, verb->most,
                verb->help);
        exit(120);
    }
    char **rest = words[count] ? &words[count + 1] : NULL;
    words[count] = NULL;
    return rest;
}

static _Noreturn void carry_out(char **words)
{
    bool lasts = false;
    while (words && *words) {
        const struct verb *verb = find(*words++);
        char **arguments = words;
        words = cut(verb, words);
        verb->run(arguments);
        lasts = verb->lasts;
    }
    if (lasts)
        hold();
    leave(0);
}

int main(int argc, char **argv)
{
    const char *report = NULL;
    unsigned life_s = 120;
    int i = 1;
    while (i + 1 < argc && strncmp(argv[i], "--", 2) == 0 && argv[i][2]) {
        if (strcmp(argv[i], "--report") == 0)
            report = argv[i + 1];
        else if (strcmp(argv[i], "--output") == 0)
            describe_to(argv[i + 1]);
        else if (strcmp(argv[i], "--life") == 0)
            life_s = (unsigned)number(argv[i + 1]);
        else
            give_up("unknown option");
        i += 2;
    }
    if (i >= argc || strcmp(argv[i], "help") == 0)
        help();
    shape_begin(report, life_s);
    carry_out(argv + i);
}
