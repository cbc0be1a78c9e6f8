/*
 * Arrays that grow by one item at a time.
 */
#ifndef PK_BASE_ARRAY_H
#define PK_BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* Makes room for one more item in the array that this points to, which has `count` of them. Sizes are powers of two, so
 * no capacity need be kept. False: there is no memory, and it is as it was. */
bool array_grow(void *array, size_t count, size_t item_size);

/* A new one, zeroed, that can grow from `count` items on. NULL without memory. */
void *array_new(size_t count, size_t item_size);

#endif
