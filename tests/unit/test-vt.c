/*
 * What is left out of text that was meant for a terminal.
 */
#include "cutting.h"
#include "harness.h"
#include "io/vt.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct report strip(struct cutting cutting)
{
    struct vt vt = {0};
    struct report stripped = {0};
    char *piece;
    size_t length;
    while ((length = cutting_next(&cutting, &piece)) > 0) {
        char *out = malloc(length + 1); /* what it may need, and no more */
        assert_non_null(out);
        report_append(&stripped, out, vt_strip(&vt, piece, length, out));
        free(out);
    }
    char last[1];
    report_append(&stripped, last, vt_finish(&vt, last));
    assert_int_equal(vt_finish(&vt, last), 0);
    return stripped;
}

static void expect_of(const char *bytes, size_t length, const char *expected, size_t expected_length)
{
    for (size_t which = 0; which < cutting_count(length); which++) {
        struct report stripped = strip((struct cutting){.which = which, .bytes = bytes, .length = length});
        if (stripped.length != expected_length || memcmp(stripped.bytes, expected, expected_length) != 0)
            fail_msg("cut in way %zu: '%.*s', not '%s'", which, (int)stripped.length, stripped.bytes, expected);
        report_free(&stripped);
    }
}

static void expect(const char *bytes, const char *expected)
{
    expect_of(bytes, strlen(bytes), expected, strlen(expected));
}

/* ---- Sequences -------------------------------------------------------------------------------------------------- */

static void text_is_left_alone(void **state)
{
    (void)state;
    expect("", "");
    expect("plain [31m text]\t1;2\r\nnext\n", "plain [31m text]\t1;2\r\nnext\n");
    expect("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7 \xc2\xa0\xc2\xbf",
           "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7 \xc2\xa0\xc2\xbf");
    expect("\x80\x9b\xff \xe9\x9b\x9b", "\x80\x9b\xff \xe9\x9b\x9b"); /* bytes, or parts of characters */
}

static void control_sequences_are_left_out(void **state)
{
    (void)state;
    expect("\x1b[31mred\x1b[0m", "red");
    expect("\x1b[mx\x1b[1;38;5;200my\x1b[?25lz\x1b[2 q!", "xyz!");
    expect("a\x1b[Kb\x1b[10;20Hc\x1b[@d\x1b[~e", "abcde");
    expect("\x1b[38:2::1:2:3mcolour\x1b[>4;2m", "colour");
    expect("\xc2\x9b"
           "31mred",
           "red");
    expect("\x1b[3\x1b[0mred", "red"); /* begun anew */
}

static void other_escape_sequences_are_left_out(void **state)
{
    (void)state;
    expect("\x1b"
           "7a\x1b"
           "8b\x1b=c\x1b>d\x1b"
           "Me\x1b"
           "cf",
           "abcdef");
    expect("\x1b(Bx\x1b)0y\x1b#8z\x1b%G!", "xyz!");
    expect("\x1b\\a\x1b~b\x1b"
           "0c",
           "abc");
}

static void control_strings_are_left_out_with_what_is_in_them(void **state)
{
    (void)state;
    expect("\x1b]0;title\x07text", "text");
    expect("\x1b]0;title\x1b\\text", "text");
    expect("\x1b]0;title\xc2\x9ctext", "text");
    expect("\xc2\x9d"
           "0;title\x1b\\text",
           "text");
    expect("\x1b]8;;http://example.org/\x1b\\link\x1b]8;;\x1b\\", "link");
    expect("\x1bP1$r0m\x1b\\a\x1bXsos\x1b\\b\x1b^pm\x1b\\c\x1b_apc\x1b\\d", "abcd");
    expect("\xc2\x90q\xc2\x9c"
           "a\xc2\x98s\xc2\x9c"
           "b\xc2\x9ep\xc2\x9c"
           "c\xc2\x9f_\xc2\x9c"
           "d",
           "abcd");
    expect("\x1b]0;\xc3\xbc\xc2\xa0\xc2\xc2\x9ctext", "text");
    expect("\x1b]0;a\tb\x01\x7f\x07text", "text");
    expect("\x1bPtmux;\x1b\x1b]0;title\x07\x1b\\text", "text"); /* as it is passed through tmux */
    expect("\x1b]0;title\x1b[1mtext", "text");                  /* an ESC ends it, whatever follows */
}

static void control_characters_are_left_out_but_tab_and_ends_of_lines(void **state)
{
    (void)state;
    char all[33], *next = all;
    for (int c = 0; c < ' '; c++)
        if (c != 0x1b)
            *next++ = (char)c;
    *next++ = 0x7f;
    expect_of(all, (size_t)(next - all), "\t\n\r", 3);
    expect("a\bb\x07\x0b\x0c", "ab");
    for (unsigned char c = 0x80; c <= 0x9f; c++) {
        const char text[] = {'a', '\xc2', (char)c, '\n', 'b', '\0'};
        expect(text, "a\nb");
    }
}

static void control_characters_within_a_sequence_do_not_end_it(void **state)
{
    (void)state;
    static const char nuls[] = "\x1b\0[\0"
                               "3\0"
                               "1\0mred";
    expect_of(nuls, sizeof(nuls) - 1, "red", 3);
    expect("\x1b\x7f[3\x08"
           "1mred",
           "red");
    expect("\x1b[3\t1mred", "\tred"); /* obeyed in the middle, as terminals do */
    expect("\x1b[3\x18"
           "1m",
           "1m"); /* CAN and SUB do end it */
    expect("\x1b]0;title\x1atext", "text");
    expect("\x1b\x18[m", "[m");
}

/* ---- Sequences without an end ----------------------------------------------------------------------------------- */

static void a_sequence_ends_with_its_line(void **state)
{
    (void)state;
    expect("\x1b]0;title\ntext\n", "\ntext\n");
    expect("\x1b]0;title\r\ntext\n", "\r\ntext\n");
    expect("\x1bPdcs\rtext", "\rtext");
    expect("\x1b[31\ntext", "\ntext");
    expect("\x1b\ntext", "\ntext");
    expect("\x1b(\ntext", "\ntext");
    expect("\xc2\x9d\ntext", "\ntext");
    expect("\x1b]0;\xc2\ntext", "\ntext");
}

static void a_sequence_ends_with_what_can_be_no_part_of_it(void **state)
{
    (void)state;
    expect("\x1b[31\xc3\xbc", "\xc3\xbc");
    expect("\x1b\xe2\x82\xac", "\xe2\x82\xac");
    expect("\x1b[3\xc2\x9b"
           "1mred",
           "red");
    expect("\x1b(\xc2\xa0", "\xc2\xa0");
}

static void nothing_unfinished_is_shown_at_the_end(void **state)
{
    (void)state;
    expect("a\x1b", "a");
    expect("a\x1b[31", "a");
    expect("a\x1b]0;title", "a");
    expect("a\x1b]0;title\x1b", "a");
    expect("a\xc2", "a\xc2"); /* was no control yet */
    expect("a\x1b]0;\xc2", "a");
}

static void a_sequence_without_lines_ends_after_a_bound(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"\x1b]", "\x1bP", "\x1b[", "\x1b(", "\xc2\x9d"};
    enum { SIZE = VT_LONGEST + 1000 };
    char *bytes = malloc(SIZE), *out = malloc(SIZE + 1);
    assert_non_null(bytes);
    assert_non_null(out);
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        struct vt vt = {0};
        memset(bytes, ' ', SIZE); /* in a CSI, something between */
        memcpy(bytes, beginnings[i], strlen(beginnings[i]));
        size_t length = vt_strip(&vt, bytes, SIZE, out);
        assert_in_range(length, 990, 1000);
        assert_int_equal(vt.state, 0);
    }
    free(out);
    free(bytes);
}

/* ---- Anything --------------------------------------------------------------------------------------------------- */

/* The promise to whoever shows the result on a terminal. */
static bool is_harmless(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i], next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
        if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
            return false;
    }
    return true;
}

static void two_halves_of_a_control_do_not_come_together(void **state)
{
    (void)state;
    expect("\xc2\x1b[m\x9b"
           "31mred",
           "red");
    expect("\xc2\x07\x9b"
           "31mred",
           "red");
    expect("\xc2\xc2\x84\x9b"
           "31mred",
           "\xc2red");
    expect("\xc2\x1b[m\xa9", "\xc2\xa9");
    expect("\xc2\xc2\xa0", "\xc2\xc2\xa0");
}

static void nothing_of_a_control_is_left_in_any_text(void **state)
{
    (void)state;
    static const char letters[] =
        "\x1b\x1b\x1b[[]P(\\\\mm0;?ab\n\r\t\x07\x18\x7f\x01\xc2\xc2\xc2\x9b\x9c\x9d\x90\xa0\xc3";
    unsigned seed = 4711;
    for (int round = 0; round < 1500; round++) {
        char bytes[48];
        size_t length = (size_t)rand_r(&seed) % (sizeof(bytes) + 1), ends = 0, kept = 0;
        for (size_t i = 0; i < length; i++) {
            bytes[i] = letters[(size_t)rand_r(&seed) % sizeof(letters)];
            ends += bytes[i] == '\n' || bytes[i] == '\r';
        }
        struct report stripped = strip((struct cutting){.bytes = bytes, .length = length});
        assert_true(is_harmless(stripped.bytes, stripped.length));
        for (size_t i = 0; i < stripped.length; i++)
            kept += stripped.bytes[i] == '\n' || stripped.bytes[i] == '\r';
        assert_int_equal(kept, ends); /* lines stay */
        expect_of(bytes, length, stripped.bytes, stripped.length);
        report_free(&stripped);
    }
}

static const struct test tests[] = {
    PK_TEST(text_is_left_alone),
    PK_TEST(control_sequences_are_left_out),
    PK_TEST(other_escape_sequences_are_left_out),
    PK_TEST(control_strings_are_left_out_with_what_is_in_them),
    PK_TEST(control_characters_are_left_out_but_tab_and_ends_of_lines),
    PK_TEST(control_characters_within_a_sequence_do_not_end_it),
    PK_TEST(a_sequence_ends_with_its_line),
    PK_TEST(a_sequence_ends_with_what_can_be_no_part_of_it),
    PK_TEST(nothing_unfinished_is_shown_at_the_end),
    PK_TEST(a_sequence_without_lines_ends_after_a_bound),
    PK_TEST(two_halves_of_a_control_do_not_come_together),
    PK_TEST(nothing_of_a_control_is_left_in_any_text),
};

PK_TEST_MAIN(tests)
