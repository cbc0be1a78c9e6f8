/*
 * In a program that has a loop of libevent.
 */
#include "job.h"

#include <event2/event.h>
#include <stdio.h>

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    pk_error error;
    (void)fd, (void)what;
    if (pk_loop_dispatch(data, 0, &error) < 0)
        job_fail(&error);
}

static void on_end(void *data)
{
    event_base_loopbreak(data);
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    struct event_base *base = event_base_new();

    if (pk_loop_create(&loop, &error) < 0 || job_start(loop, on_end, base, &error) < 0)
        return job_fail(&error);

    struct event *children = event_new(base, pk_loop_fd(loop), EV_READ | EV_PERSIST, on_readable, loop);
    if (!children || event_add(children, NULL) < 0 || event_base_dispatch(base) < 0)
        return fputs("libevent does not work\n", stderr), 1;
    event_free(children);
    event_base_free(base);
    return 0;
}
