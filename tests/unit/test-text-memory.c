/*
 * Lines for which there is no memory: what is lost is said, and what comes after it is not.
 *
 * Here are the functions of src/io/room.c, such that fail when they are told to.
 */
#include "harness.h"
#include "io/room.h"
#include "io/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t enough = SIZE_MAX; /* what is more cannot be had */

int room_reserve(struct room *room, size_t size, size_t most)
{
    assert_true(size <= most);
    if (size <= room->size)
        return 0;
    if (size > enough)
        return -ENOMEM;
    char *bytes = realloc(room->bytes, size); /* exactly */
    assert_non_null(bytes);
    *room = (struct room){bytes, size};
    return 0;
}

void room_free(struct room *room)
{
    free(room->bytes);
    *room = (struct room){0};
}

static size_t keep(int fd, char *text, size_t length, size_t capacity, void *data)
{
    (void)fd, (void)data;
    memset(text + length, '#', capacity - length); /* as much as it may */
    return length;
}

static void expect_line(struct text *text, const char *expected, uint64_t number)
{
    pk_line line;
    assert_int_equal(text_next(text, &line), 1);
    assert_string_equal(line.text, expected);
    assert_int_equal(line.number, number);
}

static void expect_loss(struct text *text)
{
    pk_line line;
    assert_int_equal(text_next(text, &line), -ENOMEM);
}

static void expect_nothing(struct text *text)
{
    pk_line line;
    assert_int_equal(text_next(text, &line), 0);
}

static struct text *make(const pk_text_options *options)
{
    struct text *text = NULL;
    assert_int_equal(text_new(&text, options, 1, NULL), 0);
    return text;
}

/* Until the next feed. */
static void feed(struct text *text, const char *bytes)
{
    static char fed[64];
    assert_true(strlen(bytes) < sizeof(fed));
    text_feed(text, strcpy(fed, bytes), strlen(bytes));
}

static void a_line_without_memory_is_lost_and_the_next_is_not(void **state)
{
    (void)state;
    struct text *text = make(NULL);
    enough = 8;
    feed(text, "1\nfar too l");
    expect_line(text, "1", 1);
    expect_loss(text);
    expect_nothing(text);
    feed(text, "ong\r\n3\n\nand th");
    expect_line(text, "3", 3);
    expect_line(text, "", 4);
    expect_nothing(text);
    feed(text, "is one too\n6");
    expect_loss(text);
    expect_nothing(text);
    text_finish(text);
    expect_line(text, "6", 6);
    expect_nothing(text);
    text_free(text);
}

static void the_rest_of_a_lost_line_is_passed_over(void **state)
{
    (void)state;
    const char *pending;
    struct text *text = make(NULL);
    enough = 8;
    feed(text, "begin");
    expect_nothing(text);
    feed(text, "ning");
    expect_loss(text);
    expect_nothing(text);
    feed(text, "x");
    expect_nothing(text);
    assert_int_equal(text_pending(text, &pending), 0);
    enough = SIZE_MAX; /* too late for this one */
    feed(text, "yz\r\nnext\nlast");
    expect_line(text, "next", 2);
    expect_nothing(text);
    text_finish(text);
    expect_line(text, "last", 3);
    expect_nothing(text);
    text_free(text);
}

static void a_line_lost_at_the_end_is_nothing_more(void **state)
{
    (void)state;
    struct text *text = make(NULL);
    enough = 0;
    feed(text, "\nbeginning");
    expect_line(text, "", 1); /* needs none */
    expect_loss(text);
    expect_nothing(text);
    text_finish(text);
    expect_nothing(text);
    text_free(text);
}

static void a_line_that_cannot_be_redacted_is_not_shown(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.redact = keep;
    const char *pending;
    struct text *text = make(&options);
    enough = 32; /* but redaction needs 64 more */
    feed(text, "1\n2\n3");
    expect_loss(text);
    expect_loss(text);
    expect_nothing(text);
    assert_int_equal(text_pending(text, &pending), 0);
    enough = SIZE_MAX;
    assert_int_equal(text_pending(text, &pending), 1);
    feed(text, "\n4\n");
    expect_line(text, "3", 3);
    expect_line(text, "4", 4);
    text_free(text);
}

static void pieces_need_no_more_than_is_said(void **state)
{
    (void)state;
    pk_text_options options = PK_TEXT_OPTIONS_INIT;
    options.line_max = 4;
    struct text *text = make(&options);
    enough = 4 + 4;
    feed(text, "abcdefgh\r\r\r\r\r\nabcd\r\n");
    for (const char *const *piece = (const char *const[]){"abcd", "efgh", "\r\r\r\r", NULL}; *piece; piece++)
        expect_line(text, *piece, 1);
    expect_line(text, "abcd", 2);
    text_free(text);
}

static const struct test tests[] = {
    PK_TEST(a_line_without_memory_is_lost_and_the_next_is_not),
    PK_TEST(the_rest_of_a_lost_line_is_passed_over),
    PK_TEST(a_line_lost_at_the_end_is_nothing_more),
    PK_TEST(a_line_that_cannot_be_redacted_is_not_shown),
    PK_TEST(pieces_need_no_more_than_is_said),
};

PK_TEST_MAIN(tests)
