/*
 * Text that is safe to show.
 */
#include "harness.h"

#include <processkit/parse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(const char *text, const char *expected)
{
    char shown[256];
    assert_ptr_equal(pk_format_text(text, shown, sizeof(shown)), shown);
    assert_string_equal(shown, expected);
}

static void harmless_text_is_left_alone(void **state)
{
    (void)state;
    expect("", "");
    expect("plain text, 1\\2 'quoted'", "plain text, 1\\2 'quoted'");
    expect("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
}

static void what_could_harm_a_terminal_is_escaped(void **state)
{
    (void)state;
    expect("a\nb\tc\rd", "a\\nb\\tc\\rd");
    expect("\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f");
    expect("\xc2\x9b", "\\x9b"); /* the same as ESC [ in one character */
    expect("a\xe2\x80\xae"
           "b",
           "a\\u202eb"); /* would turn the rest around */
    expect("\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf", "\\u2028\\u2066\\ufeff");
}

/* Marks that change the direction of text, separators, and marks that nobody sees; and their neighbours. */
static void invisible_marks_are_told_from_their_neighbours(void **state)
{
    (void)state;
    static const unsigned marks[][2] = {/* first and last */
                                        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f}, {0x2028, 0x202e},
                                        {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}};
    for (unsigned c = ' '; c < 0xffff; c++) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        char text[4] = {0}, shown[16];
        if (c < 0x80)
            text[0] = (char)c;
        else if (c < 0x800)
            snprintf(text, sizeof(text), "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
        else
            snprintf(text, sizeof(text), "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
        bool mark = false;
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
            mark = mark || (c >= marks[i][0] && c <= marks[i][1]);
        pk_format_text(text, shown, sizeof(shown));
        if ((strcmp(text, shown) != 0) != mark)
            fail_msg("U+%04X is shown as '%s'", c, shown);
    }
}

static void bytes_that_are_no_characters_are_escaped(void **state)
{
    (void)state;
    expect("\xff\xfe", "\\xff\\xfe");
    expect("\xc3", "\\xc3"); /* cut short */
    expect("\xe2\x82", "\\xe2\\x82");
    expect("\xc0\xaf", "\\xc0\\xaf"); /* a longer form of '/' */
    expect("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
    expect("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* half a surrogate pair */
    expect("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond Unicode */
    expect("\x80x", "\\x80x");
}

/* Whatever the size: ended, not overrun, and cut between characters and escapes. */
static void cuts_are_clean(void **state)
{
    (void)state;
    static const char text[] = "a\n\xe2\x82\xac\xf0\x9f\x90\xa7\xff.";
    static const char *const whole = "a\\n\xe2\x82\xac\xf0\x9f\x90\xa7\\xff.";
    static const size_t borders[] = {0, 1, 3, 6, 10, 14, 15};
    for (size_t size = 0; size <= strlen(whole) + 1; size++) {
        char *shown = malloc(size + 1); /* exactly, so that a sanitizer sees an overrun */
        shown[size] = '#';
        pk_format_text(text, shown, size);
        assert_int_equal(shown[size], '#');
        if (size > 0) {
            size_t length = strlen(shown), most = 0;
            for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++)
                most = borders[i] < size ? borders[i] : most;
            assert_int_equal(length, most);
            assert_memory_equal(shown, whole, length);
        }
        free(shown);
    }
}

/* ---- Any bytes, any size ---------------------------------------------------------------------------------------- */

/* The length of the character at `text`, by the table of well-formed sequences in the Unicode standard; 0 if none. */
static size_t well_formed(const unsigned char *text)
{
    static const struct {
        unsigned char first_least, first_most, second_least, second_most;
        size_t length;
    } rows[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (text[0] < rows[i].first_least || text[0] > rows[i].first_most)
            continue;
        bool ok = rows[i].length < 2 || (text[1] >= rows[i].second_least && text[1] <= rows[i].second_most);
        for (size_t k = 2; ok && k < rows[i].length; k++)
            ok = text[k] >= 0x80 && text[k] <= 0xbf;
        return ok ? rows[i].length : 0;
    }
    return 0;
}

static bool is_well_formed(const char *text)
{
    const unsigned char *next = (const unsigned char *)text;
    while (*next) {
        size_t length = well_formed(next);
        if (length == 0 || (length == 1 && (*next < ' ' || *next == 0x7f)) || (*next == 0xc2 && next[1] < 0xa0))
            return false;
        next += length;
    }
    return true;
}

/* Every sequence of up to three bytes (of four, one of those that matter) is shown as it is, or escaped. */
static void every_short_sequence_is_decided_rightly(void **state)
{
    (void)state;
    static const unsigned char thirds[] = {0, '.', 0x7f, 0x80, 0x8e, 0x8f, 0x9f, 0xa8, 0xae, 0xbf, 0xc0, 0xff};
    for (unsigned first = 1; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t i = 0; i < sizeof(thirds); i++)
                for (unsigned fourth = 0; fourth < 256; fourth += 0x3f) {
                    const unsigned char text[] = {(unsigned char)first, (unsigned char)second, thirds[i],
                                                  (unsigned char)fourth, '\0'};
                    char shown[64];
                    pk_format_text((const char *)text, shown, sizeof(shown));
                    bool same = strcmp(shown, (const char *)text) == 0;
                    if (!is_well_formed(shown) || (same && !is_well_formed((const char *)text)))
                        fail_msg("%02x %02x %02x %02x was shown as '%s'", first, second, thirds[i], fourth, shown);
                }
}

static void random_text_is_shown_as_far_as_it_fits(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",        "\\",           "\n",           "\x1b[m",           "\xc2\x9b",
                                         "\xc3\xbc", "\xe2\x82\xac", "\xe2\x80\xae", "\xf0\x9f\x90\xa7", "\xed\xa0\x80",
                                         "\xf0\x9f", "\xff",         "\xc0\x80",     "\xef\xbf\xbd"};
    unsigned seed = 4711;
    for (int round = 0; round < 300; round++) {
        char text[64] = "", whole[256];
        for (int i = 0; i < 8; i++)
            strcat(text, pieces[rand_r(&seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
        pk_format_text(text, whole, sizeof(whole));
        assert_true(is_well_formed(whole));
        for (size_t size = 1, before = 0; size <= strlen(whole) + 1; size++) {
            char *shown = malloc(size); /* exactly, so that a sanitizer sees an overrun */
            assert_non_null(shown);
            size_t length = strlen(pk_format_text(text, shown, size));
            assert_true(length < size && length >= before && size - length <= 6);
            assert_memory_equal(shown, whole, length);
            assert_true(is_well_formed(shown));
            before = length;
            free(shown);
        }
    }
}

static const struct test tests[] = {
    PK_TEST(harmless_text_is_left_alone),
    PK_TEST(what_could_harm_a_terminal_is_escaped),
    PK_TEST(invisible_marks_are_told_from_their_neighbours),
    PK_TEST(bytes_that_are_no_characters_are_escaped),
    PK_TEST(cuts_are_clean),
    PK_TEST(every_short_sequence_is_decided_rightly),
    PK_TEST(random_text_is_shown_as_far_as_it_fits),
};

PK_TEST_MAIN(tests)
