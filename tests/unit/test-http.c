/*
 * The little of HTTP that a probe speaks.
 */
#include "harness.h"
#include "io/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- URLs ------------------------------------------------------------------------------------------------------- */

static void parts_of_urls_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
        const char *path;
    } cases[] = {
        {"http://127.0.0.1", "127.0.0.1", 80, "/"},
        {"http://127.0.0.1/", "127.0.0.1", 80, "/"},
        {"http://localhost:8080/health?deep=1&x", "localhost", 8080, "/health?deep=1&x"},
        {"http://[::1]:81/a:b", "::1", 81, "/a:b"},
        {"http://[fe80::1]/", "fe80::1", 80, "/"},
        {"http://h:00080//", "h", 80, "//"},
        {"http://h:99999/", "h", 99999, "/"}, /* for others to judge */
        {"http://u@h/", "u@h", 80, "/"},
        {"http:///", "", 80, "/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_url url;
        assert_null(http_parse_url(cases[i].text, &url));
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.path, cases[i].path);
    }
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "http:",
        "http:/",
        "HTTP://h/",
        "https://h/",
        "127.0.0.1:80",
        "/health",
        "http://h:/",
        "http://h:x/",
        "http://h:-1/",
        "http://h:+1/",
        "http://h:123456/",
        "http://h:18446744073709551696/",
        "http://h:80health",
        "http://::1/",
        "http://[::1",
        "http://[::1]x/",
        "http://[localhost]/",
        "http://h/a b",
        "http://h/a\tb",
        "http://h/a\r\nX-Header: 1",
        "http://h/\x7f",
        "http://h/\xc3\xa4",
        "http://h/a#b",
        "http://0123456789012345678901234567890123456789012345678901234567890123/",
    };
    struct http_url url;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (!http_parse_url(cases[i], &url))
            fail_msg("taken: %s", cases[i]);
    assert_non_null(http_parse_url(NULL, &url));
}

static void urls_have_a_length(void **state)
{
    (void)state;
    char text[HTTP_URL_MAX + 2];
    struct http_url url;
    memset(text, 'x', sizeof(text));
    memcpy(text, "http://h/", 9);
    text[HTTP_URL_MAX] = '\0';
    assert_null(http_parse_url(text, &url));
    assert_ptr_equal(url.path, text + 8);
    text[HTTP_URL_MAX] = 'x';
    text[HTTP_URL_MAX + 1] = '\0';
    assert_non_null(http_parse_url(text, &url));
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static int status_of(const char *text)
{
    char answer[1024];
    size_t length = (size_t)snprintf(answer, sizeof(answer), "%s", text);
    return http_parse_status(answer, &length);
}

static void statuses_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n", 200},
        {"HTTP/1.0 404 Not Found\r\nServer: x", 404},
        {"HTTP/1.1 503\r\n", 503},
        {"HTTP/1.1 503 \r\n", 503},
        {"HTTP/1.1 999 \xff\x1b[2J\n", 999},
        {"HTTP/1.1 101 Switching Protocols\r\n", 101},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 200},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 P\n\nHTTP/1.1 204 X\n", 204},
        {"", 0},
        {"H", 0},
        {"HTTP/1.1 200 OK", 0},
        {"HTTP/1.1 200 OK\r", 0},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", 0},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0},
        {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 20", 0},
        {"\r\n", -EPROTO},
        {"HTTP/1.1\r\n", -EPROTO},
        {"HTTP/1.1 20\r\n", -EPROTO},
        {"HTTP/1.1 2000 OK\r\n", -EPROTO},
        {"HTTP/1.1  200 OK\r\n", -EPROTO},
        {"HTTP/1.1 -20 OK\r\n", -EPROTO},
        {"HTTP/1.1 099 OK\r\n", -EPROTO},
        {"HTTP/2 200 OK\r\n", -EPROTO},
        {"HTTP/2.0 200 OK\r\n", -EPROTO},
        {"http/1.1 200 OK\r\n", -EPROTO},
        {"SSH-2.0-OpenSSH_9.2\r\n", -EPROTO},
        {"220 mail ready\n", -EPROTO},
        {"HTTP/1.1 100 Continue\r\n\r\ngarbage\n", -EPROTO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (status_of(cases[i].text) != cases[i].status)
            fail_msg("%d, not %d: %s", status_of(cases[i].text), cases[i].status, cases[i].text);
}

static void nul_bytes_end_nothing(void **state)
{
    (void)state;
    char answer[] = "HTTP/1.1 200 O\0K\r\n";
    size_t length = sizeof(answer) - 1;
    assert_int_equal(http_parse_status(answer, &length), 200);
    char other[] = "HTTP/1.1 2\0"
                   "0 OK\r\n";
    length = sizeof(other) - 1;
    assert_int_equal(http_parse_status(other, &length), -EPROTO);
}

/* Whatever the pieces, the same comes of them. */
static void answers_may_come_in_pieces(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n";
    for (size_t piece = 1; piece <= sizeof(text) - 1; piece++) {
        char answer[sizeof(text)];
        size_t length = 0;
        int status = 0;
        for (size_t from = 0; from < sizeof(text) - 1; from += piece) {
            size_t size = sizeof(text) - 1 - from < piece ? sizeof(text) - 1 - from : piece;
            assert_int_equal(status, 0);
            memcpy(answer + length, text + from, size);
            length += size;
            status = http_parse_status(answer, &length);
        }
        assert_int_equal(status, 200);
    }
}

static const struct test tests[] = {
    PK_TEST(parts_of_urls_are_found), PK_TEST(what_is_no_url_is_refused), PK_TEST(urls_have_a_length),
    PK_TEST(statuses_are_read),       PK_TEST(nul_bytes_end_nothing),     PK_TEST(answers_may_come_in_pieces),
};

PK_TEST_MAIN(tests)
