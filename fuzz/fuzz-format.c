/*
 * Text for people, alone and in errors: whatever goes in, what comes out fits, is UTF-8, and cannot move a cursor.
 *
 * The first byte of the input is the size of the buffer.
 */
#include "base/error.h"
#include "fuzz.h"

#include <processkit/parse.h>

#include <errno.h>

/* Takes one character of UTF-8 from the front, which must be one. */
static uint32_t take_character(const unsigned char **text)
{
    const unsigned char *c = *text;
    size_t length = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t character = length == 1 ? c[0] : c[0] & (0x3fU >> (length - 1));
    HOLDS(c[0] < 0x80 || c[0] >= 0xc0);
    for (size_t i = 1; i < length; i++) {
        HOLDS((c[i] & 0xc0) == 0x80);
        character = character << 6 | (c[i] & 0x3fU);
    }
    HOLDS(character >= least[length] && character <= 0x10ffff);
    HOLDS(character < 0xd800 || character > 0xdfff); /* surrogates */
    *text += length;
    return character;
}

static void must_be_safe(const char *text)
{
    for (const unsigned char *next = (const unsigned char *)text; *next != '\0';) {
        uint32_t c = take_character(&next);
        HOLDS(c >= ' ' && !(c >= 0x7f && c < 0xa0));                           /* controls */
        HOLDS(c != 0x61c && c != 0x200e && c != 0x200f);                       /* directional marks */
        HOLDS(!(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069)); /* separators, overrides, isolates */
        HOLDS(c != 0xfeff && !(c >= 0xfff9 && c <= 0xfffb));
    }
}

/* What fits is the beginning of the whole, and as much of it as there is room for. */
static void must_be_a_beginning(const char *text, const char *shown, size_t capacity)
{
    enum { LONGEST = 6 }; /* \u202e */
    size_t whole_size = 4 * strlen(text) + 1;
    char *whole = malloc(whole_size);
    if (!whole)
        abort();
    pk_format_text(text, whole, whole_size);
    size_t length = strlen(shown);
    HOLDS(strncmp(shown, whole, length) == 0);
    HOLDS(whole[length] == '\0' || length + LONGEST >= capacity);
    free(whole);
}

static void explain(const char *text)
{
    pk_error error;
    error_set(&error, -EIO, PK_ERROR_IO, PK_STEP_EXEC, text, "cannot run '%s'", text);
    HOLDS(memchr(error.message, '\0', sizeof(error.message)) != NULL);
    HOLDS(memchr(error.path, '\0', sizeof(error.path)) != NULL);
    HOLDS(strncmp(error.path, text, strlen(error.path)) == 0);
    must_be_safe(error.message);
    error_errno(&error, -EIO, PK_STEP_EXEC, NULL, "cannot run '%s'", text);
    must_be_safe(error.message);
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
    must_be_a_beginning(text, buffer, capacity);
    explain(text);

    uint64_t number = 0;
    memcpy(&number, bytes, size < sizeof(number) ? size : sizeof(number));
    HOLDS(memchr(pk_format_duration(number, buffer, capacity), '\0', capacity) != NULL);
    HOLDS(memchr(pk_format_size(number, buffer, capacity), '\0', capacity) != NULL);
    HOLDS(memchr(pk_format_signal((int)number, buffer, capacity), '\0', capacity) != NULL);
    free(buffer);
    free(text);
    return 0;
}
