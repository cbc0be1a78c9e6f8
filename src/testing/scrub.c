/*
 * Taking secrets out of what is stored.
 *
 * Output is given line by line: where reads and pauses have cut it is chance, and a secret that is cut would be missed.
 * A line is stored where its end was written, and what has none where the output ends.
 */
#include "base/array.h"
#include "testing/cassette.h"
#include "testing/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int scrub_room(const pk_cassette_options *options, pk_cassette_field field, const char *bytes, size_t length,
                      struct room *room, size_t *scrubbed)
{
    size_t capacity = 2 * length + 256;
    if (room_reserve(room, capacity + 1, SIZE_MAX) < 0)
        return -ENOMEM;
    memcpy(room->bytes, bytes, length);
    room->bytes[length] = '\0'; /* who takes it for a string finds its end */
    *scrubbed = options->scrub(field, room->bytes, length, capacity, options->scrub_data);
    return *scrubbed <= capacity ? 0 : -EINVAL;
}

int scrub_piece(const pk_cassette_options *options, pk_cassette_field field, struct piece *piece)
{
    struct room room = {0};
    size_t length;
    if (!options->scrub)
        return 0;
    int r = scrub_room(options, field, piece->bytes, piece->length, &room, &length);
    if (r < 0) {
        room_free(&room);
        return r;
    }
    room.bytes[length] = '\0';
    free(piece->bytes);
    *piece = (struct piece){room.bytes, length};
    return 0;
}

/* ---- Output ----------------------------------------------------------------------------------------------------- */

/* What was written to one descriptor since the last end of a line. */
struct rest {
    int fd;
    struct room room;
    size_t length;
};

struct scrubbing {
    const pk_cassette_options *options;
    pk_script *script; /* the new one */
    struct rest *rests;
    size_t rest_count;
    struct room out; /* of one step */
    size_t out_length;
    struct room line;
};

static struct rest *find_rest(struct scrubbing *scrubbing, int fd)
{
    for (size_t i = 0; i < scrubbing->rest_count; i++)
        if (scrubbing->rests[i].fd == fd)
            return &scrubbing->rests[i];
    if (!array_grow(&scrubbing->rests, scrubbing->rest_count, sizeof(struct rest)))
        return NULL;
    struct rest *rest = &scrubbing->rests[scrubbing->rest_count++];
    *rest = (struct rest){.fd = fd};
    return rest;
}

static int append(struct room *room, size_t *length, const char *bytes, size_t count)
{
    if (count == 0)
        return 0;
    int r = room_reserve(room, *length + count, SIZE_MAX);
    if (r < 0)
        return r;
    memcpy(room->bytes + *length, bytes, count);
    *length += count;
    return 0;
}

static int scrub_line(struct scrubbing *scrubbing, int fd, const char *bytes, size_t length)
{
    size_t scrubbed;
    pk_cassette_field field = fd == 1 ? PK_CASSETTE_STDOUT : fd == 2 ? PK_CASSETTE_STDERR : PK_CASSETTE_OUTPUT;
    int r = scrub_room(scrubbing->options, field, bytes, length, &scrubbing->line, &scrubbed);
    return r < 0 ? r : append(&scrubbing->out, &scrubbing->out_length, scrubbing->line.bytes, scrubbed);
}

/* The lines that are whole now; the others when more comes. */
static int scrub_lines(struct scrubbing *scrubbing, struct rest *rest, size_t from)
{
    char *next = rest->room.bytes, *end = next + rest->length, *seen = next + from, *newline;
    int r = 0;
    while (r == 0 && seen < end && (newline = memchr(seen, '\n', (size_t)(end - seen)))) {
        r = scrub_line(scrubbing, rest->fd, next, (size_t)(newline + 1 - next));
        next = seen = newline + 1;
    }
    rest->length = (size_t)(end - next);
    if (rest->length > 0)
        memmove(rest->room.bytes, next, rest->length);
    return r;
}

static void put_out(struct scrubbing *scrubbing, int fd)
{
    if (scrubbing->out_length > 0)
        pk_script_write(scrubbing->script, fd, scrubbing->out.bytes, scrubbing->out_length);
    scrubbing->out_length = 0;
}

static int scrub_write(struct scrubbing *scrubbing, const struct step *step)
{
    struct rest *rest = find_rest(scrubbing, step->fd);
    size_t from = rest ? rest->length : 0;
    int r = rest ? append(&rest->room, &rest->length, step->bytes, step->length) : -ENOMEM;
    if (r == 0)
        r = scrub_lines(scrubbing, rest, from);
    put_out(scrubbing, step->fd);
    return r;
}

/* Of the one that is closed; of all, before an end. */
static int scrub_rests(struct scrubbing *scrubbing, const struct step *step)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < scrubbing->rest_count; i++) {
        struct rest *rest = &scrubbing->rests[i];
        if (step->kind == STEP_CLOSE && step->fd != rest->fd)
            continue;
        if (rest->length > 0)
            r = scrub_line(scrubbing, rest->fd, rest->room.bytes, rest->length);
        rest->length = 0;
        put_out(scrubbing, rest->fd);
    }
    return r;
}

static int scrub_steps(struct scrubbing *scrubbing, const pk_script *script)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < script->count; i++) {
        const struct step *step = &script->steps[i];
        if (step->kind == STEP_WRITE) {
            r = scrub_write(scrubbing, step);
            continue;
        }
        if (step->kind != STEP_PAUSE)
            r = scrub_rests(scrubbing, step);
        script_add(scrubbing->script, *step, step->bytes, step->length);
    }
    return r < 0 ? r : scrubbing->script->problem.number;
}

int scrub_script(const pk_cassette_options *options, pk_script **script)
{
    struct scrubbing scrubbing = {.options = options};
    if (!options->scrub)
        return 0;
    scrubbing.script = pk_script_new();
    int r = scrubbing.script ? scrub_steps(&scrubbing, *script) : -ENOMEM;
    for (size_t i = 0; i < scrubbing.rest_count; i++)
        room_free(&scrubbing.rests[i].room);
    free(scrubbing.rests);
    room_free(&scrubbing.out);
    room_free(&scrubbing.line);
    if (r < 0) {
        pk_script_free(scrubbing.script);
        return r;
    }
    pk_script_free(*script);
    *script = scrubbing.script;
    return 0;
}
