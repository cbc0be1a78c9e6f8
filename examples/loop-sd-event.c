/*
 * In a program that has a loop of sd-event.
 */
#include "job.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
    pk_error error;
    (void)source, (void)fd, (void)events;
    int r = pk_loop_dispatch(data, 0, &error);
    return r < 0 ? job_fail(&error), r : 0;
}

static void on_end(void *data)
{
    sd_event_exit(data, 0);
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    sd_event *event = NULL;

    int r = sd_event_default(&event);
    if (r >= 0 && (pk_loop_create(&loop, &error) < 0 || job_start(loop, on_end, event, &error) < 0))
        return job_fail(&error);
    if (r >= 0)
        r = sd_event_add_io(event, NULL, pk_loop_fd(loop), EPOLLIN, on_readable, loop); /* it goes with the loop */
    if (r >= 0)
        r = sd_event_loop(event);
    if (r < 0)
        fprintf(stderr, "sd-event: %s\n", strerror(-r));
    sd_event_unref(event);
    return r < 0;
}
