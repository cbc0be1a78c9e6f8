/*
 * Splitting bytes into lines.
 *
 * Ends of lines are searched with memchr, and each byte is looked at once: where the next LF and the next CR are is
 * remembered, so that a feed with many of the one and none of the other is not searched again for each line.
 */
#include "io/lines.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

enum { UNDECIDED = 0 }; /* beside the values of pk_line_end */

/* So that no sum overflows. No line is as long. */
static const size_t longest = PTRDIFF_MAX / 4;

static char nothing[1];

void lines_init(struct lines *lines, size_t line_max, bool split_at_cr)
{
    if (line_max == 0)
        line_max = PK_LINE_MAX;
    *lines = (struct lines){
        .line_max = line_max < longest ? line_max : longest,
        .split_at_cr = split_at_cr,
        .bytes = nothing,
        .number = 1,
        .between = true,
    };
}

void lines_free(struct lines *lines)
{
    room_free(&lines->line);
    lines_init(lines, lines->line_max, lines->split_at_cr);
}

static size_t seek(const struct lines *lines, char c)
{
    size_t left = lines->length - lines->position;
    const char *found = memchr(lines->bytes + lines->position, c, left);
    return found ? (size_t)(found - lines->bytes) : lines->length;
}

void lines_feed(struct lines *lines, char *bytes, size_t length)
{
    lines->bytes = length > 0 ? bytes : nothing;
    lines->length = length;
    lines->position = 0;
    lines->next_lf = seek(lines, '\n');
    lines->next_cr = lines->split_at_cr ? seek(lines, '\r') : length;
}

void lines_finish(struct lines *lines)
{
    lines->ended = true;
}

/* ---- What is known of the line ---------------------------------------------------------------------------------- */

static bool is_all_taken(const struct lines *lines)
{
    return lines->position == lines->length;
}

/* Of no use with split_at_cr: no line has a CR then. */
static bool ends_with_cr(const struct lines *lines)
{
    return lines->line_length > 0 && lines->line.bytes[lines->line_length - 1] == '\r';
}

static size_t nearest_end(const struct lines *lines)
{
    return lines->next_cr < lines->next_lf ? lines->next_cr : lines->next_lf;
}

static bool is_between(const struct lines *lines)
{
    return lines->line_length == 0 && !lines->cr && !lines->lost;
}

/* The byte at the position is an end of a line, or half of one. */
static bool is_at_end(const struct lines *lines)
{
    return !is_all_taken(lines) && lines->position == nearest_end(lines);
}

/* Longer than a piece whatever comes next: a CR may belong to the end of the line. */
static bool is_too_long(const struct lines *lines)
{
    size_t length = lines->line_length;
    bool may_be_end = is_at_end(lines) || !lines->ended;
    if (length == lines->line_max + 1 && may_be_end && ends_with_cr(lines))
        length--;
    return length > lines->line_max;
}

/* ---- Taking ----------------------------------------------------------------------------------------------------- */

static int append(struct lines *lines, const char *bytes, size_t count)
{
    if (lines->lost || count == 0)
        return 0;
    size_t size = lines->line_length + count + 1;
    if (size > lines->line.size && room_reserve(&lines->line, size, lines->line_max + 4) < 0) {
        lines->lost = true;
        lines->line_length = 0;
        return -ENOMEM;
    }
    memcpy(lines->line.bytes + lines->line_length, bytes, count);
    lines->line_length += count;
    return 0;
}

/* Takes what belongs to the line, but not much more of it than what comes in one piece: one byte that tells that there
 * is more, and before that a CR that could have been half of an end. */
static int take(struct lines *lines)
{
    size_t count = nearest_end(lines) - lines->position;
    size_t most = lines->line_max + 2 - lines->line_length;
    if (count > most)
        count = most;
    int r = append(lines, lines->bytes + lines->position, count);
    lines->position += count;
    return r;
}

static void pass_over_end(struct lines *lines)
{
    char end = lines->bytes[lines->position++];
    if (end == '\n')
        lines->next_lf = seek(lines, '\n');
    else
        lines->next_cr = seek(lines, '\r');
}

/* After a CR that ends a line. */
static int decide_cr(struct lines *lines)
{
    if (is_all_taken(lines) && !lines->ended)
        return UNDECIDED;
    lines->cr = false;
    if (is_all_taken(lines) || lines->bytes[lines->position] != '\n')
        return PK_LINE_CR;
    pass_over_end(lines);
    return PK_LINE_CRLF;
}

static int take_end(struct lines *lines)
{
    bool is_cr = lines->bytes[lines->position] == '\r';
    pass_over_end(lines);
    if (is_cr) {
        lines->cr = true;
        return decide_cr(lines);
    }
    if (!ends_with_cr(lines))
        return PK_LINE_LF;
    lines->line_length--;
    return PK_LINE_CRLF;
}

/* Goes on until the line, or a piece of it, is there. Returns how it ends, or UNDECIDED if more bytes are needed. */
static int gather(struct lines *lines)
{
    if (lines->cr)
        return decide_cr(lines);
    for (;;) {
        if (take(lines) < 0)
            return -ENOMEM;
        if (is_too_long(lines))
            return PK_LINE_PIECE;
        if (is_at_end(lines))
            return take_end(lines);
        if (is_all_taken(lines))
            return lines->ended && lines->line_length > 0 ? PK_LINE_EOF : UNDECIDED;
    }
}

/* ---- Delivering ------------------------------------------------------------------------------------------------- */

/* Where to cut what is too long: not within a character, unless it is one that no piece has room for. Looks at the
 * first byte behind the piece and no further, for that one is there however the bytes arrived. */
static size_t find_cut(const struct lines *lines)
{
    size_t cut = lines->line_max;
    for (size_t back = 1; back <= 3 && back < cut; back++) {
        int length = utf8_measure(lines->line.bytes + cut - back, back + 1);
        if (length == UTF8_CUT || length > (int)back)
            return cut - back;
    }
    return cut;
}

static void cut_piece(struct lines *lines)
{
    size_t cut = find_cut(lines);
    lines->rest_length = lines->line_length - cut;
    memcpy(lines->rest, lines->line.bytes + cut, lines->rest_length);
    lines->line_length = cut;
}

/* Leaves what was delivered, and begins with what was already taken beyond it. */
static void begin(struct lines *lines)
{
    if (lines->rest_length > 0)
        memcpy(lines->line.bytes, lines->rest, lines->rest_length);
    lines->line_length = lines->rest_length;
    lines->rest_length = 0;
    lines->delivered = false;
    lines->between = is_between(lines);
}

static int deliver(struct lines *lines, pk_line_end end, pk_line *line)
{
    if (end == PK_LINE_PIECE)
        cut_piece(lines);
    if (lines->line.bytes)
        lines->line.bytes[lines->line_length] = '\0';
    *line = (pk_line){
        .text = lines->line.bytes ? lines->line.bytes : "",
        .length = lines->line_length,
        .end = end,
        .number = lines->number,
    };
    lines->number += end != PK_LINE_PIECE;
    lines->delivered = true;
    return 1;
}

int lines_read(struct lines *lines, pk_line *line)
{
    if (lines->delivered)
        begin(lines);
    if (lines_read_in_place(lines, line))
        return 1;
    lines->between = false;
    for (;;) {
        int end = gather(lines);
        if (end == UNDECIDED)
            lines->between = is_between(lines);
        if (end < 0 || end == UNDECIDED)
            return end;
        if (!lines->lost)
            return deliver(lines, (pk_line_end)end, line);
        lines->lost = false;
        lines->number++;
    }
}

size_t lines_pending(const struct lines *lines, const char **bytes)
{
    size_t length = lines->line_length;
    *bytes = lines->line.bytes ? lines->line.bytes : nothing;
    return ends_with_cr(lines) ? length - 1 : length;
}
