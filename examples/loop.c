/*
 * In a program whose own loop is a poll.
 */
#include "job.h"

#include <poll.h>

static void on_end(void *data)
{
    *(bool *)data = true;
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    bool ended = false;
    int r = pk_loop_create(&loop, &error);

    if (r == 0)
        r = job_start(loop, on_end, &ended, &error);
    while (r >= 0 && !ended) {
        struct pollfd ours = {.fd = pk_loop_fd(loop), .events = POLLIN}; /* beside whatever else there is */
        poll(&ours, 1, -1);
        r = pk_loop_dispatch(loop, 0, &error);
    }
    return r < 0 ? job_fail(&error) : 0;
}
