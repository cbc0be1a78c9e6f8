/*
 * Text for people: whatever goes in, what comes out fits, is UTF-8, and cannot move a cursor.
 *
 * The first byte of the input is the size of the buffer.
 */
#include "fuzz.h"

#include <processkit/parse.h>

#include <stdbool.h>

/* How long the character at `text` is by its first byte; 0 if it cannot begin one. */
static size_t character_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

static void must_be_safe(const char *text)
{
    while (*text != '\0') {
        const unsigned char *c = (const unsigned char *)text;
        size_t length = character_length(c[0]);
        HOLDS(length > 0);
        HOLDS(c[0] >= ' ' && c[0] != 0x7f);
        for (size_t i = 1; i < length; i++)
            HOLDS((c[i] & 0xc0) == 0x80);
        HOLDS(!(c[0] == 0xc2 && c[1] < 0xa0));                                                      /* C1 controls */
        HOLDS(!(c[0] == 0xe2 && c[1] == 0x80 && ((c[2] >= 0xaa && c[2] <= 0xae) || c[2] == 0x8e))); /* bidirectional */
        HOLDS(!(c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
        text += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    size_t capacity = (size_t)bytes[0] + 1;
    char *text = string_of(bytes + 1, size - 1), *buffer = malloc(capacity);
    if (!buffer)
        abort();
    HOLDS(pk_format_text(text, buffer, capacity) == buffer);
    HOLDS(memchr(buffer, '\0', capacity) != NULL);
    must_be_safe(buffer);

    uint64_t number = 0;
    memcpy(&number, bytes, size < sizeof(number) ? size : sizeof(number));
    HOLDS(memchr(pk_format_duration(number, buffer, capacity), '\0', capacity) != NULL);
    HOLDS(memchr(pk_format_size(number, buffer, capacity), '\0', capacity) != NULL);
    HOLDS(memchr(pk_format_signal((int)number, buffer, capacity), '\0', capacity) != NULL);
    free(buffer);
    free(text);
    return 0;
}
