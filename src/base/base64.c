/*
 * Base64.
 */
#include "base/base64.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_length(size_t length)
{
    return (length + 2) / 3 * 4;
}

void base64_encode(const void *bytes, size_t length, char *text)
{
    const unsigned char *next = bytes;
    for (; length > 0; text += 4) {
        size_t count = length < 3 ? length : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < count ? next[i] : 0);
        for (size_t i = 0; i < 4; i++)
            text[i] = i <= count ? alphabet[group >> (18 - 6 * i) & 63] : '=';
        next += count;
        length -= count;
    }
}

/* The value of a character; -1: it has none. */
static int value_of(char c)
{
    const char *place = c ? strchr(alphabet, c) : NULL;
    return place ? (int)(place - alphabet) : -1;
}

/* Four characters, of which `count` are no padding; false if that is not how anybody writes these bytes. */
static bool decode_group(const char *text, size_t count, unsigned char bytes[3])
{
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < count ? value_of(text[i]) : 0;
        if (value < 0)
            return false;
        group = group << 6 | (uint32_t)value;
    }
    bytes[0] = (unsigned char)(group >> 16);
    bytes[1] = (unsigned char)(group >> 8);
    bytes[2] = (unsigned char)group;
    return count == 4 || bytes[count - 1] == 0;
}

long base64_decode(char *text, size_t length)
{
    char *out = text;
    if (length % 4 != 0)
        return -1;
    for (const char *next = text, *end = text + length; next < end; next += 4) {
        unsigned char bytes[3];
        size_t count = 4;
        while (next + 4 == end && count > 2 && next[count - 1] == '=')
            count--;
        if (!decode_group(next, count, bytes))
            return -1;
        memcpy(out, bytes, count - 1);
        out += count - 1;
    }
    return out - text;
}
