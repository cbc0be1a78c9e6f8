/*
 * Ways of cutting, by number.
 */
#include "cutting.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PLACES = 600, STEPS = 3, RANDOM = 12 };

/* In long streams not every place is tried, but one in so many. */
static size_t stride(size_t length)
{
    return length / MOST_PLACES + 1;
}

static size_t places(size_t length)
{
    return length / stride(length) + 1;
}

size_t cutting_count(size_t length)
{
    return places(length) + STEPS + RANDOM;
}

static size_t choose(const struct cutting *cutting)
{
    size_t which = cutting->which, count = places(cutting->length), left = cutting->length - cutting->position;
    if (which < count)
        return cutting->position == 0 && which > 0 ? which * stride(cutting->length) : left;
    which -= count;
    if (which < STEPS)
        return which + 1;
    unsigned seed = (unsigned)(which * 7919 + cutting->position);
    return (size_t)rand_r(&seed) % (which * which) + 1;
}

size_t cutting_next(struct cutting *cutting, char **piece)
{
    size_t left = cutting->length - cutting->position, length = choose(cutting);
    free(cutting->piece);
    cutting->piece = NULL;
    if (left == 0)
        return 0;
    if (length > left)
        length = left;
    cutting->piece = malloc(length);
    if (!cutting->piece)
        abort();
    memcpy(cutting->piece, cutting->bytes + cutting->position, length);
    cutting->position += length;
    *piece = cutting->piece;
    return length;
}
