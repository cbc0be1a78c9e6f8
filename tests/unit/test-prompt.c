/*
 * Searching for texts in lines that need not have ended, however the bytes come.
 */
#include "harness.h"
#include "io/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A stream, and the end at which the test writes. */
struct pair {
    struct stream stream;
    int writer;
};

static const bool never_freed = false;

static struct pair open_pair(const struct stream_uses *uses)
{
    int ends[2];
    struct pair pair;
    assert_return_code(pipe(ends), errno);
    assert_int_equal(stream_open(&pair.stream, ends[0], 1, uses, NULL), 0);
    pair.stream.freed = &never_freed;
    assert_int_equal(stream_pull(&pair.stream, NULL), 0);
    pair.writer = ends[1];
    return pair;
}

static void close_pair(struct pair *pair)
{
    stream_close(&pair->stream);
    if (pair->writer >= 0)
        close(pair->writer);
}

static void put(struct pair *pair, const char *text)
{
    assert_int_equal(write(pair->writer, text, strlen(text)), strlen(text));
}

static void put_end(struct pair *pair)
{
    close(pair->writer);
    pair->writer = -1;
}

static void expect_line(struct pair *pair, const char *text, pk_line_end end)
{
    pk_line line;
    assert_int_equal(stream_next_line(&pair->stream, &line), 1);
    assert_string_equal(line.text, text);
    assert_int_equal(line.length, strlen(text));
    assert_int_equal(line.end, end);
}

static void expect_none(struct pair *pair)
{
    pk_line line;
    assert_int_equal(stream_next_line(&pair->stream, &line), 0);
}

static int find(struct pair *pair, const char *text)
{
    return stream_find_text(&pair->stream, text);
}

/* ---- What is found ---------------------------------------------------------------------------------------------- */

static void prompts_are_found_without_an_end_of_line(void **state)
{
    (void)state;
    struct pair pair = open_pair(NULL);
    assert_int_equal(find(&pair, "login: "), 0);
    put(&pair, "welcome\nlog");
    assert_int_equal(find(&pair, "login: "), 0);
    put(&pair, "in: ");
    assert_int_equal(find(&pair, "login: "), 1);
    assert_int_equal(find(&pair, "login: "), 0); /* that one was found */
    expect_none(&pair);
    put(&pair, "me\nlogin: ");
    expect_line(&pair, "me", PK_LINE_LF);
    assert_int_equal(find(&pair, "login: "), 1);
    assert_false(pair.stream.ended);
    put_end(&pair);
    expect_none(&pair); /* nothing is left of that line */
    assert_true(pair.stream.ended);
    close_pair(&pair);
}

static void lines_before_are_gone_and_the_rest_is_there(void **state)
{
    (void)state;
    struct pair pair = open_pair(NULL);
    put(&pair, "one\ntwo, three and four\r\nfive\n");
    assert_int_equal(find(&pair, "two"), 1);
    assert_int_equal(find(&pair, "and "), 1);
    expect_line(&pair, "four", PK_LINE_CRLF);
    assert_int_equal(find(&pair, "five"), 1);
    expect_line(&pair, "", PK_LINE_LF);
    expect_none(&pair);
    put(&pair, "six, seven\neight\n");
    assert_int_equal(find(&pair, "six"), 1);
    assert_int_equal(find(&pair, "eight"), 1); /* the rest of a line is gone past as well */
    expect_line(&pair, "", PK_LINE_LF);
    assert_int_equal(find(&pair, "nine"), 0);
    close_pair(&pair);
}

static void a_last_line_is_searched(void **state)
{
    (void)state;
    struct pair pair = open_pair(NULL);
    put(&pair, "one two");
    put_end(&pair);
    assert_int_equal(find(&pair, "one"), 1);
    expect_line(&pair, " two", PK_LINE_EOF);
    expect_none(&pair);
    assert_int_equal(find(&pair, "one"), 0);
    assert_true(pair.stream.ended);
    close_pair(&pair);
}

/* What comes of "ab>c\n>d\n" if ">" is looked for twice and then a line is read; the bytes come in two pieces. */
static void pieces_make_no_difference(void **state)
{
    (void)state;
    static const char text[] = "ab> c\r\nde\n> f\nlast";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        char first[sizeof(text)];
        struct pair pair = open_pair(NULL);
        memcpy(first, text, cut);
        first[cut] = '\0';
        put(&pair, first);
        int found = find(&pair, "> ");
        put(&pair, text + cut);
        put_end(&pair);
        assert_true(found == 1 || find(&pair, "> ") == 1);
        expect_line(&pair, "c", PK_LINE_CRLF);
        assert_int_equal(find(&pair, "> "), 1);
        expect_line(&pair, "f", PK_LINE_LF);
        assert_int_equal(find(&pair, "last"), 1);
        expect_none(&pair);
        assert_true(pair.stream.ended);
        close_pair(&pair);
    }
}

static void long_lines_are_searched_piece_by_piece(void **state)
{
    (void)state;
    struct stream_uses uses = {
        .text = PK_TEXT_OPTIONS_INIT, .tees = {-1, -1}, .captured = true, .capture = PK_CAPTURE_OPTIONS_INIT};
    uses.text.line_max = 16;
    uses.text.strip_vt = true; /* the text is made at once */
    struct pair pair = open_pair(&uses);
    put(&pair, "0123456789");
    assert_int_equal(find(&pair, "345"), 1);
    put(&pair, "0123456789abcdef0123\n");
    expect_line(&pair, "6789012345", PK_LINE_PIECE); /* of its 16 bytes */
    expect_line(&pair, "6789abcdef0123", PK_LINE_LF);
    put(&pair, "0123456789abcdef0123");
    assert_int_equal(find(&pair, "ef"), 1); /* where the piece ends */
    put_end(&pair);
    expect_line(&pair, "0123", PK_LINE_EOF);
    close_pair(&pair);
}

static void what_is_kept_is_whole(void **state)
{
    (void)state;
    struct stream_uses uses = {
        .text = PK_TEXT_OPTIONS_INIT, .tees = {-1, -1}, .captured = true, .capture = PK_CAPTURE_OPTIONS_INIT};
    struct pair pair = open_pair(&uses);
    put(&pair, "a prompt> ");
    assert_int_equal(find(&pair, "prompt> "), 1);
    put(&pair, "and more\n");
    expect_line(&pair, "and more", PK_LINE_LF);
    assert_string_equal(stream_view(&pair.stream)->bytes, "a prompt> and more\n");
    close_pair(&pair);
}

static const struct test tests[] = {
    PK_TEST(prompts_are_found_without_an_end_of_line),
    PK_TEST(lines_before_are_gone_and_the_rest_is_there),
    PK_TEST(a_last_line_is_searched),
    PK_TEST(pieces_make_no_difference),
    PK_TEST(long_lines_are_searched_piece_by_piece),
    PK_TEST(what_is_kept_is_whole),
};

PK_TEST_MAIN(tests)
