/*
 * Detached adversaries.
 */
#include "detaching.h"

#include "cast.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *name_of(const char *word)
{
    static char name[64];
    snprintf(name, sizeof(name), "test-%d.%s", getpid(), word);
    return name;
}

pk_detached detach(struct witness *witness, const char *word, const char *words)
{
    pk_error error;
    pk_detached detached;
    pk_auto(pk_command) command = cast_command(witness, words);
    assert_ok(pk_command_detach(command, name_of(word), &detached, &error), error);
    if (witness)
        witness_ready(witness);
    return detached;
}

int look(const pk_detached *detached, void *data)
{
    struct wanted *wanted = data;
    if (strcmp(detached->name, wanted->name) == 0) {
        wanted->count++;
        wanted->last = *detached;
    }
    return 0;
}

struct wanted list(const char *name)
{
    pk_error error;
    struct wanted wanted = {.name = name};
    assert_ok(pk_detached_each(look, &wanted, &error), error);
    return wanted;
}
