/*
 * What a line is: the one definition, for everything that delivers lines.
 *
 * A line ends with a line feed, or a carriage return and a line feed; with `split_at_cr` a carriage return alone ends
 * one as well. What ends it is never part of it. What follows the last end is a line too, unless it is empty. How the
 * bytes were cut into feeds makes no difference: where the next byte decides, it is waited for, or for the end.
 *
 * A line of more than `line_max` bytes comes in pieces of that size, the last of which has the line's end. No piece
 * ends within a character of UTF-8 that fits into one; for that it can be up to three bytes shorter.
 *
 * A line that is all there, and ended by a line feed, stays where it was fed: the NUL that is to follow it takes the
 * place of what ends it. Others are gathered in memory that grows with the longest of them, up to `line_max` and four
 * bytes.
 */
#ifndef PK_IO_LINES_H
#define PK_IO_LINES_H

#include "io/room.h"

#include <processkit/stream.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct lines {
    size_t line_max;
    bool split_at_cr;
    bool ended;

    char *bytes; /* what was fed; borrowed */
    size_t length;
    size_t position; /* of the first byte that was not taken yet */
    size_t next_lf;  /* from there on: where the next one is; `length` if there is none */
    size_t next_cr;  /* the same with split_at_cr, or `length` */

    struct room line; /* taken so far of the line, or the one that was delivered from here */
    size_t line_length;
    char rest[8]; /* what is already there of the line behind the piece that was delivered */
    size_t rest_length;
    uint64_t number;
    bool between;   /* lines: nothing is there of the next one, nor missing of the end of the last one */
    bool delivered; /* the line from here: the next one begins with `rest` */
    bool cr;        /* the line is complete and was ended by a CR; a LF may follow */
    bool lost;      /* there was no memory for the line: the rest of it is passed over */
};

/* `line_max` 0: PK_LINE_MAX. Takes no memory. */
void lines_init(struct lines *lines, size_t line_max, bool split_at_cr);
void lines_free(struct lines *lines);

/* More bytes. They are written to, and stay where they are until lines_read has returned 0; and it has for what was fed
 * before. */
void lines_feed(struct lines *lines, char *bytes, size_t length);

/* Nothing more will be fed. */
void lines_finish(struct lines *lines);

/*
 * The next line, all but its `fd`: 1, and it is valid until the next call; 0: more bytes are needed, or that was the
 * last one. -ENOMEM: what was taken of a line is lost, and the rest of it will be. The line after it is next, and its
 * number tells.
 */
int lines_read(struct lines *lines, pk_line *line);

/* What most lines are: all there, ended by a LF, and short. False: lines_read will know. It is here because for short
 * lines a call more would be seen. */
static inline bool lines_read_in_place(struct lines *lines, pk_line *line)
{
    if (!lines->between || lines->next_lf >= lines->next_cr)
        return false;
    char *text = lines->bytes + lines->position;
    char *end = lines->bytes + lines->next_lf;
    bool is_crlf = end > text && end[-1] == '\r';
    size_t length = (size_t)(end - text) - is_crlf;
    if (length > lines->line_max)
        return false;
    text[length] = '\0';
    line->text = text;
    line->length = length;
    line->end = is_crlf ? PK_LINE_CRLF : PK_LINE_LF;
    line->number = lines->number++;
    lines->position = lines->next_lf + 1;
    const char *next = memchr(end + 1, '\n', lines->length - lines->position);
    lines->next_lf = next ? (size_t)(next - lines->bytes) : lines->length;
    return true;
}

/* What there is of an unfinished line, when lines_read has returned 0. Without a CR at its end, which may belong to
 * what ends it. */
size_t lines_pending(const struct lines *lines, const char **bytes);

#endif
