/*
 * The text view: any bytes, with any options, give the same lines however they are cut, and what the options promise
 * holds for all of them.
 *
 * The first bytes of the input are the options and how to cut; what is behind them is the stream.
 */
#include "base/utf8.h"
#include "fuzz.h"
#include "io/text.h"

#include <stdbool.h>

enum { HEAD = 3, MOST_LINE = 64 };

static const char *const encodings[] = {NULL,        "UTF-8",       "UTF-16",  "UTF-32",
                                        "SHIFT_JIS", "ISO-2022-JP", "GB18030", "BIG5-HKSCS"};

/* All lines, one behind the other, each with its length, its end and its number. */
struct record {
    uint8_t *bytes;
    size_t length;
    size_t ends; /* lines that were ended */
};

static void add(struct record *record, const void *bytes, size_t length)
{
    record->bytes = realloc(record->bytes, record->length + length + 1);
    if (!record->bytes)
        abort();
    memcpy(record->bytes + record->length, bytes, length);
    record->length += length;
}

/* What each mark is for would be no secret. */
static size_t redact(int fd, char *text, size_t length, size_t capacity, void *data)
{
    (void)fd, (void)data;
    HOLDS(capacity >= 2 * length + 64);
    for (size_t i = 0; i < length; i++)
        text[i] = text[i] == 's' ? '*' : text[i];
    return length;
}

static bool is_harmless(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i], next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f || (c == 0xc2 && next >= 0x80 && next <= 0x9f))
            return false;
    }
    return true;
}

static void check_line(const pk_text_options *options, const pk_line *line, size_t line_max)
{
    HOLDS(line->text[line->length] == '\0');
    HOLDS(line->length <= line_max);
    HOLDS(line->end >= PK_LINE_LF && line->end <= PK_LINE_EOF);
    HOLDS(line->end != PK_LINE_EOF || line->length > 0);
    HOLDS(line->end != PK_LINE_PIECE || line->length + 3 >= line_max);
    HOLDS(line->end != PK_LINE_CR || options->split_at_cr);
    HOLDS(!memchr(line->text, '\n', line->length));
    HOLDS(!options->split_at_cr || !memchr(line->text, '\r', line->length));
    HOLDS(!options->redact || !memchr(line->text, 's', line->length));
    HOLDS(!options->strip_vt || is_harmless(line->text, line->length));
    HOLDS(!options->encoding || line_max < 4 || utf8_count(line->text, line->length) == line->length);
}

static void take(struct text *text, const pk_text_options *options, struct record *record)
{
    size_t line_max = options->line_max ? options->line_max : PK_LINE_MAX;
    const char *pending;
    pk_line line;
    while (text_next(text, &line) == 1) {
        check_line(options, &line, line_max);
        HOLDS(line.number == record->ends + 1);
        record->ends += line.end != PK_LINE_PIECE;
        add(record, &line.length, sizeof(line.length));
        add(record, line.text, line.length);
        add(record, &line.end, sizeof(line.end));
    }
    HOLDS(text_pending(text, &pending) <= line_max);
}

static size_t next_piece(uint8_t cut, size_t position, size_t left)
{
    size_t length = cut < 128 ? (size_t)cut + 1 : (cut * (position + 7)) % 23 + 1;
    return length < left ? length : left;
}

/* False if the C library does not know the encoding. */
static bool read_text(const pk_text_options *options, const uint8_t *bytes, size_t size, int cut, struct record *record)
{
    struct text *text;
    if (text_new(&text, options, 1, NULL) < 0)
        return false;
    for (size_t position = 0; position < size;) {
        size_t length = cut < 0 ? size : next_piece((uint8_t)cut, position, size - position);
        char *piece = string_of(bytes + position, length);
        text_feed(text, piece, length);
        take(text, options, record);
        free(piece);
        position += length;
    }
    text_finish(text);
    take(text, options, record);
    text_free(text);
    return true;
}

/* Without changes nothing is lost either: lines and their ends are the stream. */
static void check_whole(const uint8_t *bytes, size_t size, const struct record *record)
{
    size_t position = 0;
    for (size_t next = 0; next < record->length;) {
        size_t length;
        pk_line_end end;
        memcpy(&length, record->bytes + next, sizeof(length));
        memcpy(&end, record->bytes + next + sizeof(length) + length, sizeof(end));
        const char *mark = text_end_bytes(end);
        HOLDS(position + length + strlen(mark) <= size);
        HOLDS(memcmp(bytes + position, record->bytes + next + sizeof(length), length) == 0);
        HOLDS(memcmp(bytes + position + length, mark, strlen(mark)) == 0);
        position += length + strlen(mark);
        next += sizeof(length) + length + sizeof(end);
    }
    HOLDS(position == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < HEAD)
        return 0;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.encoding = encodings[bytes[0] & 7];
    options.invalid = (pk_invalid_bytes)((bytes[0] >> 3 & 3) % 3);
    options.strip_vt = bytes[0] & 0x20;
    options.split_at_cr = bytes[0] & 0x40;
    options.redact = bytes[0] & 0x80 ? redact : NULL;
    options.line_max = bytes[1] % MOST_LINE;
    struct record whole = {0}, cut = {0};
    if (read_text(&options, bytes + HEAD, size - HEAD, -1, &whole)) {
        HOLDS(read_text(&options, bytes + HEAD, size - HEAD, bytes[2], &cut));
        HOLDS(cut.length == whole.length && cut.ends == whole.ends);
        HOLDS(cut.length == 0 || memcmp(cut.bytes, whole.bytes, cut.length) == 0);
        if (!options.encoding && !options.strip_vt && !options.redact)
            check_whole(bytes + HEAD, size - HEAD, &whole);
    }
    free(whole.bytes);
    free(cut.bytes);
    return 0;
}
