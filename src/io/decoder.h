/*
 * From some encoding to UTF-8, as bytes come, wherever they are cut.
 *
 * The conversion is the C library's, so which encodings there are besides UTF-8 depends on it. What becomes of bytes
 * that it does not take is decided here: one (of UTF-16 and UTF-32: one unit) is replaced, escaped or dropped, and what
 * follows it is tried again. A character that the end cuts off is such bytes too. A byte order mark at the very
 * beginning is left out.
 *
 * Where the bytes are cut makes no difference to UTF-8, UTF-16, UTF-32, and whatever has no states. To others it makes
 * none as long as they are valid: what an invalid byte leaves of the state (of UTF-7, in glibc) is the C library's
 * matter.
 */
#ifndef PK_IO_DECODER_H
#define PK_IO_DECODER_H

#include <processkit/stream.h>

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    DECODER_HELD = 16,  /* bytes of a character that is not complete; no encoding has longer ones */
    DECODER_ROOM = 256, /* bytes that every call needs to write to, for all that can come of what is held */
};

struct decoder {
    iconv_t conversion; /* unless it is UTF-8 already */
    pk_invalid_bytes invalid;
    size_t unit; /* bytes of which an encoding is made: 1, 2 or 4 */
    bool is_utf8;
    bool begun; /* something was written, or there can be no byte order mark any more */
    char held[DECODER_HELD];
    size_t held_length;
};

/* -EINVAL: the C library does not know the encoding. Another negative errno if that cannot be found out. */
int decoder_open(struct decoder *decoder, const char *encoding, pk_invalid_bytes invalid);
void decoder_close(struct decoder *decoder);

/* Decodes what fits into `out`, and moves *bytes and *length on; all is taken if there is room. Returns how much was
 * written: nothing if what there is makes no character yet. */
size_t decoder_decode(struct decoder *decoder, const char **bytes, size_t *length, char *out, size_t room);

/* The same when nothing more will come, for what is left then; until it writes nothing. */
size_t decoder_finish(struct decoder *decoder, char *out, size_t room);

#endif
