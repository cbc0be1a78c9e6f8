/*
 * URLs and status lines.
 */
#include "io/http.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* ---- URLs ------------------------------------------------------------------------------------------------------- */

/* What may stand in a request line as it is. */
static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

/* Takes the host up to where its port or the path begins, or NULL. */
static const char *take_host(const char *text, struct http_url *url)
{
    bool brackets = text[0] == '[';
    if (brackets)
        text++;
    size_t length = strcspn(text, brackets ? "]" : ":/");
    if (length >= sizeof(url->host) || (brackets && text[length] != ']'))
        return NULL;
    memcpy(url->host, text, length);
    url->host[length] = '\0';
    /* An address of IPv6 and nothing else: "[localhost]" is none. */
    if (brackets && !strchr(url->host, ':'))
        return NULL;
    return text + length + brackets;
}

/* Takes ":8080"; up to where the path begins, or NULL. */
static const char *take_port(const char *text, struct http_url *url)
{
    enum { DEFAULT_PORT = 80, MOST_DIGITS = 5, TEN = 10 };
    url->port = DEFAULT_PORT;
    if (*text != ':')
        return text;
    size_t digits = strspn(text + 1, "0123456789");
    if (digits == 0 || digits > MOST_DIGITS)
        return NULL;
    url->port = 0;
    for (size_t i = 1; i <= digits; i++)
        url->port = url->port * TEN + (unsigned)(text[i] - '0');
    return text + 1 + digits;
}

const char *http_parse_url(const char *text, struct http_url *url)
{
    static const char scheme[] = "http://";
    if (!text || strncmp(text, scheme, sizeof(scheme) - 1) != 0)
        return "it does not begin with http://";
    if (strlen(text) > HTTP_URL_MAX)
        return "it is too long";
    if (!is_plain(text) || strchr(text, '#'))
        return "it has a space, a control character, a byte beyond ASCII or a fragment";
    text = take_host(text + sizeof(scheme) - 1, url);
    if (!text)
        return "its host is neither a numeric address nor localhost";
    text = take_port(text, url);
    if (!text)
        return "its port is no number";
    if (*text != '\0' && *text != '/')
        return "its path does not begin with a slash";
    url->path = *text ? text : "/";
    return NULL;
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

/* Of "HTTP/1.1 200 OK", with whatever ends the line: 0 if that cannot become one. */
static int status_of_line(const char *line, size_t length)
{
    static const char form[] = "HTTP/1.d ddd";
    enum { FORM = sizeof(form) - 1, DIGITS = 3, TEN = 10 };
    if (length < FORM)
        return 0;
    for (size_t i = 0; i < FORM; i++)
        if (form[i] == 'd' ? line[i] < '0' || line[i] > '9' : line[i] != form[i])
            return 0;
    if (length > FORM && line[FORM] != ' ' && line[FORM] != '\r')
        return 0;
    int status = 0;
    for (size_t i = FORM - DIGITS; i < FORM; i++)
        status = status * TEN + (line[i] - '0');
    return status;
}

/* Behind the empty line that ends a head, or NULL while there is none. */
static char *behind_head(char *answer, size_t length)
{
    char *end = answer + length;
    for (char *line = answer; line < end;) {
        char *feed = memchr(line, '\n', (size_t)(end - line));
        if (!feed)
            break;
        if (feed == line || (feed == line + 1 && *line == '\r'))
            return feed + 1;
        line = feed + 1;
    }
    return NULL;
}

int http_parse_status(char *answer, size_t *length)
{
    enum { SWITCHING = 101, LEAST_FINAL = 200, LEAST = 100 };
    for (;;) {
        const char *feed = memchr(answer, '\n', *length);
        if (!feed)
            return 0;
        int status = status_of_line(answer, (size_t)(feed - answer));
        if (status < LEAST)
            return -EPROTO;
        if (status >= LEAST_FINAL || status == SWITCHING)
            return status;
        const char *next = behind_head(answer, *length);
        if (!next)
            return 0;
        *length -= (size_t)(next - answer);
        memmove(answer, next, *length);
    }
}
