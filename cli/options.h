/*
 * Option tables: one line per option, for parsing and for --help.
 */
#ifndef PK_CLI_OPTIONS_H
#define PK_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One option. `apply` gets its value (NULL for one without) and says what is wrong by say(); it returns 0 or -1.
 * A row that has nothing but `more` stands for those of that table. One without either ends a table.
 */
struct option_row {
    const char *name;
    char letter;       /* or 0 */
    const char *value; /* how the value is called in --help; NULL: takes none */
    int (*apply)(void *target, const char *value);
    const char *help;
    const struct option_row *more;
};

/* What was given, in its order; applied later, when there is something to apply it to. */
struct given_option {
    const struct option_row *row;
    char *value;
};

struct given {
    struct given_option *options;
    size_t count;
    const char **rest;              /* what follows the options; ends with NULL */
    const struct option_row **rows; /* of all tables */
    void *context;                  /* popt's, which points to the next two */
    void *words;
    void *table;
};

/*
 * Parses "VERB [OPTION...] [--] REST...". `usage` is what --help shows after the verb. Options end at the first word
 * that is none: what follows is somebody else's. Returns 0; or 1 if the program is to end with *status, having shown
 * help or a message.
 */
int options_parse(int argc, char **argv, const struct option_row *rows, const char *usage, struct given *given,
                  int *status);

/* Whether this option was given, and its last value. */
bool options_have(const struct given *given, const char *name);
const char *options_value(const struct given *given, const char *name, const char *otherwise);

/* Applies all of them in order. 0, or -1 after the first that fails. */
int options_apply(const struct given *given, void *target);

/* After every options_parse, whatever it returned. `rest` goes with it. */
void options_free(struct given *given);

#endif
