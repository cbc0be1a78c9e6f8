/*
 * The text view of a stream: decoded, stripped, split and redacted, in this order.
 */
#include "cutting.h"
#include "harness.h"
#include "io/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FD = 7 };

/* Lines as the tests write them: what ended each stands behind it. */
struct transcript {
    char bytes[4096];
    size_t length;
    uint64_t number;
};

static void write_down(struct transcript *transcript, const pk_line *line)
{
    static const char *const marks[] = {
        [PK_LINE_LF] = "<LF>",    [PK_LINE_CRLF] = "<CRLF>", [PK_LINE_CR] = "<CR>",
        [PK_LINE_PIECE] = "<..>", [PK_LINE_EOF] = "<EOF>",
    };
    assert_int_equal(line->fd, FD);
    assert_int_equal(line->number, transcript->number);
    assert_int_equal(line->text[line->length], '\0');
    assert_in_range(transcript->length + line->length, 0, sizeof(transcript->bytes) - 8);
    memcpy(transcript->bytes + transcript->length, line->text, line->length);
    transcript->length += line->length;
    transcript->length += (size_t)sprintf(transcript->bytes + transcript->length, "%s", marks[line->end]);
    transcript->number += line->end != PK_LINE_PIECE;
}

static void take_lines(struct text *text, struct transcript *transcript)
{
    pk_line line;
    int r;
    while ((r = text_next(text, &line)) == 1)
        write_down(transcript, &line);
    assert_int_equal(r, 0);
}

static struct text *make(const pk_text_options *options)
{
    struct text *text = NULL;
    pk_error error;
    if (text_new(&text, options, FD, &error) < 0)
        fail_msg("%s", error.message);
    return text;
}

static void read_all(const pk_text_options *options, struct cutting cutting, struct transcript *transcript)
{
    char *piece;
    size_t length;
    struct text *text = make(options);
    *transcript = (struct transcript){.number = 1};
    while ((length = cutting_next(&cutting, &piece)) > 0) {
        text_feed(text, piece, length);
        take_lines(text, transcript);
    }
    text_finish(text);
    take_lines(text, transcript);
    take_lines(text, transcript);
    assert_null(text_free(text));
}

static void expect_of(const pk_text_options *options, const char *bytes, size_t length, const char *expected)
{
    struct transcript transcript;
    for (size_t which = 0; which < cutting_count(length); which++) {
        read_all(options, (struct cutting){.which = which, .bytes = bytes, .length = length}, &transcript);
        if (strcmp(transcript.bytes, expected) != 0)
            fail_msg("cut in way %zu: '%s', not '%s'", which, transcript.bytes, expected);
    }
}

static void expect(const pk_text_options *options, const char *bytes, const char *expected)
{
    expect_of(options, bytes, strlen(bytes), expected);
}

/* ---- Without options -------------------------------------------------------------------------------------------- */

static void bytes_stay_as_they_are(void **state)
{
    (void)state;
    const pk_text_options options = PK_TEXT_OPTIONS_INIT;
    static const char bytes[] = "a\xff\x1b[1m\x80\r\n10%\r20%\nrest",
                      lines[] = "a\xff\x1b[1m\x80<CRLF>10%\r20%<LF>rest<EOF>";
    expect(NULL, bytes, lines);
    expect(&options, bytes, lines);
    expect(NULL, "", "");
    expect(NULL, "\n", "<LF>");
}

static void the_view_says_whether_it_changes_anything(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    struct text *text = make(&options);
    assert_false(text_changes(text));
    text_free(text);
    options.split_at_cr = true;
    options.line_max = 10;
    text = make(&options);
    assert_false(text_changes(text));
    text_free(text);
    options.strip_vt = true;
    text = make(&options);
    assert_true(text_changes(text));
    text_free(text);
    options.strip_vt = false;
    options.encoding = "UTF-8";
    text = make(&options);
    assert_true(text_changes(text));
    text_free(text);
    assert_null(text_free(NULL));
}

static void what_ended_a_line_can_be_written_again(void **state)
{
    (void)state;
    assert_string_equal(text_end_bytes(PK_LINE_LF), "\n");
    assert_string_equal(text_end_bytes(PK_LINE_CRLF), "\r\n");
    assert_string_equal(text_end_bytes(PK_LINE_CR), "\r");
    assert_string_equal(text_end_bytes(PK_LINE_PIECE), "");
    assert_string_equal(text_end_bytes(PK_LINE_EOF), "");
}

/* ---- One after the other ---------------------------------------------------------------------------------------- */

static void text_is_decoded_before_it_is_split(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.encoding = "UTF-16LE";
    static const char bytes[] = "\xff\xfe"
                                "a\0\x0a\x0a\r\0\n\0b\0\n";
    expect_of(&options, bytes, sizeof(bytes) - 1, "a\xe0\xa8\x8a<CRLF>b\xef\xbf\xbd<EOF>");
    expect_of(&options, bytes, sizeof(bytes), "a\xe0\xa8\x8a<CRLF>b<LF>");
    options.invalid = PK_INVALID_ESCAPE;
    expect_of(&options, bytes, sizeof(bytes) - 1, "a\xe0\xa8\x8a<CRLF>b\\x0a<EOF>");
    options.invalid = PK_INVALID_DROP;
    expect_of(&options, bytes, sizeof(bytes) - 1, "a\xe0\xa8\x8a<CRLF>b<EOF>");
}

static void text_is_decoded_before_it_is_stripped(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.encoding = "UTF-16BE";
    options.strip_vt = true;
    static const char bytes[] = "\0\x1b\0[\0"
                                "1\0m\0a\0\x9b\0m\0b\0\n\0\x1b";
    expect_of(&options, bytes, sizeof(bytes) - 1, "ab<LF>");
    options.encoding = "UTF-8";
    expect(&options, "a\xff\x1b[1m\xc2\n\xc2", "a\xef\xbf\xbd\xef\xbf\xbd<LF>\xef\xbf\xbd<EOF>");
}

static void text_is_stripped_before_it_is_split(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.strip_vt = true;
    options.line_max = 3;
    expect(&options, "\x1b[31mabc\x1b[0m\r\x1b[K\n\x1b[1m", "abc<CRLF>");
    expect(&options,
           "\x1b]0;a long title\x07"
           "abcd\n\x1b]0;title\nx\xc2",
           "abc<..>d<LF><LF>x\xc2<EOF>");
    options.split_at_cr = true;
    expect(&options, "\r\x1b[K10%\r\x1b[K20%\r\x1b[K\n", "<CR>10%<CR>20%<CRLF>");
}

/* ---- Redaction -------------------------------------------------------------------------------------------------- */

/* The hook of the tests: each "secret" becomes the text that `data` points to. */
static size_t hide(int fd, char *text, size_t length, size_t capacity, void *data)
{
    const char *instead = data;
    size_t size = strnlen(instead, capacity);
    assert_int_equal(fd, FD);
    for (char *found; (found = memmem(text, length, "secret", 6)) != NULL;) {
        size_t before = (size_t)(found - text);
        assert_true(length - 6 + size <= capacity);
        memmove(found + size, found + 6, length - before - 6);
        memcpy(found, instead, size);
        length = length - 6 + size;
    }
    return length;
}

static void lines_are_redacted_last(void **state)
{
    (void)state;
    char stars[] = "*", longer[] = "<twice as long>", nothing[] = "";
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.redact = hide;
    options.redact_data = stars;
    options.strip_vt = true;
    options.encoding = "UTF-8";
    expect(&options, "a secret\nand a se\x1b[1mcret, secret\r\nsecret", "a *<LF>and a *, *<CRLF>*<EOF>");
    options.redact_data = longer;
    expect(&options, "secret\nsecretsecretsecretsecretsecret",
           "<twice as long><LF><twice as long><twice as long><twice as long><twice as long><twice as long><EOF>");
    options.redact_data = nothing;
    expect(&options, "a\nsecret\nsecret", "a<LF><LF>"); /* nothing is left of the last one */
    options.line_max = 6;
    expect(&options, "secretsecretxxsecret\n", "<..><..>xxsecr<..>et<LF>"); /* piece by piece */
    options.line_max = 20;
    expect(&options, "secretsecretxxsecret\n", "xx<LF>"); /* as a whole */
}

static size_t fill(int fd, char *text, size_t length, size_t capacity, void *data)
{
    assert_int_equal(fd, FD);
    assert_true(capacity >= 2 * length + 64);
    memset(text, '*', capacity);
    *(size_t *)data = capacity;
    return capacity + 1000; /* more than it may */
}

static void the_hook_cannot_say_more_than_there_is_room(void **state)
{
    (void)state;
    size_t capacity = 0;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.redact = fill;
    options.redact_data = &capacity;
    struct text *text = make(&options);
    pk_line line;
    text_feed(text, (char[]){"abc\n"}, 4);
    assert_int_equal(text_next(text, &line), 1);
    assert_int_equal(line.length, capacity);
    assert_int_equal(line.text[capacity], '\0');
    text_free(text);
}

/* ---- What is not finished --------------------------------------------------------------------------------------- */

static void expect_pending(const pk_text_options *options, const char *fed, const char *expected, const char *rest,
                           const char *lines)
{
    struct transcript transcript = {.number = 1};
    struct text *text = make(options);
    const char *bytes;
    char *first = strdup(fed), *second = strdup(rest);
    assert_true(first && second);
    text_feed(text, first, strlen(first));
    take_lines(text, &transcript);
    for (int i = 0; i < 2; i++) {
        size_t length = text_pending(text, &bytes);
        assert_int_equal(length, strlen(expected));
        if (length > 0)
            assert_memory_equal(bytes, expected, length);
    }
    text_feed(text, second, strlen(second));
    take_lines(text, &transcript);
    text_finish(text);
    take_lines(text, &transcript);
    assert_string_equal(transcript.bytes, lines);
    text_free(text);
    free(first);
    free(second);
}

static void a_prompt_can_be_looked_at(void **state)
{
    (void)state;
    char stars[] = "*";
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    expect_pending(NULL, "", "", "", "");
    expect_pending(NULL, "ready\nPassword: ", "Password: ", "\n", "ready<LF>Password: <LF>");
    expect_pending(NULL, "50%\r", "50%", "60%", "50%\r60%<EOF>");
    options.encoding = "UTF-8";
    options.strip_vt = true;
    expect_pending(&options, "\x1b[1mName?\x1b[0m \xe2\x82", "Name? ", "\xac", "Name? \xe2\x82\xac<EOF>");
    options.redact = hide;
    options.redact_data = stars;
    expect_pending(&options, "a secret and sec", "a * and sec", "ret\n", "a * and *<LF>");
}

/* ---- Wrong options ---------------------------------------------------------------------------------------------- */

static void expect_refused(const pk_text_options *options, const char *message)
{
    struct text *text = NULL;
    pk_error error;
    assert_int_equal(text_new(&text, options, FD, &error), -EINVAL);
    assert_null(text);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_string_equal(error.message, message);
    assert_int_equal(text_new(&text, options, FD, NULL), -EINVAL);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.encoding = "no such\nthing";
    expect_refused(&options, "cannot decode no such\\nthing: the C library does not know this encoding (see iconv -l)");
    options.encoding = NULL;
    options.invalid = (pk_invalid_bytes)3;
    expect_refused(&options, "invalid text options: unknown way to treat invalid bytes");
    options.invalid = PK_INVALID_DROP;
    options.size = 0;
    expect_refused(&options, "invalid text options: start from PK_TEXT_OPTIONS_INIT of this version");
    options.size = sizeof(options) + 1;
    expect_refused(&options, "invalid text options: start from PK_TEXT_OPTIONS_INIT of this version");
}

static void options_of_an_older_version_will_do(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.size = offsetof(pk_text_options, strip_vt); /* had not yet what follows */
    options.strip_vt = true;
    options.encoding = "UTF-16LE";
    expect_of(&options, "\x1b\0[\0m\0", 6, "\x1b[m<EOF>");
}

static void the_encoding_is_not_needed_after_the_start(void **state)
{
    (void)state;
    char encoding[] = "UTF-16LE";
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    struct transcript transcript = {.number = 1};
    options.encoding = encoding;
    struct text *text = make(&options);
    memset(encoding, 'x', sizeof(encoding));
    text_feed(text, (char[]){"a\0\n\0"}, 4);
    take_lines(text, &transcript);
    assert_string_equal(transcript.bytes, "a<LF>");
    text_free(text);
}

/* ---- Anything --------------------------------------------------------------------------------------------------- */

static void any_bytes_give_the_same_lines_however_they_are_cut(void **state)
{
    (void)state;
    static const char *const encodings[] = {NULL, "UTF-8", "UTF-16", "UTF-32LE"};
    static const char letters[] = "aaab\n\n\r\r\x1b\x1b[]\x07m1\xc2\xc2\x9b\xe2\x82\xac\xf0\x9f\x90\xa7\xff\xfe";
    unsigned seed = 4711;
    char instead[] = "x";
    for (int round = 0; round < 1000; round++) {
        char bytes[64];
        size_t length = (size_t)rand_r(&seed) % (sizeof(bytes) + 1);
        pk_text_options options = PK_TEXT_OPTIONS_INIT;
        options.encoding = encodings[(size_t)rand_r(&seed) % 4];
        options.invalid = (pk_invalid_bytes)(rand_r(&seed) % 3);
        options.strip_vt = rand_r(&seed) % 2;
        options.split_at_cr = rand_r(&seed) % 2;
        options.line_max = (size_t)rand_r(&seed) % 8;
        options.redact = rand_r(&seed) % 2 ? hide : NULL;
        options.redact_data = instead;
        for (size_t i = 0; i < length; i++) /* with NULs */
            bytes[i] = letters[(size_t)rand_r(&seed) % sizeof(letters)];
        struct transcript expected, found;
        read_all(&options, (struct cutting){.bytes = bytes, .length = length}, &expected);
        for (size_t which = 1; which < cutting_count(length); which++) {
            read_all(&options, (struct cutting){.which = which, .bytes = bytes, .length = length}, &found);
            assert_int_equal(found.length, expected.length);
            assert_memory_equal(found.bytes, expected.bytes, found.length);
        }
    }
}

static void a_long_stream_goes_through_in_chunks(void **state)
{
    (void)state;
    enum { COUNT = 100000, SIZE = 16 };
    static const char one[] = "\x1b[1mgr\xc3\xbc\xc3\x9f\x1b[m\r\n";
    size_t length = sizeof(one) - 1, count = 0;
    char *bytes = malloc(COUNT * SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(bytes + i * length, one, length);
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.encoding = "UTF-8";
    options.strip_vt = true;
    struct text *text = make(&options);
    pk_line line;
    text_feed(text, bytes, COUNT * length);
    while (text_next(text, &line) == 1) {
        assert_string_equal(line.text, "gr\xc3\xbc\xc3\x9f");
        assert_int_equal(line.end, PK_LINE_CRLF);
        assert_int_equal(line.number, ++count);
    }
    assert_int_equal(count, COUNT);
    text_free(text);
    free(bytes);
}

static const struct test tests[] = {
    PK_TEST(bytes_stay_as_they_are),
    PK_TEST(the_view_says_whether_it_changes_anything),
    PK_TEST(what_ended_a_line_can_be_written_again),
    PK_TEST(text_is_decoded_before_it_is_split),
    PK_TEST(text_is_decoded_before_it_is_stripped),
    PK_TEST(text_is_stripped_before_it_is_split),
    PK_TEST(lines_are_redacted_last),
    PK_TEST(the_hook_cannot_say_more_than_there_is_room),
    PK_TEST(a_prompt_can_be_looked_at),
    PK_TEST(wrong_options_are_refused),
    PK_TEST(options_of_an_older_version_will_do),
    PK_TEST(the_encoding_is_not_needed_after_the_start),
    PK_TEST(any_bytes_give_the_same_lines_however_they_are_cut),
    PK_TEST(a_long_stream_goes_through_in_chunks),
};

PK_TEST_MAIN(tests)
