/*
 * The one definition of a line.
 */
#include "cutting.h"
#include "harness.h"
#include "io/lines.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines as the tests write them: what ended each stands behind it. */
static const char *const marks[] = {
    [PK_LINE_LF] = "<LF>",    [PK_LINE_CRLF] = "<CRLF>", [PK_LINE_CR] = "<CR>",
    [PK_LINE_PIECE] = "<..>", [PK_LINE_EOF] = "<EOF>",
};

struct setting {
    size_t line_max;
    bool split_at_cr;
};

/* Takes what there is, and checks what holds for every line. */
static void take_lines(struct lines *lines, uint64_t *number, struct report *shown)
{
    pk_line line;
    int r;
    while ((r = lines_read(lines, &line)) == 1) {
        assert_int_equal(line.number, *number);
        assert_int_equal(line.text[line.length], '\0');
        assert_true(line.length <= lines->line_max);
        assert_true(line.end != PK_LINE_EOF || line.length > 0);
        report_append(shown, line.text, line.length);
        report_add(shown, "%s", marks[line.end]);
        *number += line.end != PK_LINE_PIECE;
    }
    assert_int_equal(r, 0);
}

static struct report split(struct setting setting, struct cutting cutting)
{
    struct lines lines;
    struct report shown = {0};
    char *piece;
    size_t length;
    uint64_t number = 1;
    lines_init(&lines, setting.line_max, setting.split_at_cr);
    while ((length = cutting_next(&cutting, &piece)) > 0) {
        lines_feed(&lines, piece, length);
        take_lines(&lines, &number, &shown);
    }
    lines_finish(&lines);
    take_lines(&lines, &number, &shown);
    take_lines(&lines, &number, &shown); /* nothing more, however often it is asked */
    lines_free(&lines);
    report_append(&shown, "", 0);
    return shown;
}

static void expect_of(struct setting setting, const char *bytes, size_t length, const char *expected,
                      size_t expected_length)
{
    for (size_t which = 0; which < cutting_count(length); which++) {
        struct report shown = split(setting, (struct cutting){.which = which, .bytes = bytes, .length = length});
        if (shown.length != expected_length ||
            (expected_length > 0 && memcmp(shown.bytes, expected, expected_length) != 0))
            fail_msg("cut in way %zu, lines of at most %zu%s: '%s', not '%s'", which, setting.line_max,
                     setting.split_at_cr ? " split at CR" : "", shown.bytes ? shown.bytes : "", expected);
        report_free(&shown);
    }
}

static void expect(struct setting setting, const char *bytes, const char *expected)
{
    expect_of(setting, bytes, strlen(bytes), expected, strlen(expected));
}

static const struct setting plain = {0, false}, progress = {0, true};

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

static void a_line_ends_with_lf_or_crlf(void **state)
{
    (void)state;
    expect(plain, "", "");
    expect(plain, "a\nb\n", "a<LF>b<LF>");
    expect(plain, "a\r\nb\r\n", "a<CRLF>b<CRLF>");
    expect(plain, "\n\r\n\n", "<LF><CRLF><LF>");
    expect(plain, "a\r\n\nb\n", "a<CRLF><LF>b<LF>");
    expect(plain, "a\r\r\nb", "a\r<CRLF>b<EOF>");
    expect(plain, "10%\r20%\rdone\n", "10%\r20%\rdone<LF>");
    expect(plain, "\n\r", "<LF>\r<EOF>");
}

static void a_carriage_return_alone_ends_one_if_that_is_wanted(void **state)
{
    (void)state;
    expect(progress, "", "");
    expect(progress, "10%\r20%\rdone\n", "10%<CR>20%<CR>done<LF>");
    expect(progress, "a\r\nb\r\n", "a<CRLF>b<CRLF>");
    expect(progress, "a\r\r\nb\r", "a<CR><CRLF>b<CR>");
    expect(progress, "\r\r\n\n\r", "<CR><CRLF><LF><CR>");
    expect(progress, "a\n\rb", "a<LF><CR>b<EOF>");
}

static void what_follows_the_last_end_is_a_line_unless_it_is_empty(void **state)
{
    (void)state;
    expect(plain, "a", "a<EOF>");
    expect(plain, "a\nb", "a<LF>b<EOF>");
    expect(plain, "a\r", "a\r<EOF>");
    expect(plain, "\r", "\r<EOF>");
    expect(progress, "a\nb", "a<LF>b<EOF>");
}

static void nul_is_a_byte_as_any_other(void **state)
{
    (void)state;
    static const char bytes[] = "a\0b\n\0\r\n\0", lines[] = "a\0b<LF>\0<CRLF>\0<EOF>";
    expect_of(plain, bytes, sizeof(bytes) - 1, lines, sizeof(lines) - 1);
    expect_of(progress, bytes, sizeof(bytes) - 1, lines, sizeof(lines) - 1);
}

/* ---- Pieces ----------------------------------------------------------------------------------------------------- */

static void a_long_line_comes_in_pieces(void **state)
{
    (void)state;
    static const struct setting three = {3, false}, three_cr = {3, true}, one = {1, false};
    expect(three, "abc\n", "abc<LF>");
    expect(three, "abc\r\n", "abc<CRLF>"); /* the CR is no byte of the line */
    expect(three, "abc", "abc<EOF>");
    expect(three, "abcd\n", "abc<..>d<LF>");
    expect(three, "abcdef\r\ng", "abc<..>def<CRLF>g<EOF>");
    expect(three, "abcdefg", "abc<..>def<..>g<EOF>");
    expect(three, "abc\r", "abc<..>\r<EOF>");
    expect(three, "abc\rd\n", "abc<..>\rd<LF>");
    expect(three, "abc\r\r\n", "abc<..>\r<CRLF>");
    expect(three, "abc\r\r\r\r\n", "abc<..>\r\r\r<CRLF>");
    expect(three_cr, "abc\rabcd\rabc\r\nabcd", "abc<CR>abc<..>d<CR>abc<CRLF>abc<..>d<EOF>");
    expect(one, "ab\r\n\nc\r", "a<..>b<CRLF><LF>c<..>\r<EOF>");
}

static void no_piece_ends_within_a_character_that_fits(void **state)
{
    (void)state;
    expect((struct setting){4, false}, "a\xe2\x82\xac\xe2\x82\xac\n", "a\xe2\x82\xac<..>\xe2\x82\xac<LF>");
    expect((struct setting){4, false}, "ab\xe2\x82\xac\n", "ab<..>\xe2\x82\xac<LF>");
    expect((struct setting){4, false}, "ab\xf0\x9f\x90\xa7\n", "ab<..>\xf0\x9f\x90\xa7<LF>");
    expect((struct setting){5, false}, "ab\xf0\x9f\x90\xa7\n", "ab<..>\xf0\x9f\x90\xa7<LF>");
    expect((struct setting){4, true}, "\xf0\x9f\x90\xa7\xc3\xbc\r", "\xf0\x9f\x90\xa7<..>\xc3\xbc<CR>");
    expect((struct setting){2, false}, "\xe2\x82\xac", "\xe2\x82<..>\xac<EOF>");         /* does not fit */
    expect((struct setting){3, false}, "\x80\x80\x80\x80", "\x80\x80\x80<..>\x80<EOF>"); /* is none */
    expect((struct setting){4, false}, "\xc3\xbc\xbc\xbc\xbc", "\xc3\xbc\xbc\xbc<..>\xbc<EOF>");
    expect((struct setting){3, false}, "\xf0\x9f\x90\xa7", "\xf0\x9f\x90<..>\xa7<EOF>");
}

static void a_megabyte_without_an_end_takes_memory_for_a_piece(void **state)
{
    (void)state;
    enum { SIZE = 5 << 20, FEED = 100000 };
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)('a' + i % 23);
    struct lines lines;
    size_t seen = 0, pieces = 0;
    lines_init(&lines, 0, false);
    for (size_t fed = 0; fed <= SIZE; fed += FEED) {
        pk_line line;
        size_t length = fed + FEED < SIZE ? FEED : SIZE - fed;
        lines_feed(&lines, bytes + fed, length);
        if (length < FEED)
            lines_finish(&lines);
        while (lines_read(&lines, &line) == 1) {
            assert_memory_equal(line.text, bytes + seen, line.length);
            assert_int_equal(line.number, 1);
            seen += line.length;
            pieces += line.end == PK_LINE_PIECE;
        }
        assert_true(lines.line.size <= PK_LINE_MAX + 4);
    }
    assert_int_equal(seen, SIZE);
    assert_int_equal(pieces, SIZE / PK_LINE_MAX - 1);
    lines_free(&lines);
    free(bytes);
}

static void the_longest_line_is_no_sum_that_overflows(void **state)
{
    (void)state;
    expect((struct setting){SIZE_MAX, false}, "ab\r\nc", "ab<CRLF>c<EOF>");
    expect((struct setting){SIZE_MAX / 2, true}, "ab\rc", "ab<CR>c<EOF>");
}

/* ---- Where they are --------------------------------------------------------------------------------------------- */

static void a_line_that_is_all_there_is_not_moved(void **state)
{
    (void)state;
    static const char left[] = "one\0two\0\n\0\0\nthr";
    char bytes[] = "one\ntwo\r\n\n\r\nthr", rest[] = "ee\nfour\n";
    const char *places[] = {bytes, bytes + 4, bytes + 9, bytes + 10, NULL, rest + 3};
    struct lines lines;
    pk_line line;
    lines_init(&lines, 0, false);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (i == 0)
            lines_feed(&lines, bytes, strlen(bytes));
        if (!places[i]) { /* it came in two */
            assert_int_equal(lines_read(&lines, &line), 0);
            assert_memory_equal(bytes, left, sizeof(left) - 1); /* but for the ends */
            lines_feed(&lines, rest, strlen(rest));
        }
        assert_int_equal(lines_read(&lines, &line), 1);
        if (places[i])
            assert_ptr_equal(line.text, places[i]);
        else
            assert_string_equal(line.text, "three");
    }
    lines_free(&lines);
}

/* ---- Anything --------------------------------------------------------------------------------------------------- */

/* The definition once more, byte by byte and with all of the stream in view. */
static void model(struct setting setting, const char *bytes, size_t length, struct report *shown)
{
    for (size_t begin = 0; begin < length;) {
        size_t end = begin, next;
        while (end < length && bytes[end] != '\n' && !(setting.split_at_cr && bytes[end] == '\r'))
            end++;
        next = end + 1;
        const char *mark = end == length ? "<EOF>" : bytes[end] == '\r' ? "<CR>" : "<LF>";
        if (end < length && bytes[end] == '\r' && end + 1 < length && bytes[end + 1] == '\n') {
            mark = "<CRLF>";
            next++;
        } else if (end < length && bytes[end] == '\n' && end > begin && bytes[end - 1] == '\r') {
            mark = "<CRLF>";
            end--;
        }
        for (; end - begin > setting.line_max; begin += setting.line_max) {
            report_append(shown, bytes + begin, setting.line_max);
            report_add(shown, "<..>");
        }
        report_append(shown, bytes + begin, end - begin);
        report_add(shown, "%s", mark);
        begin = next;
    }
}

static void all_lines_are_those_of_the_definition(void **state)
{
    (void)state;
    static const char letters[] = {'a', 'b', '\0', '\r', '\r', '\n'};
    unsigned seed = 4711;
    for (int round = 0; round < 1000; round++) {
        char bytes[40];
        size_t length = (size_t)rand_r(&seed) % (sizeof(bytes) + 1);
        struct setting setting = {.line_max = (size_t)rand_r(&seed) % 6 + 1, .split_at_cr = rand_r(&seed) % 2};
        for (size_t i = 0; i < length; i++)
            bytes[i] = letters[(size_t)rand_r(&seed) % sizeof(letters)];
        struct report expected = {0};
        report_append(&expected, "", 0);
        model(setting, bytes, length, &expected);
        expect_of(setting, bytes, length, expected.bytes, expected.length);
        report_free(&expected);
    }
}

/* ---- What is not finished --------------------------------------------------------------------------------------- */

static void expect_pending(struct setting setting, const char *fed, const char *expected)
{
    struct lines lines;
    pk_line line;
    const char *bytes;
    char *copy = strdup(fed);
    assert_non_null(copy);
    lines_init(&lines, setting.line_max, setting.split_at_cr);
    lines_feed(&lines, copy, strlen(copy));
    while (lines_read(&lines, &line) == 1)
        ;
    for (int i = 0; i < 2; i++) { /* it stays */
        size_t length = lines_pending(&lines, &bytes);
        assert_int_equal(length, strlen(expected));
        if (length > 0)
            assert_memory_equal(bytes, expected, length);
    }
    lines_free(&lines);
    free(copy);
}

static void an_unfinished_line_can_be_looked_at(void **state)
{
    (void)state;
    expect_pending(plain, "", "");
    expect_pending(plain, "a\n", "");
    expect_pending(plain, "a\nPassword: ", "Password: ");
    expect_pending(plain, "50%\r", "50%");
    expect_pending(plain, "\r", "");
    expect_pending(progress, "50%\r", "50%");
    expect_pending(progress, "50%\r60", "60");
    expect_pending((struct setting){3, false}, "abcdef", "def");
}

static const struct test tests[] = {
    PK_TEST(a_line_ends_with_lf_or_crlf),
    PK_TEST(a_carriage_return_alone_ends_one_if_that_is_wanted),
    PK_TEST(what_follows_the_last_end_is_a_line_unless_it_is_empty),
    PK_TEST(nul_is_a_byte_as_any_other),
    PK_TEST(a_long_line_comes_in_pieces),
    PK_TEST(no_piece_ends_within_a_character_that_fits),
    PK_TEST(a_megabyte_without_an_end_takes_memory_for_a_piece),
    PK_TEST(the_longest_line_is_no_sum_that_overflows),
    PK_TEST(a_line_that_is_all_there_is_not_moved),
    PK_TEST(all_lines_are_those_of_the_definition),
    PK_TEST(an_unfinished_line_can_be_looked_at),
};

PK_TEST_MAIN(tests)
