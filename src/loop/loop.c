/*
 * The loop: an epoll descriptor, and a timerfd in it for the earliest timer.
 */
#include "loop/loop.h"

#include "base/error.h"
#include "base/time.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

enum { BATCH = 32 };

struct pk_loop {
    uint64_t epoch; /* of the process that made it: a forked child shares the epoll, and must leave it alone */
    int epoll;
    int timerfd;   /* -1 until the first timer with a time */
    pk_time armed; /* what the timerfd is set to; PK_FOREVER: nothing */
    struct timers timers;
    struct loop_timer *all_timers; /* expired and idle ones included */
    size_t timer_count;            /* of them: as many places are reserved */
    struct loop_watch *watches;

    /* While events are being dispatched: those not delivered yet. Whoever is removed is struck from here. */
    struct epoll_event *pending;
    int pending_count;
    bool dispatching;

    struct tracer tracer; /* for who lets it carry something */
};

/* ---- Creating and freeing --------------------------------------------------------------------------------------- */

int pk_loop_create(pk_loop **ret, pk_error *error)
{
    pk_loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a loop");
    loop->epoch = sys_epoch();
    loop->timerfd = -1;
    loop->armed = PK_FOREVER;
    loop->epoll = sys_keep(sys_epoll_create());
    if (loop->epoll < 0) {
        int r = loop->epoll;
        free(loop);
        return error_errno(error, r, PK_STEP_LOOP, NULL, "cannot make a loop");
    }
    *ret = loop;
    return 0;
}

void pk_loop_trace(pk_loop *loop, pk_trace_callback callback, void *data)
{
    loop->tracer = (struct tracer){callback, data};
}

const struct tracer *loop_tracer(const pk_loop *loop)
{
    return &loop->tracer;
}

/* ---- Watches ---------------------------------------------------------------------------------------------------- */

int loop_watch_add(pk_loop *loop, struct loop_watch *watch, int fd, uint32_t events,
                   void (*callback)(struct loop_watch *watch, int fd, uint32_t events, void *data), void *data)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int r = sys_epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
    if (r < 0)
        return r;
    *watch = (struct loop_watch){.loop = loop, .fd = fd, .callback = callback, .data = data};
    watch->next = loop->watches;
    watch->link = &loop->watches;
    if (watch->next)
        watch->next->link = &watch->next;
    loop->watches = watch;
    return 0;
}

static void detach(struct loop_watch *watch)
{
    pk_loop *loop = watch->loop;
    *watch->link = watch->next;
    if (watch->next)
        watch->next->link = watch->link;
    for (int i = 0; i < loop->pending_count; i++)
        if (loop->pending[i].data.ptr == watch)
            loop->pending[i].data.ptr = NULL;
    watch->loop = NULL;
}

void loop_watch_remove(struct loop_watch *watch)
{
    if (!watch->loop)
        return;
    if (watch->loop->epoch == sys_epoch())
        sys_epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    detach(watch);
}

/* ---- Timers ----------------------------------------------------------------------------------------------------- */

static pk_time first_time(const pk_loop *loop)
{
    const struct timer_node *first = timers_first(&loop->timers);
    return first ? first->when : PK_FOREVER;
}

static int make_timerfd(pk_loop *loop)
{
    int timerfd = sys_keep(sys_timerfd_create());
    if (timerfd < 0)
        return timerfd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop};
    int r = sys_epoll_ctl(loop->epoll, EPOLL_CTL_ADD, timerfd, &event);
    if (r < 0) {
        sys_close(timerfd);
        return r;
    }
    loop->timerfd = timerfd;
    return 0;
}

/* Sets the timerfd to a time; a time of 0 would mean "never" to the kernel. */
static int arm(pk_loop *loop, pk_time when)
{
    if (when == loop->armed || loop->epoch != sys_epoch())
        return 0;
    int r = loop->timerfd < 0 ? make_timerfd(loop) : 0;
    if (r < 0)
        return r;
    struct itimerspec spec = {0};
    if (when != PK_FOREVER)
        spec.it_value = time_to_timespec(when ? when : 1);
    r = sys_timerfd_settime(loop->timerfd, &spec);
    if (r == 0)
        loop->armed = when;
    return r;
}

int loop_timer_add(pk_loop *loop, struct loop_timer *timer, pk_time when,
                   void (*callback)(struct loop_timer *timer, void *data), void *data)
{
    int r = timers_reserve(&loop->timers, loop->timer_count + 1);
    if (r < 0)
        return r;
    loop->timer_count++;
    *timer = (struct loop_timer){.loop = loop, .callback = callback, .data = data, .next = loop->all_timers};
    timer->link = &loop->all_timers;
    if (timer->next)
        timer->next->link = &timer->next;
    loop->all_timers = timer;
    r = loop_timer_set(timer, when);
    if (r < 0)
        loop_timer_remove(timer);
    return r;
}

/* Whoever polls the loop's descriptor must be woken by the new time, so it is armed here; inside a dispatch, at its
 * end. */
int loop_timer_set(struct loop_timer *timer, pk_time when)
{
    pk_loop *loop = timer->loop;
    if (!loop)
        return 0;
    timers_set(&loop->timers, &timer->node, when);
    return loop->dispatching ? 0 : arm(loop, first_time(loop));
}

static void forget_timer(struct loop_timer *timer)
{
    pk_loop *loop = timer->loop;
    timers_remove(&loop->timers, &timer->node);
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    loop->timer_count--;
    timer->loop = NULL;
}

void loop_timer_remove(struct loop_timer *timer)
{
    pk_loop *loop = timer->loop;
    if (!loop)
        return;
    forget_timer(timer);
    if (!loop->dispatching)
        arm(loop, first_time(loop)); /* if that fails, the loop wakes once for nothing */
}

/* ---- Dispatching ------------------------------------------------------------------------------------------------ */

/* At most as many as there were: timers that callbacks set to be due at once must not starve the descriptors. */
static int run_timers(pk_loop *loop)
{
    pk_time now = sys_now();
    int called = 0;
    for (size_t left = loop->timers.count; left > 0; left--) {
        struct timer_node *node = timers_first(&loop->timers);
        if (!node || node->when > now)
            break;
        struct loop_timer *timer = (struct loop_timer *)node;
        timers_remove(&loop->timers, node);
        timer->callback(timer, timer->data);
        called++;
    }
    return called;
}

static void clear_timerfd(pk_loop *loop)
{
    uint64_t expirations;
    sys_read(loop->timerfd, &expirations, sizeof(expirations));
    loop->armed = PK_FOREVER;
}

static int run_watches(pk_loop *loop)
{
    int called = 0;
    for (int i = 0; i < loop->pending_count; i++) {
        struct epoll_event *event = &loop->pending[i];
        struct loop_watch *watch = event->data.ptr;
        if (event->data.ptr == loop) {
            clear_timerfd(loop);
        } else if (watch) {
            event->data.ptr = NULL;
            watch->callback(watch, watch->fd, event->events, watch->data);
            called++;
        }
    }
    return called;
}

/* Waits for descriptors, for the first timer or for the deadline, whatever comes first. */
static int collect(pk_loop *loop, pk_time deadline, struct epoll_event *events)
{
    pk_time until = time_earlier(first_time(loop), deadline);
    if (until == 0 || until <= sys_now())
        return sys_epoll_wait(loop->epoll, events, BATCH, 0);
    int r = arm(loop, until); /* epoll_wait alone knows milliseconds only */
    return r < 0 ? r : sys_epoll_wait(loop->epoll, events, BATCH, -1);
}

int pk_loop_dispatch(pk_loop *loop, pk_time deadline, pk_error *error)
{
    struct epoll_event events[BATCH];

    if (loop->dispatching)
        return error_set(error, -EDEADLK, PK_ERROR_INVALID, PK_STEP_LOOP, NULL,
                         "cannot dispatch a loop from one of its own callbacks");
    int count = collect(loop, deadline, events);
    if (count < 0 && count != -EINTR)
        return error_errno(error, count, PK_STEP_LOOP, NULL, "cannot wait for events");

    loop->dispatching = true;
    loop->pending = events;
    loop->pending_count = count > 0 ? count : 0;
    int called = run_watches(loop);
    loop->pending_count = 0;
    loop->pending = NULL;
    called += run_timers(loop);
    loop->dispatching = false;

    int r = arm(loop, first_time(loop));
    return r < 0 ? error_errno(error, r, PK_STEP_LOOP, NULL, "cannot set a timer") : called;
}

int pk_loop_fd(const pk_loop *loop)
{
    return loop->epoll;
}

pk_duration pk_loop_timeout(const pk_loop *loop)
{
    return time_left(first_time(loop), sys_now());
}

/* Watches and timers that are still there find their loop gone: they do nothing any more, and can still be freed. */
pk_loop *pk_loop_free(pk_loop *loop)
{
    if (!loop)
        return NULL;
    while (loop->watches)
        detach(loop->watches);
    while (loop->all_timers)
        forget_timer(loop->all_timers);
    sys_close_safe(loop->timerfd);
    sys_close_safe(loop->epoll);
    timers_free(&loop->timers);
    free(loop);
    return NULL;
}
