/*
 * The public watches and timers: the same that live in other structures, with memory of their own.
 */
#include "base/error.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>

struct pk_watch {
    struct loop_watch watch; /* first */
    pk_watch_callback callback;
    void *data;
};

struct pk_timer {
    struct loop_timer timer; /* first */
    pk_timer_callback callback;
    void *data;
};

static void on_watch(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    pk_watch *handle = data;
    (void)watch;
    handle->callback(handle, fd, events, handle->data);
}

static void on_timer(struct loop_timer *timer, void *data)
{
    pk_timer *handle = data;
    (void)timer;
    handle->callback(handle, handle->data);
}

int pk_loop_watch(pk_loop *loop, int fd, uint32_t events, pk_watch_callback callback, void *data, pk_watch **ret,
                  pk_error *error)
{
    pk_watch *handle = calloc(1, sizeof(*handle));
    if (!handle)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot watch a descriptor");
    *handle = (pk_watch){.callback = callback, .data = data};
    int r = loop_watch_add(loop, &handle->watch, fd, events, on_watch, handle);
    if (r < 0) {
        free(handle);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot watch descriptor %d", fd);
    }
    *ret = handle;
    return 0;
}

pk_watch *pk_watch_free(pk_watch *handle)
{
    if (handle)
        loop_watch_remove(&handle->watch);
    free(handle);
    return NULL;
}

int pk_loop_timer(pk_loop *loop, pk_time when, pk_timer_callback callback, void *data, pk_timer **ret, pk_error *error)
{
    pk_timer *handle = calloc(1, sizeof(*handle));
    if (!handle)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a timer");
    *handle = (pk_timer){.callback = callback, .data = data};
    int r = loop_timer_add(loop, &handle->timer, when, on_timer, handle);
    if (r < 0) {
        free(handle);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot make a timer");
    }
    *ret = handle;
    return 0;
}

int pk_timer_set(pk_timer *handle, pk_time when)
{
    return loop_timer_set(&handle->timer, when);
}

pk_timer *pk_timer_free(pk_timer *handle)
{
    if (handle)
        loop_timer_remove(&handle->timer);
    free(handle);
    return NULL;
}
