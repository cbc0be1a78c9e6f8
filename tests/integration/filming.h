/*
 * Takes of a command, by every verb: what the verb says is written down as text.
 */
#ifndef PK_TESTS_FILMING_H
#define PK_TESTS_FILMING_H

#include <processkit.h>

#include <stdio.h>

/* One run of a scene. */
struct take {
    const char *words;
    bool played;
    unsigned patience; /* by how much times are stretched */
    pk_command *command;
    pk_cancel *cancel; /* NULL: not needed */
    FILE *out;
};

struct verb {
    const char *name;
    void (*run)(struct take *take);
};

/* All of them; a NULL name ends them. */
extern const struct verb verbs[];

#endif
