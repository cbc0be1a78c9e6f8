/*
 * Asking for a page, and looking at nothing but the status of the answer.
 */
#include "base/error.h"
#include "io/http.h"
#include "io/probe-kind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_SIZE = 1024, LEAST_STATUS = 200, MOST_STATUS = 999 };

struct exchange {
    unsigned first, last; /* statuses that will do */
    char *request;
    size_t request_length;
    size_t sent;
    char answer[ANSWER_SIZE]; /* its beginning: a status line that does not fit is none */
    size_t answer_length;
};

/* ---- The exchange ----------------------------------------------------------------------------------------------- */

static int send_request(struct probe *probe)
{
    struct exchange *exchange = probe->exchange;
    while (exchange->sent < exchange->request_length) {
        int r = sys_send(probe->fd, exchange->request + exchange->sent, exchange->request_length - exchange->sent);
        if (r == -EAGAIN)
            return PROBE_WAITS;
        if (r < 0)
            return probe_refuse_errno(probe, r);
        exchange->sent += (size_t)r;
    }
    probe->events = POLLIN;
    return PROBE_READY;
}

static int judge(struct probe *probe, int status)
{
    const struct exchange *exchange = probe->exchange;
    if (status < 0)
        return probe_refuse(probe, "the answer of %s was not HTTP", probe->place);
    if ((unsigned)status < exchange->first || (unsigned)status > exchange->last)
        return probe_refuse(probe, "the HTTP status of %s was %d", probe->place, status);
    return PROBE_READY;
}

static int receive_answer(struct probe *probe)
{
    struct exchange *exchange = probe->exchange;
    for (;;) {
        size_t room = sizeof(exchange->answer) - exchange->answer_length;
        int r = sys_receive(probe->fd, exchange->answer + exchange->answer_length, room);
        if (r == -EAGAIN)
            return PROBE_WAITS;
        if (r < 0)
            return probe_refuse_errno(probe, r);
        if (r == 0)
            return probe_refuse(probe, "%s closed the connection without an answer", probe->place);
        exchange->answer_length += (size_t)r;
        int status = http_parse_status(exchange->answer, &exchange->answer_length);
        if (status == 0 && exchange->answer_length == sizeof(exchange->answer))
            status = -EPROTO;
        if (status != 0)
            return judge(probe, status);
    }
}

/* ---- The probe -------------------------------------------------------------------------------------------------- */

static int converse(struct probe *probe)
{
    int r = send_request(probe);
    return r == PROBE_READY ? receive_answer(probe) : r;
}

static int attempt(struct probe *probe)
{
    probe->exchange->sent = 0;
    probe->exchange->answer_length = 0;
    int r = probe_connect(probe);
    return r == PROBE_READY ? converse(probe) : r;
}

static int proceed(struct probe *probe)
{
    int r = probe->connected ? PROBE_READY : probe_go_on_connecting(probe);
    return r == PROBE_READY ? converse(probe) : r;
}

static void end(struct probe *probe)
{
    free(probe->exchange->request);
    free(probe->exchange);
}

static int make_exchange(struct probe *probe, const char *path)
{
    static const char form[] = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: processkit\r\nAccept: */*\r\n"
                               "Connection: close\r\n\r\n";
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return -ENOMEM;
    int length = asprintf(&exchange->request, form, path, probe->place);
    if (length < 0) {
        free(exchange);
        return -ENOMEM;
    }
    exchange->request_length = (size_t)length;
    probe->exchange = exchange;
    return 0;
}

int probe_begin_http(struct probe *probe, const char *url, unsigned first, unsigned last, pk_error *error)
{
    static const struct probe_kind kind = {.attempt = attempt, .proceed = proceed, .end = end};
    struct http_url parsed;
    const char *wrong = http_parse_url(url, &parsed);
    if (wrong)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL, "invalid URL '%s': %s",
                         url ? url : "", wrong);
    if (first < LEAST_STATUS || last > MOST_STATUS || first > last)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid statuses %u to %u: they are from %d to %d", first, last, LEAST_STATUS, MOST_STATUS);
    probe_init(probe, &kind);
    int r = probe_set_host(probe, parsed.host, parsed.port, error);
    if (r < 0)
        return r;
    r = make_exchange(probe, parsed.path);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ALLOCATE, NULL, "cannot wait for an HTTP status");
    probe->exchange->first = first;
    probe->exchange->last = last;
    return 0;
}
