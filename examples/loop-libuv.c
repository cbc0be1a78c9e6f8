/*
 * In a program that has a loop of libuv.
 */
#include "job.h"

#include <stdio.h>
#include <uv.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    pk_error error;
    (void)events;
    if (status == 0 && pk_loop_dispatch(poll->data, 0, &error) < 0)
        job_fail(&error);
}

static void on_end(void *data)
{
    uv_close(data, NULL); /* the last handle: uv_run returns */
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    uv_poll_t poll;

    if (pk_loop_create(&loop, &error) < 0 || job_start(loop, on_end, &poll, &error) < 0)
        return job_fail(&error);

    poll.data = loop;
    int r = uv_poll_init(uv_default_loop(), &poll, pk_loop_fd(loop));
    if (r == 0)
        r = uv_poll_start(&poll, UV_READABLE, on_readable);
    if (r == 0)
        r = uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    if (r != 0)
        fprintf(stderr, "libuv: %s\n", uv_strerror(r));
    uv_loop_close(uv_default_loop());
    return r != 0;
}
