/*
 * What somebody may have meant who has mistyped a word.
 */
#ifndef PK_CLI_NEAREST_H
#define PK_CLI_NEAREST_H

/* How many letters are to be added, left out, replaced or swapped with their neighbour to make one word of the other.
 * Words of more than 32 bytes are far from everything. */
unsigned word_distance(const char *a, const char *b);

/* The closest to a word so far. */
struct nearest {
    const char *to;
    const char *word; /* NULL: nothing is close */
    unsigned distance;
};

void nearest_try(struct nearest *nearest, const char *word);

#endif
