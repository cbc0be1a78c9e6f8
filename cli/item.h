/*
 * One item of a batch: its words.
 */
#ifndef PK_CLI_ITEM_H
#define PK_CLI_ITEM_H

#include "words.h"

struct item {
    size_t number; /* in the input, from 0 */
    char **words;  /* those that are kept */
    size_t count;
    size_t seen; /* all of them */
    size_t bytes;
    uint64_t digest;     /* of all of them */
    const char *refusal; /* why no command can be made of it; NULL: nothing */
};

/* Makes the next one, of so many words at most; *item is NULL, or what an earlier call has begun. 1: it is complete; 0:
 * there are no more; otherwise as words_next. */
int item_gather(struct item **item, struct words *words, size_t most);

/* Waits for it. 1, 0, or -1 after a message. */
int item_wait(struct item **item, struct words *words, size_t most);

/* "3 (some words)", safe for a terminal. Returns the buffer. */
const char *item_show(const struct item *item, char *buffer, size_t size);

/* Takes NULL; returns NULL. */
struct item *item_free(struct item *item);

#endif
