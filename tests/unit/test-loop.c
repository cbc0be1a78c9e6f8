/*
 * The loop: watches, timers, and everything that callbacks may do to them; and deadlines under them.
 */
#include "base/time.h"
#include "harness.h"
#include "loop/timers.h"
#include "sys/fault.h"

#include <processkit/loop.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

static pk_loop *make_loop(void)
{
    pk_loop *loop = NULL;
    assert_int_equal(pk_loop_create(&loop, NULL), 0);
    return loop;
}

static bool is_ready(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

/* A pipe with a byte in it. */
struct source {
    int ends[2];
    pk_watch *watch;
    int called;
    struct source *victim; /* freed by this one's callback, which may be itself */
};

static void on_source(pk_watch *watch, int fd, uint32_t events, void *data)
{
    struct source *source = data;
    (void)fd;
    assert_ptr_equal(watch, source->watch);
    assert_true(events & EPOLLIN);
    source->called++;
    if (source->victim)
        source->victim->watch = pk_watch_free(source->victim->watch);
}

static void open_source(struct source *source, pk_loop *loop)
{
    *source = (struct source){0};
    assert_int_equal(pipe(source->ends), 0);
    assert_int_equal(write(source->ends[1], "x", 1), 1);
    assert_int_equal(pk_loop_watch(loop, source->ends[0], EPOLLIN, on_source, source, &source->watch, NULL), 0);
}

static void close_source(struct source *source)
{
    pk_watch_free(source->watch);
    close(source->ends[0]);
    close(source->ends[1]);
}

static void watches_are_level_triggered(void **state)
{
    (void)state;
    struct source source;
    pk_loop *loop = make_loop();
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    open_source(&source, loop);
    assert_true(is_ready(pk_loop_fd(loop))); /* for a foreign loop */
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_int_equal(source.called, 2);
    close_source(&source);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    pk_loop_free(loop);
}

static void callbacks_may_free_any_watch(void **state)
{
    (void)state;
    struct source a, b;
    pk_loop *loop = make_loop();
    open_source(&a, loop);
    open_source(&b, loop);
    a.victim = &b; /* both are in the batch: whoever comes first frees the other */
    b.victim = &a;
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(a.called + b.called, 1);
    close_source(&a);
    close_source(&b);

    open_source(&a, loop);
    a.victim = &a;
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    close_source(&a);
    pk_loop_free(loop);
}

/* ---- Timers ----------------------------------------------------------------------------------------------------- */

struct alarm {
    pk_timer *timer;
    int *order; /* what number is next */
    int called;
    pk_time again; /* set anew for that time */
};

static void on_alarm(pk_timer *timer, void *data)
{
    struct alarm *alarm = data;
    assert_ptr_equal(timer, alarm->timer);
    alarm->called = alarm->order ? ++*alarm->order : alarm->called + 1;
    if (alarm->again)
        pk_timer_set(timer, alarm->again);
}

static void set_alarm(pk_loop *loop, struct alarm *alarm, pk_time when)
{
    assert_int_equal(pk_loop_timer(loop, when, on_alarm, alarm, &alarm->timer, NULL), 0);
}

static void timers_fire_in_order_and_not_early(void **state)
{
    (void)state;
    int order = 0;
    struct alarm first = {.order = &order}, second = {.order = &order}, never = {.order = &order};
    pk_loop *loop = make_loop();
    pk_time start = pk_now();
    assert_int_equal(pk_loop_timeout(loop), PK_FOREVER);
    set_alarm(loop, &never, PK_FOREVER);
    set_alarm(loop, &second, start + PK_MILLISECONDS(30));
    set_alarm(loop, &first, start + PK_MILLISECONDS(10));
    assert_true(pk_loop_timeout(loop) <= PK_MILLISECONDS(10));

    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_true(pk_now() >= start + PK_MILLISECONDS(10));
    while (order < 2)
        assert_true(pk_loop_dispatch(loop, PK_FOREVER, NULL) >= 0);
    assert_true(pk_now() >= start + PK_MILLISECONDS(30));
    assert_int_equal(first.called, 1);
    assert_int_equal(second.called, 2);
    assert_int_equal(never.called, 0);
    pk_timer_free(first.timer);
    pk_timer_free(second.timer);
    pk_timer_free(never.timer);
    pk_loop_free(loop);
}

static void a_due_timer_wakes_a_foreign_loop(void **state)
{
    (void)state;
    struct alarm alarm = {0};
    pk_loop *loop = make_loop();
    set_alarm(loop, &alarm, pk_deadline(PK_MILLISECONDS(5)));
    struct pollfd ready = {.fd = pk_loop_fd(loop), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_timer_free(alarm.timer);
    pk_loop_free(loop);
}

static void a_timer_that_is_always_due_starves_nobody(void **state)
{
    (void)state;
    struct alarm alarm = {.again = 1};
    struct source source;
    pk_loop *loop = make_loop();
    set_alarm(loop, &alarm, 1);
    open_source(&source, loop);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 2);
        assert_int_equal(alarm.called, i);
        assert_int_equal(source.called, i);
    }
    close_source(&source);
    pk_timer_free(alarm.timer);
    pk_loop_free(loop);
}

/* ---- Dispatching ------------------------------------------------------------------------------------------------ */

static void a_deadline_without_timers_is_kept(void **state)
{
    (void)state;
    pk_loop *loop = make_loop();
    pk_time deadline = pk_deadline(PK_MICROSECONDS(1500));
    assert_int_equal(pk_loop_dispatch(loop, deadline, NULL), 0);
    assert_true(pk_now() >= deadline);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    pk_loop_free(loop);
}

static void on_signal(int number)
{
    (void)number;
}

static void a_signal_handler_ends_the_wait(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGALRM, &action, NULL);
    pk_loop *loop = make_loop();
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {.tv_usec = 20000}}, NULL);
    assert_int_equal(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(20)), NULL), 0);
    pk_loop_free(loop);
}

static void on_reentry(pk_timer *timer, void *data)
{
    (void)timer;
    pk_error error;
    assert_int_equal(pk_loop_dispatch(data, 0, &error), -EDEADLK);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
}

static void dispatching_from_a_callback_is_refused(void **state)
{
    (void)state;
    pk_timer *timer = NULL;
    pk_loop *loop = make_loop();
    assert_int_equal(pk_loop_timer(loop, 1, on_reentry, loop, &timer, NULL), 0);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    pk_timer_free(timer);
    pk_loop_free(loop);
}

static void handles_outlive_their_loop(void **state)
{
    (void)state;
    struct source source;
    struct alarm alarm = {0};
    pk_loop *loop = make_loop();
    open_source(&source, loop);
    set_alarm(loop, &alarm, pk_deadline(PK_SECONDS(1)));
    assert_null(pk_loop_free(loop));
    assert_int_equal(pk_timer_set(alarm.timer, 1), 0);
    pk_timer_free(alarm.timer);
    close_source(&source);
    assert_null(pk_loop_free(NULL));
    assert_null(pk_watch_free(NULL));
    assert_null(pk_timer_free(NULL));
}

static void failures_are_clean(void **state)
{
    (void)state;
    static const char *const calls[] = {"epoll_create", "epoll_ctl", "timerfd_create", "timerfd_settime"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        pk_loop *loop = NULL;
        pk_timer *timer = NULL;
        pk_error error = {0};
        sys_fault_clear();
        sys_fault_set(calls[i], 1, EMFILE);
        int r = pk_loop_create(&loop, &error);
        if (r == 0)
            r = pk_loop_timer(loop, pk_deadline(PK_SECONDS(1)), on_alarm, NULL, &timer, &error);
        assert_int_equal(r, -EMFILE);
        assert_int_equal(error.number, -EMFILE);
        assert_null(timer);
        sys_fault_clear();
        pk_loop_free(loop);
    }
}

/* ---- The heap, against a naive model ---------------------------------------------------------------------------- */

static void the_heap_finds_the_earliest(void **state)
{
    (void)state;
    enum { NODES = 64, STEPS = 20000 };
    struct timers timers = {0};
    struct timer_node nodes[NODES] = {0};
    unsigned seed = 4711;
    assert_int_equal(timers_reserve(&timers, NODES), 0);
    for (int step = 0; step < STEPS; step++) {
        struct timer_node *node = &nodes[rand_r(&seed) % NODES];
        int what = rand_r(&seed) % 4;
        if (what == 0)
            timers_remove(&timers, node);
        else
            timers_set(&timers, node, what == 1 ? PK_FOREVER : (pk_time)(rand_r(&seed) % 1000));

        pk_time earliest = PK_FOREVER;
        for (int i = 0; i < NODES; i++)
            if (nodes[i].position != 0)
                earliest = time_earlier(earliest, nodes[i].when);
        const struct timer_node *first = timers_first(&timers);
        assert_true((first ? first->when : PK_FOREVER) == earliest);
    }
    timers_free(&timers);
}

static void deadlines_saturate(void **state)
{
    (void)state;
    assert_true(time_add(5, 6) == 11);
    assert_true(time_add(PK_FOREVER - 1, 5) == PK_FOREVER);
    assert_true(time_add(PK_FOREVER, 0) == PK_FOREVER);
    assert_true(pk_deadline(PK_FOREVER) == PK_FOREVER);
    assert_true(time_left(10, 4) == 6);
    assert_true(time_left(4, 10) == 0);
    assert_true(time_left(PK_FOREVER, UINT64_MAX - 1) == PK_FOREVER);
    assert_int_equal(time_to_timespec(UINT64_C(1500000001)).tv_nsec, 500000001);
}

static const struct test tests[] = {
    PK_TEST(watches_are_level_triggered),
    PK_TEST(callbacks_may_free_any_watch),
    PK_TEST(timers_fire_in_order_and_not_early),
    PK_TEST(a_due_timer_wakes_a_foreign_loop),
    PK_TEST(a_timer_that_is_always_due_starves_nobody),
    PK_TEST(a_deadline_without_timers_is_kept),
    PK_TEST(a_signal_handler_ends_the_wait),
    PK_TEST(dispatching_from_a_callback_is_refused),
    PK_TEST(handles_outlive_their_loop),
    PK_TEST(failures_are_clean),
    PK_TEST(the_heap_finds_the_earliest),
    PK_TEST(deadlines_saturate),
};

PK_TEST_MAIN(tests)
