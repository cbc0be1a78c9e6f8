/*
 * URLs, and what servers answer: within bounds, and the same whatever the pieces it comes in.
 */
#include "fuzz.h"
#include "io/http.h"

#include <errno.h>

static void parse_url(const char *text)
{
    struct http_url url;
    if (http_parse_url(text, &url))
        return;
    HOLDS(strlen(text) <= HTTP_URL_MAX);
    HOLDS(memchr(url.host, '\0', sizeof(url.host)) != NULL);
    HOLDS(url.port <= 99999 && url.path[0] == '/');
    for (const char *c = url.path; *c; c++)
        HOLDS(*c > ' ' && *c <= '~' && *c != '#');
}

/* As it is read: a status once there is one, and never another one for what follows. */
static int status_of(const uint8_t *bytes, size_t size, size_t piece)
{
    char answer[1024];
    size_t length = 0;
    int status = 0;
    while (size > 0 && status == 0 && length < sizeof(answer)) {
        size_t taken = size < piece ? size : piece;
        if (taken > sizeof(answer) - length)
            taken = sizeof(answer) - length;
        memcpy(answer + length, bytes, taken);
        length += taken;
        bytes += taken;
        size -= taken;
        status = http_parse_status(answer, &length);
        HOLDS(length <= sizeof(answer));
        HOLDS(status == 0 || status == -EPROTO || status == 101 || (status >= 200 && status <= 999));
    }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = string_of(bytes, size);
    parse_url(text);
    free(text);
    int status = status_of(bytes, size, 1);
    if (size <= 1024)
        HOLDS(status_of(bytes, size, 1024) == status && status_of(bytes, size, 7) == status);
    return 0;
}
