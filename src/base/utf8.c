/*
 * UTF-8, as the table of well-formed byte sequences in the Unicode standard has it.
 */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static int length_after(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return UTF8_INVALID;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Of the bytes that follow, only the second depends on the first: or it would be a longer form of a shorter character,
 * half of a surrogate pair, or beyond Unicode. */
static bool is_second(unsigned char first, unsigned char second)
{
    unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

int utf8_measure(const char *bytes, size_t length)
{
    const unsigned char *character = (const unsigned char *)bytes;
    int count = length_after(character[0]);
    for (size_t i = 1; i < (size_t)count; i++) {
        if (i == length)
            return UTF8_CUT;
        if (i == 1 ? !is_second(character[0], character[1]) : (character[i] & 0xc0) != 0x80)
            return UTF8_INVALID;
    }
    return count;
}

/* Most text is ASCII: eight at a time. */
static size_t count_ascii(const char *bytes, size_t length)
{
    size_t count = 0;
    uint64_t eight;
    for (; length - count >= sizeof(eight); count += sizeof(eight)) {
        memcpy(&eight, bytes + count, sizeof(eight));
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    while (count < length && !(bytes[count] & 0x80))
        count++;
    return count;
}

size_t utf8_count(const char *bytes, size_t length)
{
    size_t count = count_ascii(bytes, length);
    while (count < length) {
        int next = utf8_measure(bytes + count, length - count);
        if (next <= 0)
            break;
        count += (size_t)next;
        if (next == 1)
            count += count_ascii(bytes + count, length - count);
    }
    return count;
}

size_t utf8_cut(const char *bytes, size_t most)
{
    enum { LONGEST = 4 };
    for (size_t back = 1; back < LONGEST && back <= most; back++)
        if (utf8_measure(bytes + most - back, back) == UTF8_CUT)
            return most - back;
    return most;
}
