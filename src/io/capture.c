/*
 * The buffer fills from its beginning. Once it is full its second part, the tail, is a ring, and the oldest bytes there
 * are overwritten. Memory is taken as bytes come.
 */
#include "io/capture.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_CAPACITY = 4096,
    LEAST_ROOM = 4096, /* that is worth reading into */
};

static const char nothing[] = "";

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static int open_spill(struct capture *capture, const char *path, pk_error *error)
{
    /* A FIFO that nobody reads must not hold up the start, nor one that nobody reads any more the run. */
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK;
    capture->spill = sys_keep(sys_openat(AT_FDCWD, path, flags, 0600));
    return capture->spill < 0
               ? error_errno(error, capture->spill, PK_STEP_OPEN_STDIO, path, "cannot open the spill file %s", path)
               : 0;
}

int capture_open(struct capture *capture, const pk_capture_options *options, pk_error *error)
{
    *capture = (struct capture){.head = options->head, .tail = options->tail, .spill = -1};
    return options->spill ? open_spill(capture, options->spill, error) : 0;
}

void capture_settle(struct capture *capture)
{
    capture->spill = sys_close_safe(capture->spill);
}

void capture_close(struct capture *capture)
{
    capture_settle(capture);
    free(capture->bytes);
    *capture = (struct capture){.spill = -1};
}

/* ---- Filling ---------------------------------------------------------------------------------------------------- */

static size_t most(const struct capture *capture)
{
    return capture->head + capture->tail;
}

static bool is_ring(const struct capture *capture)
{
    return capture->used == most(capture);
}

/* What does not fit into memory is left out: the tail becomes as large as the memory that there is. */
static void shrink(struct capture *capture)
{
    size_t size = capture->capacity ? capture->capacity - 1 : 0;
    if (capture->head > size)
        capture->head = size;
    capture->tail = size - capture->head;
}

static void grow(struct capture *capture)
{
    size_t needed = most(capture) + 1;
    size_t size = capture->capacity ? 2 * capture->capacity : LEAST_CAPACITY;
    if (size > needed)
        size = needed;
    char *larger = realloc(capture->bytes, size);
    if (!larger) {
        shrink(capture);
        return;
    }
    capture->bytes = larger;
    capture->capacity = size;
}

/* The next place and how many bytes lie together there. 0: nothing is to be kept of what comes now. */
static size_t next_place(struct capture *capture, char **place)
{
    if (!is_ring(capture) && capture->used + 1 >= capture->capacity)
        grow(capture);
    if (!is_ring(capture)) {
        *place = capture->bytes + capture->used;
        return capture->capacity - 1 - capture->used;
    }
    if (capture->tail == 0)
        return 0;
    *place = capture->bytes + capture->head + capture->start;
    return capture->tail - capture->start;
}

char *capture_reserve(struct capture *capture, size_t *room)
{
    char *place;
    *room = next_place(capture, &place);
    bool small = is_ring(capture) && *room < LEAST_ROOM;
    return *room == 0 || small ? NULL : place;
}

void capture_fill(struct capture *capture, size_t length)
{
    capture->seen += length;
    if (!is_ring(capture))
        capture->used += length;
    else
        capture->start = (capture->start + length) % capture->tail;
}

void capture_put(struct capture *capture, const char *bytes, size_t length)
{
    while (length > 0) {
        char *place;
        size_t room = next_place(capture, &place);
        /* Of what is longer than the ring only the end can stay. */
        size_t skip = room == 0 ? length : is_ring(capture) && length > capture->tail ? length - capture->tail : 0;
        size_t now = length - skip < room ? length - skip : room;
        capture->seen += skip;
        if (now > 0) {
            memcpy(place, bytes + skip, now);
            capture_fill(capture, now);
        }
        bytes += skip + now;
        length -= skip + now;
    }
}

void capture_spill(struct capture *capture, const char *bytes, size_t length)
{
    if (capture->spill < 0)
        return;
    int r = sys_write_all(capture->spill, bytes, length);
    if (r < 0) {
        capture->spill_error = r;
        capture->spill = sys_close_safe(capture->spill);
    }
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

bool capture_is_over(const struct capture *capture)
{
    return capture->seen > capture->used;
}

static void reverse(char *bytes, size_t length)
{
    for (size_t i = 0; i < length / 2; i++) {
        char byte = bytes[i];
        bytes[i] = bytes[length - 1 - i];
        bytes[length - 1 - i] = byte;
    }
}

/* Turns the ring so that it begins with its oldest byte, in place: the end of a run is no time to ask for memory. */
static void straighten(struct capture *capture)
{
    char *ring = capture->bytes + capture->head;
    if (capture->start == 0)
        return;
    reverse(ring, capture->start);
    reverse(ring + capture->start, capture->tail - capture->start);
    reverse(ring, capture->tail);
    capture->start = 0;
}

void capture_view(struct capture *capture, pk_capture *view)
{
    *view = (pk_capture){.bytes = nothing, .spill_error = capture->spill_error};
    view->omitted = capture->seen - capture->used;
    if (!capture->bytes)
        return;
    straighten(capture);
    capture->bytes[capture->used] = '\0';
    view->bytes = capture->bytes;
    view->length = capture->used;
    view->head_length = view->omitted && capture->used > capture->head ? capture->head : capture->used;
}
