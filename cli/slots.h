/*
 * Where items write: two files each, one for stdout and one for stderr, that have no name and are used again.
 *
 * They are files in $TMPDIR (or /tmp) and not memory: what items write may be more than fits into that. Nobody else can
 * open them, and they are gone with pk however that ends.
 */
#ifndef PK_CLI_SLOTS_H
#define PK_CLI_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

struct slot {
    int files[2]; /* what is written to them is appended; empty when taken */
    struct slot *next;
};

struct slots {
    struct slot *free;
    size_t used;
};

/* Where such files are made. */
const char *slot_directory(void);

/* One such file. -1 after errno. */
int slot_file(void);

/* For one item. NULL after errno. */
struct slot *slot_take(struct slots *slots);

/* Throws away what was written to it so far. False after errno. */
bool slot_empty(const struct slot *slot);

/* To be taken again: it is empty, and whoever had it is dead. */
void slot_give(struct slots *slots, struct slot *slot);

/* Closes one instead. */
void slot_drop(struct slots *slots, struct slot *slot);

void slots_free(struct slots *slots);

#endif
