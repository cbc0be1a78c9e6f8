/*
 * Room in powers of two.
 */
#include "base/array.h"

#include <stdlib.h>

bool array_grow(void *array, size_t count, size_t item_size)
{
    void **items = array;
    if (count != 0 && (count & (count - 1)) != 0)
        return true;
    void *larger = reallocarray(*items, count ? count * 2 : 1, item_size);
    if (larger)
        *items = larger;
    return larger != NULL;
}

void *array_new(size_t count, size_t item_size)
{
    size_t room = 1;
    while (room < count)
        room *= 2;
    return calloc(room, item_size);
}
