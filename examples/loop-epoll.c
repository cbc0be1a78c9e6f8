/*
 * In a program that has an epoll loop of its own.
 */
#include "job.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

static void on_end(void *data)
{
    *(bool *)data = true;
}

int main(void)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    bool ended = false;

    if (pk_loop_create(&loop, &error) < 0 || job_start(loop, on_end, &ended, &error) < 0)
        return job_fail(&error);

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event children = {.events = EPOLLIN, .data.ptr = loop};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, pk_loop_fd(loop), &children) < 0)
        return perror("epoll"), 1;
    while (!ended) {
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, -1) < 1)
            continue;
        if (event.data.ptr == loop && pk_loop_dispatch(loop, 0, &error) < 0)
            return job_fail(&error);
    }
    close(epoll);
    return 0;
}
