/*
 * Cutting a stream in many ways: what comes out must be the same for all of them.
 */
#ifndef PK_TESTS_CUTTING_H
#define PK_TESTS_CUTTING_H

#include <stddef.h>

struct cutting {
    size_t which;
    const char *bytes;
    size_t length;
    size_t position;
    char *piece; /* memory of just that size, so that a sanitizer sees who reads beyond it, or later */
};

/* How many ways there are: as a whole, in two at every place, by one, two and three, and some at random. */
size_t cutting_count(size_t length);

/* The next piece, from zeroed pieces on; 0 at the end. The one before is gone. */
size_t cutting_next(struct cutting *cutting, char **piece);

#endif
