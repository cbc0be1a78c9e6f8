/*
 * Probes of pages.
 */
#include "asking.h"
#include "sys/fault.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- HTTP ------------------------------------------------------------------------------------------------------- */

struct page {
    struct server server;
    struct probe probe;
    char url[128];
    char request[4096]; /* the last one */
    pk_time now;
};

static void open_page(struct page *page, unsigned first, unsigned last)
{
    page->now = PK_SECONDS(1);
    page->server = take_port(AF_INET);
    begin_to_listen(&page->server);
    snprintf(page->url, sizeof(page->url), "http://127.0.0.1:%u/health?x", page->server.port);
    assert_int_equal(probe_begin_http(&page->probe, page->url, first, last, NULL), 0);
}

static void close_page(struct page *page)
{
    probe_end(&page->probe);
    let_go(&page->server);
}

/* Begins an attempt, up to where the probe waits for an answer. */
static int accept_request(struct page *page)
{
    page->now += PK_SECONDS(10);
    assert_int_equal(probe_advance(&page->probe, page->now), 0);
    while (page->probe.events != POLLIN) {
        struct pollfd fd;
        probe_interest(&page->probe, &fd);
        assert_int_equal(poll(&fd, 1, 10000), 1);
        assert_int_equal(probe_advance(&page->probe, page->now), 0);
    }
    int connection = take_connection(&page->server);
    ssize_t length = recv(connection, page->request, sizeof(page->request) - 1, 0);
    assert_true(length > 4);
    page->request[length] = '\0';
    assert_string_equal(page->request + length - 4, "\r\n\r\n");
    return connection;
}

static int answer(struct page *page, const char *text, size_t length)
{
    int connection = accept_request(page);
    assert_int_equal(send(connection, text, length, 0), length);
    int r = carry_through(&page->probe, page->now);
    close(connection);
    return r;
}

static int answer_text(struct page *page, const char *text)
{
    return answer(page, text, strlen(text));
}

static void statuses_within_the_range_will_do(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, 204, 299);
    assert_int_equal(answer_text(&page, "HTTP/1.1 503 Service Unavailable\r\n\r\n"), 0);
    must_say(&page.probe, "the HTTP status of 127.0.0.1:%u was 503", page.server.port);
    assert_int_equal(answer_text(&page, "HTTP/1.1 203 X\r\n\r\n"), 0);
    assert_int_equal(answer_text(&page, "HTTP/1.1 300 X\r\n\r\n"), 0);
    assert_int_equal(answer_text(&page, "HTTP/1.1 101 Switching Protocols\r\n\r\n"), 0);
    must_say(&page.probe, "the HTTP status of 127.0.0.1:%u was 101", page.server.port);
    assert_int_equal(answer_text(&page, "HTTP/1.0 204 X\n"), 1);
    assert_int_equal(answer_text(&page, "HTTP/1.1 299\r\nA head without end: "), 1);
    assert_int_equal(answer_text(&page, "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 204 X\r\n"), 1);
    close_page(&page);
}

static void requests_are_what_servers_expect(void **state)
{
    (void)state;
    char expected[256];
    struct page page;
    open_page(&page, 200, 200);
    int connection = accept_request(&page);
    snprintf(expected, sizeof(expected),
             "GET /health?x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: processkit\r\nAccept: */*\r\n"
             "Connection: close\r\n\r\n",
             page.server.port);
    assert_string_equal(page.request, expected);
    close(connection);
    close_page(&page);
}

static void answers_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\n";
    struct page page;
    open_page(&page, 200, 200);
    int connection = accept_request(&page);
    int r = 0;
    for (size_t i = 0; text[i]; i++) {
        assert_int_equal(r, 0);
        assert_int_equal(probe_advance(&page.probe, page.now), 0); /* for no reason */
        assert_int_equal(send(connection, text + i, 1, 0), 1);
        struct pollfd fd;
        probe_interest(&page.probe, &fd);
        assert_int_equal(poll(&fd, 1, 10000), 1);
        r = probe_advance(&page.probe, page.now);
    }
    assert_int_equal(r, 1);
    close(connection);
    close_page(&page);
}

/* Goes on with one byte after it has begun so. */
static int answer_endlessly(struct page *page, const char *beginning, char byte)
{
    char endless[4096];
    size_t length = (size_t)snprintf(endless, sizeof(endless), "%s", beginning);
    memset(endless + length, byte, sizeof(endless) - length);
    return answer(page, endless, sizeof(endless));
}

static void garbage_is_no_answer(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, 200, 299);
    assert_int_equal(answer_text(&page, "SSH-2.0-OpenSSH_9.2\r\n"), 0);
    must_say(&page.probe, "the answer of 127.0.0.1:%u was not HTTP", page.server.port);
    assert_int_equal(answer_text(&page, "HTTP/1.1 200 OK\r\n"), 1);
    assert_int_equal(answer_endlessly(&page, "HTTP/1.1 200 ", 'x'), 0);
    must_say(&page.probe, "the answer of 127.0.0.1:%u was not HTTP", page.server.port);
    assert_int_equal(answer_text(&page, "HTTP/1.1 200 OK\r\n"), 1);
    assert_int_equal(answer_endlessly(&page, "", '\0'), 0);
    assert_int_equal(answer_endlessly(&page, "HTTP/1.1 103 Early Hints\r\nLink: ", 'x'), 0);
    must_say(&page.probe, "the answer of 127.0.0.1:%u was not HTTP", page.server.port);
    assert_int_equal(answer_endlessly(&page, "HTTP/1.1 200 OK\r\nLink: ", 'x'), 1);
    close_page(&page);
}

static void a_server_that_says_nothing_is_asked_again(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, 200, 299);
    int connection = accept_request(&page);
    struct pollfd fd;
    assert_int_equal(probe_interest(&page.probe, &fd), page.now + PK_SECONDS(1));
    assert_int_equal(probe_advance(&page.probe, page.now + PK_SECONDS(1) - 1), 0);
    assert_int_equal(page.probe.fd, fd.fd);
    assert_int_equal(probe_advance(&page.probe, page.now + PK_SECONDS(1)), 0);
    must_say(&page.probe, "127.0.0.1:%u did not answer", page.server.port);
    assert_int_equal(next_time(&page.probe), page.now + PK_SECONDS(1) + PK_MILLISECONDS(10));
    close(connection);
    assert_int_equal(answer_text(&page, "HTTP/1.1 200 OK\r\n"), 1);
    close_page(&page);
}

/* A trickle does not prolong its time. */
static void a_server_that_trickles_is_asked_again(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, 200, 299);
    int connection = accept_request(&page);
    struct pollfd fd;
    for (int i = 1; i < 10; i++) {
        assert_int_equal(send(connection, "H", 1, 0), 1);
        assert_int_equal(probe_interest(&page.probe, &fd), page.now + PK_SECONDS(1));
        assert_int_equal(poll(&fd, 1, 10000), 1);
        assert_int_equal(probe_advance(&page.probe, page.now + PK_MILLISECONDS(100) * (unsigned)i), 0);
        assert_int_equal(page.probe.fd, fd.fd);
    }
    assert_int_equal(probe_advance(&page.probe, page.now + PK_SECONDS(1)), 0);
    assert_int_equal(page.probe.fd, -1);
    close(connection);
    close_page(&page);
}

static void a_server_that_hangs_up_is_asked_again(void **state)
{
    (void)state;
    struct page page;
    open_page(&page, 200, 299);
    close(accept_request(&page));
    must_be_refused(&page.probe, page.now);
    must_say(&page.probe, "127.0.0.1:%u closed the connection without an answer", page.server.port);

    int connection = accept_request(&page);
    assert_int_equal(send(connection, "HTTP/1.1 200 OK", 15, 0), 15);
    close(connection);
    must_be_refused(&page.probe, page.now);
    must_say(&page.probe, "127.0.0.1:%u closed the connection without an answer", page.server.port);

    connection = accept_request(&page);
    assert_int_equal(sys_reset_on_close(connection), 0);
    close(connection);
    must_be_refused(&page.probe, page.now);
    must_say(&page.probe, "the connection to 127.0.0.1:%u failed: Connection reset by peer", page.server.port);

    /* At once, before anything could be said. */
    page.now += PK_SECONDS(10);
    sys_fault_clear();
    sys_fault_set("ppoll", 1, EINTR);
    assert_int_equal(probe_advance(&page.probe, page.now), 0);
    sys_fault_clear();
    connection = take_connection(&page.server);
    assert_int_equal(sys_reset_on_close(connection), 0);
    close(connection);
    must_be_refused(&page.probe, page.now);
    must_say(&page.probe, "the connection to 127.0.0.1:%u failed: Connection reset by peer", page.server.port);
    assert_int_equal(answer_text(&page, "HTTP/1.1 200 OK\r\n"), 1);
    close_page(&page);
}

static void pages_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    struct probe probe;
    pk_error error;
    expect_invalid(probe_begin_http(&probe, "https://127.0.0.1/", 200, 299, &error), -EINVAL, &error,
                   "invalid URL 'https://127.0.0.1/': it does not begin with http://");
    expect_invalid(probe_begin_http(&probe, "http://127.0.0.1/\r\nX: y", 200, 299, &error), -EINVAL, &error,
                   "invalid URL 'http://127.0.0.1/\\r\\nX: y': it has a space, a control character, a byte beyond "
                   "ASCII or a fragment");
    expect_invalid(probe_begin_http(&probe, "http://example.org/", 200, 299, &error), -EINVAL, &error,
                   "invalid host 'example.org': neither a numeric address nor localhost (names are not looked up)");
    expect_invalid(probe_begin_http(&probe, "http://127.0.0.1:0/", 200, 299, &error), -EINVAL, &error,
                   "invalid port 0: ports are 1 to 65535");
    expect_invalid(probe_begin_http(&probe, "http://127.0.0.1/", 199, 299, &error), -EINVAL, &error,
                   "invalid statuses 199 to 299: they are from 200 to 999");
    assert_int_equal(probe_begin_http(&probe, "http://127.0.0.1/", 200, 1000, NULL), -EINVAL);
    assert_int_equal(probe_begin_http(&probe, "http://127.0.0.1/", 201, 200, NULL), -EINVAL);
    assert_int_equal(probe_begin_http(&probe, NULL, 200, 200, NULL), -EINVAL);
}

/* What is short here, or makes no sense, is told at once; nothing stays open. */
static void what_fails_here_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *call;
        int number;
    } cases[] = {{"socket", EMFILE},  {"socket", ENOBUFS},  {"connect", EIO},      {"ppoll", ENOMEM},
                 {"getsockopt", EIO}, {"getpeername", EIO}, {"send", ENOMEM},      {"recv", ENOMEM},
                 {"connect", EINVAL}, {"recv", ENOTCONN},   {"getpeername", EBADF}};
    struct page page;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_page(&page, 200, 299);
        assert_int_equal(answer_text(&page, "HTTP/1.1 503 X\r\n"), 0); /* the next attempt makes all calls again */
        page.now += PK_SECONDS(10);
        sys_fault_clear();
        sys_fault_set(cases[i].call, 0, cases[i].number);
        int r = carry_through(&page.probe, page.now);
        if (r != -cases[i].number)
            fail_msg("%s: %d, not %d", cases[i].call, r, -cases[i].number);
        assert_int_equal(page.probe.fd, -1);
        sys_fault_clear();
        close_page(&page);
    }
    open_page(&page, 200, 299);
    int connection = accept_request(&page);
    probe_end(&page.probe); /* in the middle of it */
    close(connection);
    let_go(&page.server);
}

static const struct test tests[] = {
    PK_TEST(statuses_within_the_range_will_do),
    PK_TEST(requests_are_what_servers_expect),
    PK_TEST(answers_may_come_byte_by_byte),
    PK_TEST(garbage_is_no_answer),
    PK_TEST(a_server_that_says_nothing_is_asked_again),
    PK_TEST(a_server_that_trickles_is_asked_again),
    PK_TEST(a_server_that_hangs_up_is_asked_again),
    PK_TEST(pages_that_make_no_sense_are_refused),
    PK_TEST(what_fails_here_is_told),
};

PK_TEST_MAIN(tests)
