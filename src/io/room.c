/*
 * Growing memory: by doubling, so that a line that comes in small parts is not copied for each of them.
 */
#include "io/room.h"

#include <errno.h>
#include <stdlib.h>

enum { LEAST = 256 };

int room_reserve(struct room *room, size_t size, size_t most)
{
    if (size <= room->size)
        return 0;
    size_t larger = room->size < LEAST / 2 ? LEAST : room->size * 2;
    if (larger > most)
        larger = most;
    if (larger < size)
        larger = size;
    char *bytes = realloc(room->bytes, larger);
    if (!bytes)
        return -ENOMEM;
    room->bytes = bytes;
    room->size = larger;
    return 0;
}

void room_free(struct room *room)
{
    free(room->bytes);
    *room = (struct room){0};
}
