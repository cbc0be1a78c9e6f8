/*
 * Counting who has them.
 */
#include "base/shared.h"

#include <stdint.h>
#include <stdlib.h>

struct shared *shared_new(size_t length)
{
    struct shared *shared = length < SIZE_MAX / 2 ? malloc(sizeof(*shared) + length) : NULL;
    if (shared) {
        shared->references = 1;
        shared->length = length;
    }
    return shared;
}

struct shared *shared_ref(struct shared *shared)
{
    if (shared)
        shared->references++;
    return shared;
}

struct shared *shared_unref(struct shared *shared)
{
    if (shared && --shared->references == 0)
        free(shared);
    return NULL;
}
