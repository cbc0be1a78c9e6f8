/*
 * Text that is safe to show on a terminal.
 *
 * What it must not contain: control characters and escape sequences, which could forge or erase other output; the
 * bidirectional controls and separators of Unicode, which could reorder it; and bytes that are not UTF-8.
 */
#include "base/text.h"

#include "base/utf8.h"

#include <processkit/parse.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Decodes one character of those bytes, of which there is one. Returns its length, 0 if they are not UTF-8. */
static size_t decode(const unsigned char *text, size_t left, uint32_t *character)
{
    int length = utf8_measure((const char *)text, left < 4 ? left : 4);
    if (length <= 0)
        return 0;
    uint32_t value = length == 1 ? text[0] : text[0] & (0x7fU >> length);
    for (int i = 1; i < length; i++)
        value = value << 6 | (text[i] & 0x3fU);
    *character = value;
    return (size_t)length;
}

static bool is_harmless(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
        return false;
    if (c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        return false;
    return c != 0xfeff && !(c >= 0xfff9 && c <= 0xfffb);
}

/* The escape for a character or, with `valid` false, for a byte. */
static size_t escape(uint32_t c, bool valid, char out[16])
{
    switch (valid ? c : 0) {
    case '\n':
        return (size_t)snprintf(out, 16, "\\n");
    case '\t':
        return (size_t)snprintf(out, 16, "\\t");
    case '\r':
        return (size_t)snprintf(out, 16, "\\r");
    default:
        return (size_t)snprintf(out, 16, valid && c > 0xff ? "\\u%04x" : "\\x%02x", c);
    }
}

size_t text_show(const char *bytes, size_t length, char *buffer, size_t size)
{
    const unsigned char *next = (const unsigned char *)bytes, *end = next + length;
    size_t used = 0;

    if (size == 0)
        return 0;
    while (next < end) {
        char escaped[16];
        uint32_t character = *next;
        size_t taken = decode(next, (size_t)(end - next), &character);
        bool plain = taken > 0 && is_harmless(character);
        size_t out = plain ? taken : escape(character, taken > 0, escaped);
        if (used + out >= size)
            break;
        memcpy(buffer + used, plain ? (const char *)next : escaped, out);
        used += out;
        next += taken ? taken : 1;
    }
    buffer[used] = '\0';
    return (size_t)(next - (const unsigned char *)bytes);
}

const char *pk_format_text(const char *text, char *buffer, size_t size)
{
    text_show(text, strlen(text), buffer, size);
    return buffer;
}

void text_copy(char *buffer, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);
    memcpy(buffer, text, length);
    buffer[length] = '\0';
}
