/*
 * Watches and timers that live in other structures, without memory of their own.
 *
 * Who embeds one may remove it and free the memory at any time, inside callbacks too: the loop forgets it at once.
 */
#ifndef PK_LOOP_LOOP_H
#define PK_LOOP_LOOP_H

#include "loop/timers.h"

#include <processkit/loop.h>
#include <processkit/trace.h>

/* Who is told what is done; `callback` NULL: nobody. */
struct tracer {
    pk_trace_callback callback;
    void *data;
};

/* Who traces what that loop carries. */
const struct tracer *loop_tracer(const pk_loop *loop);

struct loop_watch {
    pk_loop *loop; /* NULL: not in one */
    int fd;
    void (*callback)(struct loop_watch *watch, int fd, uint32_t events, void *data);
    void *data;
    struct loop_watch *next; /* in the loop */
    struct loop_watch **link;
};

struct loop_timer {
    struct timer_node node; /* first: the heap hands out nodes */
    pk_loop *loop;
    void (*callback)(struct loop_timer *timer, void *data);
    void *data;
    struct loop_timer *next; /* in the loop */
    struct loop_timer **link;
};

/* `events` are EPOLLIN and so on. */
int loop_watch_add(pk_loop *loop, struct loop_watch *watch, int fd, uint32_t events,
                   void (*callback)(struct loop_watch *watch, int fd, uint32_t events, void *data), void *data);

/* The descriptor must still be open. Once more, or for one that was never added, does nothing. */
void loop_watch_remove(struct loop_watch *watch);

int loop_timer_add(pk_loop *loop, struct loop_timer *timer, pk_time when,
                   void (*callback)(struct loop_timer *timer, void *data), void *data);

/* PK_FOREVER: it stays, but does not expire. Fails only for want of a descriptor for the first timer of the loop. */
int loop_timer_set(struct loop_timer *timer, pk_time when);

void loop_timer_remove(struct loop_timer *timer);

#endif
