/*
 * Decoding, stripping, splitting and redacting, one after the other. Each stage takes from the one before it, a chunk
 * at a time, when it has nothing left.
 */
#include "io/text.h"

#include "base/error.h"
#include "io/decoder.h"
#include "io/lines.h"
#include "io/room.h"
#include "io/vt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char nothing[1];

struct text {
    pk_text_options options;
    int fd;
    bool finished;

    char *bytes; /* what was fed and not taken yet; borrowed */
    size_t length;

    struct decoder decoder; /* if there is an encoding */
    struct vt vt;
    struct lines lines;
    struct room redacted;

    char *decoded;  /* TEXT_CHUNK */
    char *stripped; /* one byte more, for what was held back */
};

/* ---- Making and freeing ----------------------------------------------------------------------------------------- */

static int copy_options(const pk_text_options *given, pk_text_options *options, pk_error *error)
{
    *options = (pk_text_options)PK_TEXT_OPTIONS_INIT;
    if (!given)
        return 0;
    if (given->size == 0 || given->size > sizeof(*options))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid text options: start from PK_TEXT_OPTIONS_INIT of this version");
    memcpy(options, given, given->size);
    if (options->invalid > PK_INVALID_DROP)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid text options: unknown way to treat invalid bytes");
    return 0;
}

static int open_encoding(struct text *text, const char *encoding, pk_error *error)
{
    int r = decoder_open(&text->decoder, encoding, text->options.invalid);
    if (r == -EINVAL)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "cannot decode %s: the C library does not know this encoding (see iconv -l)", encoding);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ARGUMENTS, NULL, "cannot decode %s", encoding);
    text->options.encoding = ""; /* it is the caller's, who may free it; only whether there is one matters */
    return 0;
}

static struct text *allocate(const pk_text_options *options)
{
    bool staged = options->encoding || options->strip_vt;
    struct text *text = calloc(1, sizeof(*text) + (staged ? 2 * TEXT_CHUNK + 1 : 0));
    if (!text)
        return NULL;
    text->decoded = (char *)(text + 1);
    text->stripped = text->decoded + TEXT_CHUNK;
    return text;
}

int text_new(struct text **ret, const pk_text_options *given, int fd, pk_error *error)
{
    pk_text_options options;
    int r = copy_options(given, &options, error);
    if (r < 0)
        return r;
    struct text *text = allocate(&options);
    if (!text)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot read text");
    text->options = options;
    text->fd = fd;
    text->bytes = nothing;
    lines_init(&text->lines, options.line_max, options.split_at_cr);
    r = options.encoding ? open_encoding(text, options.encoding, error) : 0;
    if (r < 0) {
        free(text);
        return r;
    }
    *ret = text;
    return 0;
}

struct text *text_free(struct text *text)
{
    if (!text)
        return NULL;
    if (text->options.encoding)
        decoder_close(&text->decoder);
    lines_free(&text->lines);
    room_free(&text->redacted);
    free(text);
    return NULL;
}

bool text_changes(const struct text *text)
{
    return text->options.encoding || text->options.strip_vt || text->options.redact;
}

/* ---- Stages ----------------------------------------------------------------------------------------------------- */

static size_t decode_chunk(struct text *text)
{
    const char *next = text->bytes;
    size_t before = text->length;
    size_t length = decoder_decode(&text->decoder, &next, &text->length, text->decoded, TEXT_CHUNK);
    text->bytes += before - text->length;
    return length;
}

/* The next bytes that were fed, decoded if there is an encoding. 0: that was all for now. */
static size_t decode_some(struct text *text, char **bytes)
{
    size_t length = text->length;
    if (text->options.encoding) {
        *bytes = text->decoded;
        for (length = 0; length == 0 && text->length > 0;)
            length = decode_chunk(text);
        if (length == 0 && text->finished)
            length = decoder_finish(&text->decoder, text->decoded, TEXT_CHUNK);
        return length;
    }
    if (text->options.strip_vt && length > TEXT_CHUNK)
        length = TEXT_CHUNK;
    *bytes = text->bytes;
    text->bytes += length;
    text->length -= length;
    return length;
}

/* The same, stripped if that is asked for. */
static size_t strip_some(struct text *text, char **bytes)
{
    char *decoded;
    size_t length;
    if (!text->options.strip_vt)
        return decode_some(text, bytes);
    *bytes = text->stripped;
    while ((length = decode_some(text, &decoded)) > 0) {
        length = vt_strip(&text->vt, decoded, length, text->stripped);
        if (length > 0)
            return length;
    }
    return text->finished ? vt_finish(&text->vt, text->stripped) : 0;
}

/* More for the lines; false if there is nothing more for now. */
static bool refill(struct text *text)
{
    char *bytes;
    size_t length = strip_some(text, &bytes);
    if (length == 0 && (!text->finished || text->lines.ended))
        return false;
    if (length > 0)
        lines_feed(&text->lines, bytes, length);
    else
        lines_finish(&text->lines);
    return true;
}

/* ---- Redaction -------------------------------------------------------------------------------------------------- */

/* A copy of it, changed by the hook, which has room for replacements of twice the length, and for a long one in a short
 * line. A NUL follows. */
static int redact(struct text *text, const char *bytes, size_t *length)
{
    size_t capacity = 2 * *length + 64, most = 2 * text->lines.line_max + 64;
    if (room_reserve(&text->redacted, capacity + 1, most + 1) < 0)
        return -ENOMEM;
    char *copy = text->redacted.bytes;
    memcpy(copy, bytes, *length);
    size_t left = text->options.redact(text->fd, copy, *length, capacity, text->options.redact_data);
    *length = left < capacity ? left : capacity;
    copy[*length] = '\0';
    return 0;
}

static int redact_line(struct text *text, pk_line *line)
{
    if (redact(text, line->text, &line->length) < 0)
        return -ENOMEM;
    line->text = text->redacted.bytes;
    return 1;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static int next_line(struct text *text, pk_line *line)
{
    int r = lines_read_in_place(&text->lines, line);
    while (r == 0 && (r = lines_read(&text->lines, line)) == 0 && refill(text))
        ;
    if (r <= 0)
        return r;
    line->fd = text->fd;
    return text->options.redact ? redact_line(text, line) : 1;
}

int text_next(struct text *text, pk_line *line)
{
    int r;
    do
        r = next_line(text, line);
    while (r == 1 && line->end == PK_LINE_EOF && line->length == 0); /* the hook has left nothing of it */
    return r;
}

void text_feed(struct text *text, char *bytes, size_t length)
{
    text->bytes = length > 0 ? bytes : nothing;
    text->length = length;
}

void text_finish(struct text *text)
{
    text->finished = true;
}

size_t text_pending(struct text *text, const char **bytes)
{
    size_t length = lines_pending(&text->lines, bytes);
    if (length == 0 || !text->options.redact)
        return length;
    if (redact(text, *bytes, &length) < 0)
        return 0;
    *bytes = text->redacted.bytes;
    return length;
}

const char *text_end_bytes(pk_line_end end)
{
    switch (end) {
    case PK_LINE_LF:
        return "\n";
    case PK_LINE_CRLF:
        return "\r\n";
    case PK_LINE_CR:
        return "\r";
    default:
        return "";
    }
}
