/*
 * From some encoding to UTF-8.
 */
#include "cutting.h"
#include "harness.h"
#include "io/decoder.h"
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Decoding --------------------------------------------------------------------------------------------------- */

/* With as little to write to as is allowed, or with much. */
static struct report decode(const char *encoding, pk_invalid_bytes invalid, struct cutting cutting, size_t room)
{
    struct decoder decoder;
    struct report decoded = {0};
    char *piece;
    size_t length;
    char *out = malloc(room);
    assert_non_null(out);
    if (decoder_open(&decoder, encoding, invalid) < 0)
        skip_test("the encoding %s in the C library", encoding);
    while ((length = cutting_next(&cutting, &piece)) > 0)
        for (const char *next = piece; length > 0;)
            report_append(&decoded, out, decoder_decode(&decoder, &next, &length, out, room));
    while ((length = decoder_finish(&decoder, out, room)) > 0)
        report_append(&decoded, out, length);
    decoder_close(&decoder);
    free(out);
    report_append(&decoded, "", 0);
    return decoded;
}

static void expect_of(const char *encoding, pk_invalid_bytes invalid, const char *bytes, size_t length,
                      const char *expected, size_t expected_length)
{
    for (size_t which = 0; which < cutting_count(length); which++) {
        struct cutting cutting = {.which = which, .bytes = bytes, .length = length};
        struct report decoded = decode(encoding, invalid, cutting, which % 2 ? DECODER_ROOM : 4096);
        if (decoded.length != expected_length || memcmp(decoded.bytes, expected, expected_length) != 0)
            fail_msg("%s cut in way %zu: '%.*s', not '%s'", encoding, which, (int)decoded.length, decoded.bytes,
                     expected);
        report_free(&decoded);
    }
}

/* Texts in place of strings, because there are NULs in most of them. */
#define BYTES(text) text, sizeof(text) - 1

static void expect_utf8(const char *bytes, const char *replaced, const char *escaped, const char *dropped)
{
    size_t length = strlen(bytes);
    expect_of("UTF-8", PK_INVALID_REPLACE, bytes, length, replaced, strlen(replaced));
    expect_of("UTF-8", PK_INVALID_ESCAPE, bytes, length, escaped, strlen(escaped));
    expect_of("UTF-8", PK_INVALID_DROP, bytes, length, dropped, strlen(dropped));
}

static void expect_same(const char *text)
{
    expect_utf8(text, text, text, text);
}

#define MARK "\xef\xbb\xbf"
#define FFFD "\xef\xbf\xbd"

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------ */

static void utf8_stays_as_it_is(void **state)
{
    (void)state;
    expect_same("");
    expect_same("plain text\r\n");
    expect_same("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7, and more than eight letters in a row");
    expect_same("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
    expect_of("utf8", PK_INVALID_REPLACE, BYTES("a\0b\xc3\xbc\0"), BYTES("a\0b\xc3\xbc\0"));
}

static void each_invalid_byte_is_replaced_escaped_or_dropped(void **state)
{
    (void)state;
    expect_utf8("a\xff"
                "b",
                "a" FFFD "b", "a\\xffb", "ab");
    expect_utf8("\x80\xbf.", FFFD FFFD ".", "\\x80\\xbf.", ".");
    expect_utf8("\xe2\x82"
                "a",
                FFFD FFFD "a", "\\xe2\\x82a", "a");
    expect_utf8("\xe2\x82\xc3\xbc", FFFD FFFD "\xc3\xbc", "\\xe2\\x82\xc3\xbc", "\xc3\xbc");
    expect_utf8("\xc0\xaf", FFFD FFFD, "\\xc0\\xaf", "");                             /* a longer form of '/' */
    expect_utf8("\xe0\x80\xaf.", FFFD FFFD FFFD ".", "\\xe0\\x80\\xaf.", ".");        /* and another */
    expect_utf8("\xed\xa0\x80.", FFFD FFFD FFFD ".", "\\xed\\xa0\\x80.", ".");        /* half a surrogate pair */
    expect_utf8("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD, "\\xf4\\x90\\x80\\x80", ""); /* beyond Unicode */
    expect_utf8("\xf8\x88\x80\x80\x80.", FFFD FFFD FFFD FFFD FFFD ".", "\\xf8\\x88\\x80\\x80\\x80.", ".");
    expect_utf8("\xff\xfe\xfd\xfc\xfb\xfa", FFFD FFFD FFFD FFFD FFFD FFFD, "\\xff\\xfe\\xfd\\xfc\\xfb\\xfa", "");
}

static void a_character_that_the_end_cuts_off_is_invalid(void **state)
{
    (void)state;
    expect_utf8("a\xc3", "a" FFFD, "a\\xc3", "a");
    expect_utf8("\xe2\x82", FFFD FFFD, "\\xe2\\x82", "");
    expect_utf8("\xf0\x9f\x90", FFFD FFFD FFFD, "\\xf0\\x9f\\x90", "");
    expect_of("UTF-16LE", PK_INVALID_ESCAPE, BYTES("a\0\x3d"), BYTES("a\\x3d"));
    expect_of("UTF-16LE", PK_INVALID_ESCAPE, BYTES("a\0\x3d\xd8"), BYTES("a\\x3d\\xd8"));
    expect_of("UTF-16LE", PK_INVALID_REPLACE, BYTES("a\0\x3d\xd8\x27"), BYTES("a" FFFD FFFD));
    expect_of("UTF-32BE", PK_INVALID_ESCAPE, BYTES("\0\0\0"), BYTES("\\x00\\x00\\x00"));
}

/* ---- Byte order marks ------------------------------------------------------------------------------------------- */

static void a_byte_order_mark_is_left_out_once(void **state)
{
    (void)state;
    expect_utf8(MARK "a", "a", "a", "a");
    expect_utf8(MARK, "", "", "");
    expect_utf8(MARK MARK "a", MARK "a", MARK "a", MARK "a");
    expect_utf8("a" MARK, "a" MARK, "a" MARK, "a" MARK);
    expect_utf8("\xef\xbb", FFFD FFFD, "\\xef\\xbb", "");
    expect_utf8("\xff" MARK, FFFD MARK, "\\xff" MARK, MARK);
    expect_of("UTF-16", PK_INVALID_REPLACE,
              BYTES("\xff\xfe"
                    "a\0\n\0"),
              BYTES("a\n"));
    expect_of("UTF-16", PK_INVALID_REPLACE, BYTES("\xfe\xff\0a\0\n"), BYTES("a\n"));
    expect_of("UTF-16", PK_INVALID_REPLACE, BYTES("\xfe\xff\xfe\xff\0a"), BYTES(MARK "a"));
    expect_of("UTF-16", PK_INVALID_REPLACE, BYTES("\xfe\xff"), "", 0);
    expect_of("UTF-16LE", PK_INVALID_REPLACE,
              BYTES("\xff\xfe"
                    "a\0\xff\xfe"),
              BYTES("a" MARK));
    expect_of("UTF-16BE", PK_INVALID_REPLACE, BYTES("\xfe\xff\xfe\xff\0a"), BYTES(MARK "a"));
    expect_of("UTF-32", PK_INVALID_REPLACE, BYTES("\xff\xfe\0\0a\0\0\0"), BYTES("a"));
    expect_of("UTF-32", PK_INVALID_REPLACE, BYTES("\0\0\xfe\xff\0\0\xfe\xff\0\0\0a"), BYTES(MARK "a"));
    expect_of("UTF-32LE", PK_INVALID_REPLACE, BYTES("\xff\xfe\0\0a\0\0\0"), BYTES("a"));
}

/* ---- Wide units ------------------------------------------------------------------------------------------------- */

static void invalid_units_do_not_put_it_out_of_step(void **state)
{
    (void)state;
    expect_of("UTF-16LE", PK_INVALID_REPLACE,
              BYTES("\x3d\xd8\x27\xdc"
                    "a\0"),
              BYTES("\xf0\x9f\x90\xa7"
                    "a"));
    expect_of("UTF-16LE", PK_INVALID_REPLACE,
              BYTES("\x27\xdc"
                    "a\0"),
              BYTES(FFFD "a"));
    expect_of("UTF-16LE", PK_INVALID_ESCAPE,
              BYTES("\x27\xdc"
                    "a\0"),
              BYTES("\\x27\\xdca"));
    expect_of("UTF-16LE", PK_INVALID_REPLACE,
              BYTES("\x3d\xd8"
                    "a\0b\0"),
              BYTES(FFFD "ab"));
    expect_of("UTF-16BE", PK_INVALID_DROP, BYTES("\xd8\x3d\xd8\x3d\xdc\x27\0a"),
              BYTES("\xf0\x9f\x90\xa7"
                    "a"));
    expect_of("UTF-32LE", PK_INVALID_REPLACE, BYTES("a\0\0\0\0\xd8\0\0b\0\0\0"), BYTES("a" FFFD "b"));
    expect_of("UTF-32LE", PK_INVALID_ESCAPE, BYTES("a\0\0\0\0\0\x11\0b\0\0\0"), BYTES("a\\x00\\x00\\x11\\x00b"));
}

/* ---- Other encodings -------------------------------------------------------------------------------------------- */

static void ascii_has_no_other_bytes(void **state)
{
    (void)state;
    expect_of("US-ASCII", PK_INVALID_ESCAPE, BYTES("a\xe9\0\n"), BYTES("a\\xe9\0\n"));
}

static void single_bytes_are_decoded(void **state)
{
    (void)state;
    expect_of("ISO-8859-1", PK_INVALID_REPLACE, BYTES("gr\xfc\xdf\n\xff"), BYTES("gr\xc3\xbc\xc3\x9f\n\xc3\xbf"));
    expect_of("CP1252", PK_INVALID_ESCAPE, BYTES("\x80\x81."), BYTES("\xe2\x82\xac\\x81."));
    expect_of("KOI8-R", PK_INVALID_REPLACE, BYTES("\xc1"), BYTES("\xd0\xb0"));
}

static void several_bytes_are_decoded(void **state)
{
    (void)state;
    expect_of("SHIFT_JIS", PK_INVALID_REPLACE, BYTES("a\x82\xa0\n"), BYTES("a\xe3\x81\x82\n"));
    expect_of("SHIFT_JIS", PK_INVALID_ESCAPE, BYTES("a\x82"), BYTES("a\\x82"));
    expect_of("EUC-JP", PK_INVALID_REPLACE, BYTES("\xa4\xa2."), BYTES("\xe3\x81\x82."));
    expect_of("GB18030", PK_INVALID_REPLACE, BYTES("\xd6\xd0\x81\x30\x84\x36."), BYTES("\xe4\xb8\xad\xc2\xa5."));
    expect_of("BIG5", PK_INVALID_REPLACE, BYTES("\xa4\xa4."), BYTES("\xe4\xb8\xad."));
}

/* Some encodings have states, and sequences that lead from one to another. */
static void states_are_kept(void **state)
{
    (void)state;
    expect_of("ISO-2022-JP", PK_INVALID_REPLACE, BYTES("a\x1b$B$\"$\"\x1b(Bb"),
              BYTES("a\xe3\x81\x82\xe3\x81\x82"
                    "b"));
    expect_of("ISO-2022-JP", PK_INVALID_ESCAPE, BYTES("a\x1b$B$\"$"), BYTES("a\xe3\x81\x82\\x24"));
}

/* And some keep a letter back, because a mark that follows may become one with it. */
static void what_was_kept_back_comes_at_the_end(void **state)
{
    (void)state;
    expect_of("CP1258", PK_INVALID_REPLACE, BYTES("xa"), BYTES("xa"));
    expect_of("BIG5-HKSCS", PK_INVALID_REPLACE, BYTES("a\x88\x66"), BYTES("a\xc3\x8a"));
}

static void an_encoding_that_is_unknown_is_refused(void **state)
{
    (void)state;
    struct decoder decoder;
    assert_int_equal(decoder_open(&decoder, "no such encoding", PK_INVALID_REPLACE), -EINVAL);
    assert_int_equal(decoder_open(&decoder, "UTF-9", PK_INVALID_REPLACE), -EINVAL);
}

/* ---- Anything --------------------------------------------------------------------------------------------------- */

/* By the C library's own judgement of strings is no way, which depends on the locale: by the table of the standard. */
static bool is_utf8(const char *text, size_t length)
{
    const unsigned char *next = (const unsigned char *)text, *end = next + length;
    while (next < end) {
        size_t count = *next < 0x80 ? 1 : *next < 0xc2 ? 0 : *next < 0xe0 ? 2 : *next < 0xf0 ? 3 : *next < 0xf5 ? 4 : 0;
        if (count == 0 || (size_t)(end - next) < count)
            return false;
        for (size_t i = 1; i < count; i++)
            if ((next[i] & 0xc0) != 0x80)
                return false;
        if ((next[0] == 0xe0 && next[1] < 0xa0) || (next[0] == 0xed && next[1] > 0x9f) ||
            (next[0] == 0xf0 && next[1] < 0x90) || (next[0] == 0xf4 && next[1] > 0x8f))
            return false;
        next += count;
    }
    return true;
}

static void any_bytes_in(const char *encoding, const char *letters, size_t count, int rounds)
{
    unsigned seed = 4711;
    for (int round = 0; round < rounds; round++) {
        char bytes[48];
        size_t length = (size_t)rand_r(&seed) % (sizeof(bytes) + 1);
        pk_invalid_bytes invalid = (pk_invalid_bytes)(rand_r(&seed) % 3);
        for (size_t i = 0; i < length; i++)
            bytes[i] = round % 4 == 0 ? (char)rand_r(&seed) : letters[(size_t)rand_r(&seed) % count];
        struct report decoded = decode(encoding, invalid, (struct cutting){.bytes = bytes, .length = length}, 4096);
        assert_true(is_utf8(decoded.bytes, decoded.length));
        expect_of(encoding, invalid, bytes, length, decoded.bytes, decoded.length);
        report_free(&decoded);
    }
}

static void any_bytes_become_utf8(void **state)
{
    (void)state;
    any_bytes_in("UTF-8", BYTES("aab\n\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xa7\xef\xbb\xbf\xed\xa0\x80\xc0\xff\xf4"), 600);
    any_bytes_in("UTF-16", BYTES("\0\0\0ab\xfe\xff\xd8\xdc\x20\n"), 300);
    any_bytes_in("UTF-32BE", BYTES("\0\0\0\0\0\0\0a\x10\xd8\xff"), 150);
}

static void any_bytes_of_other_encodings_become_utf8(void **state)
{
    (void)state;
    any_bytes_in("SHIFT_JIS", BYTES("ab\n\x82\xa0\x81\x40\x5c\xfc\x80"), 150);
    any_bytes_in("GB18030", BYTES("ab\n\xd6\xd0\x81\x30\x84\x36\xff\x80"), 150);
    any_bytes_in("ISO-2022-JP", BYTES("ab\n\x1b\x1b$$BB(J\"\x0e\xff"), 150);
}

/* Long enough for many calls with a full buffer. */
static void long_texts_are_decoded(void **state)
{
    (void)state;
    enum { COUNT = 5000, SIZE = 8 };
    static const char one_utf16[] = "\x3d\xd8\x27\xdc\xac\x20"
                                    "a";
    static const char one_utf8[] = "\xf0\x9f\x90\xa7\xe2\x82\xac"
                                   "a";
    static char utf16[COUNT * SIZE], utf8[COUNT * SIZE];
    for (size_t i = 0; i < COUNT * SIZE; i++) {
        utf16[i] = one_utf16[i % SIZE];
        utf8[i] = one_utf8[i % SIZE];
    }
    expect_of("UTF-16LE", PK_INVALID_REPLACE, utf16, sizeof(utf16), utf8, sizeof(utf8));
    expect_of("UTF-8", PK_INVALID_REPLACE, utf8, sizeof(utf8), utf8, sizeof(utf8));
}

static const struct test tests[] = {
    PK_TEST(utf8_stays_as_it_is),
    PK_TEST(each_invalid_byte_is_replaced_escaped_or_dropped),
    PK_TEST(a_character_that_the_end_cuts_off_is_invalid),
    PK_TEST(a_byte_order_mark_is_left_out_once),
    PK_TEST(invalid_units_do_not_put_it_out_of_step),
    PK_TEST(ascii_has_no_other_bytes),
    PK_TEST(single_bytes_are_decoded),
    PK_TEST(several_bytes_are_decoded),
    PK_TEST(states_are_kept),
    PK_TEST(what_was_kept_back_comes_at_the_end),
    PK_TEST(an_encoding_that_is_unknown_is_refused),
    PK_TEST(any_bytes_become_utf8),
    PK_TEST(any_bytes_of_other_encodings_become_utf8),
    PK_TEST(long_texts_are_decoded),
};

PK_TEST_MAIN(tests)
