/*
 * The little of HTTP that it takes to ask for a status. Pure: text in, text out.
 */
#ifndef PK_IO_HTTP_H
#define PK_IO_HTTP_H

#include <stddef.h>

enum { HTTP_URL_MAX = 2000, HTTP_HOST_SIZE = 64 };

struct http_url {
    char host[HTTP_HOST_SIZE]; /* without brackets */
    unsigned port;
    const char *path; /* begins with a slash; in the URL, or static */
};

/* NULL, or what is wrong with it. Whether the host is one is for others to say. */
const char *http_parse_url(const char *text, struct http_url *url);

/*
 * The final status at the beginning of an answer, behind those in between (1xx but 101): 0 if more has to come first,
 * -EPROTO if that is no HTTP/1. Cuts what it has passed over off the beginning.
 */
int http_parse_status(char *answer, size_t *length);

#endif
