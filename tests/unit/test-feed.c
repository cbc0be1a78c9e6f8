/*
 * Filling a pipe from bytes and from callbacks, at the reader's pace.
 */
#include "harness.h"
#include "io/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MUCH = 1 << 20 };

/* Whoever writes to its end has the signal's default. */
static struct feed open_feed(int ends[2], const struct feed_source *source)
{
    struct feed feed;
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(feed_open(&feed, ends[1], false, source), 0);
    return feed;
}

static size_t read_into(int fd, char *buffer, size_t size)
{
    ssize_t r = read(fd, buffer, size);
    assert_true(r >= 0);
    return (size_t)r;
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

static void all_bytes_come_and_then_the_end(void **state)
{
    (void)state;
    int ends[2];
    char *bytes = malloc(MUCH), *got = malloc(MUCH);
    size_t length = 0;
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = (char)(i * 2654435761U >> 11);
    struct feed feed = open_feed(ends, &(struct feed_source){.bytes = bytes, .length = MUCH});

    while (length < MUCH) {
        feed_advance(&feed); /* a full pipe is no reason to wait */
        assert_int_equal(feed_interest(&feed).fd, feed.done ? -1 : feed.fd);
        length += read_into(ends[0], got + length, MUCH - length);
    }
    assert_memory_equal(bytes, got, MUCH);
    feed_advance(&feed);
    assert_true(feed.done);
    assert_int_equal(feed_interest(&feed).fd, -1);
    feed_settle(&feed);
    assert_int_equal(feed.fd, -1);
    assert_int_equal(read_into(ends[0], got, 1), 0);
    assert_int_equal(feed.error, 0);
    feed_close(&feed);
    close(ends[0]);
    free(bytes);
    free(got);
}

static void no_bytes_are_an_end_at_once(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    struct feed feed = open_feed(ends, &(struct feed_source){.bytes = ""});
    feed_advance(&feed);
    feed_settle(&feed);
    assert_int_equal(read_into(ends[0], &byte, 1), 0);
    close(ends[0]);
}

/* A child need not read: no signal, and no error. */
static void a_reader_that_has_gone_is_no_error(void **state)
{
    (void)state;
    int ends[2];
    struct feed feed = open_feed(ends, &(struct feed_source){.bytes = "abc", .length = 3});
    close(ends[0]);
    feed_advance(&feed);
    assert_true(feed.done);
    assert_int_equal(feed.error, 0);
    feed_settle(&feed);
    assert_int_equal(feed.fd, -1);
}

static void a_write_that_fails_is_an_error(void **state)
{
    (void)state;
    struct feed feed;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(feed_open(&feed, fd, false, &(struct feed_source){.bytes = "abc", .length = 3}), 0);
    feed_advance(&feed);
    assert_true(feed.done);
    assert_int_equal(feed.error, -ENOSPC);
    feed_settle(&feed);
    assert_int_equal(feed.fd, -1);
}

static void a_descriptor_that_is_none_is_an_error(void **state)
{
    (void)state;
    struct feed feed;
    assert_int_equal(feed_open(&feed, 9999, false, &(struct feed_source){.bytes = "abc", .length = 3}), -EBADF);
    feed_close(&feed);
}

/* ---- Callbacks -------------------------------------------------------------------------------------------------- */

struct script {
    const ssize_t *answers; /* how many bytes, or what else; the last one ends it */
    size_t asked;
    size_t given;
};

static ssize_t play(void *buffer, size_t size, void *data)
{
    struct script *script = data;
    ssize_t answer = script->answers[script->asked++];
    assert_true(size >= 4096);
    for (ssize_t i = 0; i < answer && (size_t)i < size; i++)
        ((char *)buffer)[i] = (char)('a' + script->given++ % 26);
    return answer;
}

static void a_callback_is_asked_until_its_end(void **state)
{
    (void)state;
    int ends[2];
    char got[64] = "";
    static const ssize_t answers[] = {3, 1, 5, 0};
    struct script script = {.answers = answers};
    struct feed feed = open_feed(ends, &(struct feed_source){.callback = play, .data = &script});
    feed_advance(&feed);
    assert_true(feed.done);
    assert_int_equal(script.asked, 4);
    assert_int_equal(read_into(ends[0], got, sizeof(got)), 9);
    assert_string_equal(got, "abcdefghi");
    feed_close(&feed);
    close(ends[0]);
}

/* It is asked again when it says so, and not before. */
static void a_callback_without_anything_waits(void **state)
{
    (void)state;
    int ends[2];
    char got[64] = "";
    static const ssize_t answers[] = {2, -EAGAIN, 2, 0};
    struct script script = {.answers = answers};
    struct feed feed = open_feed(ends, &(struct feed_source){.callback = play, .data = &script});
    feed_advance(&feed);
    assert_true(feed.waiting);
    assert_int_equal(feed_interest(&feed).fd, -1);
    feed_advance(&feed);
    assert_int_equal(script.asked, 2);
    feed.waiting = false;
    assert_int_equal(feed_interest(&feed).fd, feed.fd);
    feed_advance(&feed);
    assert_true(feed.done);
    assert_int_equal(read_into(ends[0], got, sizeof(got)), 4);
    assert_string_equal(got, "abcd");
    feed_close(&feed);
    close(ends[0]);
}

static void fail_with(const ssize_t *answers, int error)
{
    int ends[2];
    char got[64] = "";
    struct script script = {.answers = answers};
    struct feed feed = open_feed(ends, &(struct feed_source){.callback = play, .data = &script});
    feed_advance(&feed);
    assert_true(feed.done);
    assert_int_equal(feed.error, error);
    assert_int_equal(read_into(ends[0], got, sizeof(got)), 2); /* what it gave before came */
    feed_close(&feed);
    assert_int_equal(feed.error, error);
    close(ends[0]);
}

static void the_error_of_a_callback_ends_it(void **state)
{
    (void)state;
    static const ssize_t fails[] = {2, -EIO}, claims_too_much[] = {2, 1 << 30};
    fail_with(fails, -EIO);
    fail_with(claims_too_much, -EINVAL);
}

/* A source without an end leaves everybody else their turn. */
static ssize_t give_all(void *buffer, size_t size, void *data)
{
    (void)data;
    memset(buffer, 'x', size);
    return (ssize_t)size;
}

static void an_endless_source_takes_turns(void **state)
{
    (void)state;
    struct feed feed;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(feed_open(&feed, fd, false, &(struct feed_source){.callback = give_all}), 0);
    feed_advance(&feed);
    assert_false(feed.done);
    feed_close(&feed);
}

static const struct test tests[] = {
    PK_TEST(all_bytes_come_and_then_the_end),       PK_TEST(no_bytes_are_an_end_at_once),
    PK_TEST(a_reader_that_has_gone_is_no_error),    PK_TEST(a_write_that_fails_is_an_error),
    PK_TEST(a_descriptor_that_is_none_is_an_error), PK_TEST(a_callback_is_asked_until_its_end),
    PK_TEST(a_callback_without_anything_waits),     PK_TEST(the_error_of_a_callback_ends_it),
    PK_TEST(an_endless_source_takes_turns),
};

PK_TEST_MAIN(tests)
