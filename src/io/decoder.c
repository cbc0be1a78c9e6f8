/*
 * Decoding by iconv.
 *
 * It stops at a character that is cut off, and leaves it. What is left is held here and completed byte by byte, so that
 * nothing of the next character gets into it.
 */
#include "io/decoder.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

enum { LONGEST_ESCAPE = 16 }; /* of a unit of four bytes; no character is longer, nor several that come at once */

struct output {
    char *next;
    size_t room;
};

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

/* The smallest number of zeros that is a character: of how many bytes whatever is invalid has to be skipped, to stay in
 * step. Asked of a conversion of its own, because UTF-16 may be past its byte order mark after that. */
static int find_unit(const char *encoding, size_t *unit)
{
    iconv_t conversion = iconv_open("UTF-8", encoding);
    if (conversion == (iconv_t)-1)
        return -errno;
    for (size_t count = 1; count <= 4; count *= 2) {
        char zeros[4] = {0}, character[DECODER_HELD], *in = zeros, *out = character;
        size_t left = count, room = sizeof(character);
        if (iconv(conversion, &in, &left, &out, &room) != (size_t)-1) {
            *unit = count;
            break;
        }
        if (errno != EINVAL)
            break;
    }
    iconv_close(conversion);
    return 0;
}

int decoder_open(struct decoder *decoder, const char *encoding, pk_invalid_bytes invalid)
{
    *decoder = (struct decoder){.invalid = invalid, .unit = 1};
    decoder->is_utf8 = strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "UTF8") == 0;
    if (decoder->is_utf8)
        return 0;
    decoder->conversion = iconv_open("UTF-8", encoding);
    if (decoder->conversion == (iconv_t)-1)
        return -errno;
    int r = find_unit(encoding, &decoder->unit);
    if (r < 0)
        decoder_close(decoder);
    return r;
}

void decoder_close(struct decoder *decoder)
{
    if (!decoder->is_utf8)
        iconv_close(decoder->conversion);
}

/* ---- Invalid bytes ---------------------------------------------------------------------------------------------- */

static void put(struct output *out, const char *text, size_t length)
{
    memcpy(out->next, text, length);
    out->next += length;
    out->room -= length;
}

static void put_invalid(struct decoder *decoder, const char *bytes, size_t count, struct output *out)
{
    static const char digits[] = "0123456789abcdef";
    decoder->begun = true;
    if (decoder->invalid == PK_INVALID_REPLACE)
        put(out, "\xef\xbf\xbd", 3);
    for (size_t i = 0; i < count && decoder->invalid == PK_INVALID_ESCAPE; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        put(out, (const char[]){'\\', 'x', digits[byte >> 4], digits[byte & 15]}, 4);
    }
}

static void skip_invalid(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    size_t count = decoder->unit < *length ? decoder->unit : *length;
    put_invalid(decoder, *bytes, count, out);
    *bytes += count;
    *length -= count;
}

/* ---- Converting ------------------------------------------------------------------------------------------------- */

/* Once something has been written: it is left out if it is a byte order mark. */
static void note_begin(struct decoder *decoder, char *begin, struct output *out)
{
    size_t length = (size_t)(out->next - begin);
    if (decoder->begun || length == 0)
        return;
    decoder->begun = true;
    if (length < 3 || memcmp(begin, "\xef\xbb\xbf", 3) != 0)
        return;
    memmove(begin, begin + 3, length - 3);
    out->next -= 3;
    out->room += 3;
}

/* Returns why it did not take everything, as iconv says it: EILSEQ, EINVAL, E2BIG; or 0. */
static int convert(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    char *in = (char *)*bytes, *begin = out->next; /* iconv does not write to it */
    int why = iconv(decoder->conversion, &in, length, &out->next, &out->room) == (size_t)-1 ? errno : 0;
    *bytes = in;
    note_begin(decoder, begin, out);
    return why;
}

/*
 * One unit of UTF-16 or UTF-32 by itself, and all of it. The first: that is the only call in which glibc looks for a
 * byte order mark, and so one that the conversion has swallowed is told from one that comes out as a character, which
 * may be the second. Every one of four bytes: glibc takes UCS-4 beyond Unicode, and what it makes of that is no UTF-8.
 */
static int convert_unit(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    const char *unit = *bytes;
    struct output before = *out;
    size_t left = decoder->unit;
    if (*length < left)
        return EINVAL;
    int why = convert(decoder, bytes, &left, out);
    decoder->begun = true;
    if (out->next > before.next && utf8_measure(before.next, before.room - out->room) <= 0) {
        *out = before;
        *bytes = unit;
        return EILSEQ;
    }
    *length -= decoder->unit - left;
    return why == EINVAL && decoder->unit == 2 ? 0 : why; /* half of a pair, and the rest may be there */
}

/* UTF-8 needs no conversion, but is looked at more closely here than in some C libraries. */
static int copy_utf8(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    size_t count = utf8_count(*bytes, *length < out->room ? *length : out->room);
    char *begin = out->next;
    if (count == 0)
        return utf8_measure(*bytes, *length) == UTF8_CUT ? EINVAL : EILSEQ;
    put(out, *bytes, count);
    *bytes += count;
    *length -= count;
    note_begin(decoder, begin, out);
    return 0;
}

static int convert_some(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    if (decoder->is_utf8)
        return copy_utf8(decoder, bytes, length, out);
    if (decoder->unit == 4 || (decoder->unit == 2 && !decoder->begun))
        return convert_unit(decoder, bytes, length, out);
    return convert(decoder, bytes, length, out);
}

/* Converts, and passes over one thing that is invalid. Returns EINVAL if more bytes are needed for what is left. */
static int advance(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    int why = convert_some(decoder, bytes, length, out);
    if (why == EINVAL && *length < DECODER_HELD)
        return EINVAL;
    if (why != 0 && out->room >= LONGEST_ESCAPE) /* it was not for want of room */
        skip_invalid(decoder, bytes, length, out);
    return 0;
}

/* One byte more for what is held. */
static void complete(struct decoder *decoder, const char **bytes, size_t *length, struct output *out)
{
    decoder->held[decoder->held_length++] = *(*bytes)++;
    --*length;
    const char *next = decoder->held;
    size_t left = decoder->held_length;
    while (left > 0 && advance(decoder, &next, &left, out) != EINVAL)
        ;
    memmove(decoder->held, next, left);
    decoder->held_length = left;
}

/* What is not complete, at the end of what there is. It has always room, unless the C library says so of a whole text:
 * then its beginning is tried byte by byte. */
static void hold(struct decoder *decoder, const char **bytes, size_t *length)
{
    size_t count = *length < DECODER_HELD ? *length : DECODER_HELD - 1;
    memcpy(decoder->held, *bytes, count);
    decoder->held_length = count;
    *bytes += count;
    *length -= count;
}

size_t decoder_decode(struct decoder *decoder, const char **bytes, size_t *length, char *out, size_t room)
{
    struct output output = {.room = room};
    output.next = out;
    while (*length > 0 && output.room >= DECODER_ROOM) {
        if (decoder->held_length > 0)
            complete(decoder, bytes, length, &output);
        else if (advance(decoder, bytes, length, &output) == EINVAL)
            hold(decoder, bytes, length);
    }
    return room - output.room;
}

size_t decoder_finish(struct decoder *decoder, char *out, size_t room)
{
    struct output output = {.room = room};
    output.next = out;
    if (!decoder->is_utf8) /* some encodings keep a character back */
        iconv(decoder->conversion, NULL, NULL, &output.next, &output.room);
    const char *next = decoder->held;
    while (decoder->held_length > 0)
        skip_invalid(decoder, &next, &decoder->held_length, &output);
    return room - output.room;
}
