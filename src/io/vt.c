/*
 * The stripper is a machine with a state for each part of a sequence, after the one that ECMA-48 describes and
 * terminals implement. It keeps nothing of a sequence but its length.
 */
#include "io/vt.h"

#include <string.h>

/* Zero is where nothing has begun. An ESC begins anew wherever it comes: the one of ESC \\ ends a string that way. */
enum state { TEXT, ESCAPE, INTERMEDIATE, CONTROL, STRING, STRING_C2 };

enum { BEL = 0x07, CAN = 0x18, SUB = 0x1a, ESC = 0x1b, DEL = 0x7f, C2 = 0xc2, ST = 0x9c };

/* Text as it is. */
static const bool plain[256] = {
    ['\t'] = true,
    ['\n'] = true,
    ['\r'] = true,
    [' ' ... '~'] = true,
    [0x80 ... C2 - 1] = true,
    [C2 + 1 ... 0xff] = true,
};

/* ---- Sequences -------------------------------------------------------------------------------------------------- */

static void enter(struct vt *vt, enum state state)
{
    vt->state = (uint8_t)state;
    vt->length = 0;
}

/* What is begun by ESC and this letter. C1 controls are short for some of these. */
static enum state state_after(unsigned char letter)
{
    switch (letter) {
    case '[':
        return CONTROL;
    case ']': /* OSC */
    case 'P': /* DCS */
    case 'X': /* SOS */
    case '^': /* PM */
    case '_': /* APC */
        return STRING;
    default: /* complete */
        return TEXT;
    }
}

/* A byte of a control string. BEL ends an OSC in all terminals, and all strings here: none needs one in it. */
static void follow_string(struct vt *vt, unsigned char c)
{
    if (c == BEL || (c == ST && vt->state == STRING_C2))
        vt->state = TEXT;
    else
        vt->state = c == C2 ? STRING_C2 : STRING;
}

/* A printable byte of any other sequence: parameters and what stands between, or the letter that ends it. */
static void follow_letter(struct vt *vt, unsigned char c)
{
    if (vt->state == CONTROL)
        vt->state = c < '@' ? CONTROL : TEXT;
    else if (c < '0')
        vt->state = INTERMEDIATE;
    else
        vt->state = (uint8_t)(vt->state == ESCAPE ? state_after(c) : TEXT);
}

/* A byte inside a sequence; says whether it is text nevertheless. */
static bool follow(struct vt *vt, unsigned char c)
{
    bool in_string = vt->state == STRING || vt->state == STRING_C2;
    if (c == ESC) {
        enter(vt, ESCAPE);
        return false;
    }
    if (++vt->length > VT_LONGEST || c == '\n' || c == '\r' || (c >= 0x80 && !in_string)) {
        vt->state = TEXT;
        return true;
    }
    if (c == CAN || c == SUB)
        vt->state = TEXT;
    else if (in_string)
        follow_string(vt, c);
    else if (c >= ' ' && c != DEL)
        follow_letter(vt, c);
    return c == '\t' && !in_string; /* which a terminal obeys in the middle of a sequence */
}

/* ---- Text ------------------------------------------------------------------------------------------------------- */

/* A byte outside of sequences. */
static char *put(struct vt *vt, unsigned char c, char *out)
{
    if ((vt->c2 || vt->after_c2) && c >= 0x80 && c <= 0x9f) {
        vt->c2 = false;
        enter(vt, state_after(c - 0x40));
        return out;
    }
    if (vt->c2 && (plain[c] || c == C2)) {
        vt->c2 = false;
        vt->after_c2 = true;
        *out++ = (char)C2;
    }
    if (plain[c]) {
        vt->after_c2 = false;
        *out++ = (char)c;
    } else if (c == C2) {
        vt->c2 = true;
    } else if (c == ESC) {
        enter(vt, ESCAPE);
    }
    return out;
}

static size_t count_plain(const char *bytes, size_t length)
{
    size_t count = 0;
    while (count < length && plain[(unsigned char)bytes[count]])
        count++;
    return count;
}

size_t vt_strip(struct vt *vt, const char *bytes, size_t length, char *out)
{
    char *next = out;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (vt->state != TEXT && !follow(vt, c))
            continue;
        next = put(vt, c, next);
        if (vt->state != TEXT || vt->c2 || vt->after_c2)
            continue;
        size_t count = count_plain(bytes + i + 1, length - i - 1);
        memcpy(next, bytes + i + 1, count);
        next += count;
        i += count;
    }
    return (size_t)(next - out);
}

size_t vt_finish(struct vt *vt, char *out)
{
    size_t length = vt->c2;
    if (vt->c2)
        *out = (char)C2;
    *vt = (struct vt){0};
    return length;
}
