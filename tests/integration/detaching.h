/*
 * Detached adversaries, and looking for them.
 */
#ifndef PK_TESTS_DETACHING_H
#define PK_TESTS_DETACHING_H

#include "harness.h"
#include "witness.h"

#include <processkit.h>

/* A name that no other test has. Valid until the next call. */
const char *name_of(const char *word);

/* Detaches "adversary WORDS" as name_of(word); with a witness, its whole shape stands. */
pk_detached detach(struct witness *witness, const char *word, const char *words);

/* How many have a name, and the last of them. */
struct wanted {
    const char *name;
    int count;
    pk_detached last;
};

struct wanted list(const char *name);

/* The callback for that. */
int look(const pk_detached *detached, void *data);

#endif
