/*
 * Memory that grows with what is put into it, up to a bound that its user knows.
 */
#ifndef PK_IO_ROOM_H
#define PK_IO_ROOM_H

#include <stddef.h>

struct room {
    char *bytes; /* NULL: nothing was needed yet */
    size_t size;
};

/* Makes it at least `size` bytes, and not more than `most` if it grows. -ENOMEM: it is as it was. */
int room_reserve(struct room *room, size_t size, size_t most);

void room_free(struct room *room);

#endif
