/*
 * Leaving out what is meant for a terminal and not for a reader: escape sequences and control characters.
 *
 * Left out are control sequences (CSI), control strings (OSC, DCS, SOS, PM, APC) with what is in them, all other escape
 * sequences, C0 controls but tab, line feed and carriage return, DEL, and C1 controls as UTF-8 has them, U+0080 to
 * U+009F, some of which begin a sequence as well. Bytes from 0x80 to 0x9f that stand for themselves are parts of
 * characters in most encodings, and stay.
 *
 * A terminal would wait for the end of a sequence for ever. Here it ends at the latest with its line, so that one that
 * was cut off (a title, when its program was killed) costs the rest of one line and not the rest of the stream; and
 * after VT_LONGEST bytes, for streams that have no lines. What comes then is text again. CAN and SUB end one too.
 *
 * The result never has an ESC or another of those controls in it, not even where leaving something out brings two
 * bytes together that make one.
 */
#ifndef PK_IO_VT_H
#define PK_IO_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VT_LONGEST = 1 << 20 }; /* of a sequence: pictures are sent in them */

/* Zeroed memory is the beginning of a stream. */
struct vt {
    uint8_t state;
    bool c2;         /* held back: 0xc2, which begins a C1 control or a character */
    bool after_c2;   /* the last byte that was written is one; what would make a control of it is one */
    uint32_t length; /* of the sequence so far */
};

/* Writes to `out` what stays of the bytes. It has room for one more than `length`, and may not be the same memory.
 * Where the stream is cut makes no difference. */
size_t vt_strip(struct vt *vt, const char *bytes, size_t length, char *out);

/* Nothing more will come. Writes what was held back, one byte at most. */
size_t vt_finish(struct vt *vt, char *out);

#endif
