/*
 * Parsing options by a table, through popt.
 */
#include "options.h"

#include "message.h"

#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP = 1, FIRST = 2 }; /* popt's numbers for options: FIRST is the first row */

/* All rows in their order, and how many there are; NULL: only that. */
static size_t collect(const struct option_row *rows, const struct option_row **all)
{
    size_t count = 0;
    for (; rows->name || rows->more; rows++) {
        if (rows->more) {
            count += collect(rows->more, all ? all + count : NULL);
            continue;
        }
        if (all)
            all[count] = rows;
        count++;
    }
    return count;
}

/* popt's table from ours, with --help at the end. */
static struct poptOption *make_table(const struct option_row *const *rows, size_t count)
{
    struct poptOption *table = calloc(count + 2, sizeof(*table));
    for (size_t i = 0; table && i < count; i++)
        table[i] = (struct poptOption){
            .longName = rows[i]->name,
            .shortName = rows[i]->letter,
            .argInfo = rows[i]->value ? POPT_ARG_STRING : POPT_ARG_NONE,
            .val = FIRST + (int)i,
            .descrip = rows[i]->help,
            .argDescrip = rows[i]->value,
        };
    if (table)
        table[count] = (struct poptOption){"help", 'h', POPT_ARG_NONE, NULL, HELP, "show this text", NULL};
    return table;
}

static int add(struct given *given, const struct option_row *row, char *value)
{
    struct given_option *options = reallocarray(given->options, given->count + 1, sizeof(*options));
    if (!options) {
        free(value);
        say("out of memory");
        return -1;
    }
    given->options = options;
    given->options[given->count++] = (struct given_option){row, value};
    return 0;
}

static int read_all(poptContext context, struct given *given, int *status)
{
    int number;
    while ((number = poptGetNextOpt(context)) > 0) {
        if (number == HELP) {
            poptPrintHelp(context, stdout, 0);
            *status = finish_output();
            return 1;
        }
        if (add(given, given->rows[number - FIRST], poptGetOptArg(context)) < 0)
            return 1;
    }
    if (number < -1) {
        const char *option = poptBadOption(context, POPT_BADOPTION_NOALIAS);
        say("%s: %s (see pk %s --help)", option, poptStrerror(number), poptGetInvocationName(context) + 3);
        return 1;
    }
    return 0;
}

int options_parse(int argc, char **argv, const struct option_row *rows, const char *usage, struct given *given,
                  int *status)
{
    char name[32];
    snprintf(name, sizeof(name), "pk %s", argv[0]);
    *given = (struct given){0};
    *status = STATUS_FAILED;

    const char **words = given->words = calloc((size_t)argc + 1, sizeof(*words));
    size_t count = collect(rows, NULL);
    given->rows = calloc(count + 1, sizeof(struct option_row *));
    if (given->rows)
        collect(rows, given->rows);
    struct poptOption *table = given->table = given->rows ? make_table(given->rows, count) : NULL;
    if (!words || !table) {
        say("out of memory");
        return 1;
    }
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    words[0] = name;
    poptContext context = poptGetContext(name, argc, words, table, POPT_CONTEXT_POSIXMEHARDER);
    given->context = context;
    poptSetOtherOptionHelp(context, usage);
    int r = read_all(context, given, status);
    given->rest = poptGetArgs(context);
    return r;
}

bool options_have(const struct given *given, const char *name)
{
    for (size_t i = 0; i < given->count; i++)
        if (strcmp(given->options[i].row->name, name) == 0)
            return true;
    return false;
}

const char *options_value(const struct given *given, const char *name, const char *otherwise)
{
    const char *value = otherwise;
    for (size_t i = 0; i < given->count; i++)
        if (strcmp(given->options[i].row->name, name) == 0)
            value = given->options[i].value;
    return value;
}

int options_apply(const struct given *given, void *target)
{
    for (size_t i = 0; i < given->count; i++)
        if (given->options[i].row->apply(target, given->options[i].value) < 0)
            return -1;
    return 0;
}

void options_free(struct given *given)
{
    for (size_t i = 0; i < given->count; i++)
        free(given->options[i].value);
    free(given->options);
    if (given->context)
        poptFreeContext(given->context);
    free(given->words);
    free(given->table);
    free(given->rows);
    *given = (struct given){0};
}
