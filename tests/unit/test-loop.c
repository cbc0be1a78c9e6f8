/*
 * The loop: watches, what callbacks may do to them, and waiting.
 */
#include "harness.h"
#include "sys/fault.h"

#include <processkit/loop.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
    pk_loop *loop;
};

enum { SOURCES = 100 };

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

static void open_pipe(struct source *source)
{
    *source = (struct source){0};
    assert_int_equal(pipe(source->ends), 0);
    assert_int_equal(write(source->ends[1], "x", 1), 1);
}

static void open_source(struct source *source, pk_loop *loop)
{
    open_pipe(source);
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

static void on_everything(pk_watch *watch, int fd, uint32_t events, void *data)
{
    struct source *all = data;
    (void)watch, (void)fd, (void)events;
    all[0].called++;
    for (int i = 0; i < SOURCES; i++)
        all[i].watch = pk_watch_free(all[i].watch);
}

/* More than the loop takes from the kernel at once. */
static void callbacks_may_free_every_watch(void **state)
{
    (void)state;
    struct source all[SOURCES] = {0};
    pk_loop *loop = make_loop();
    for (int i = 0; i < SOURCES; i++) {
        open_pipe(&all[i]);
        assert_int_equal(pk_loop_watch(loop, all[i].ends[0], EPOLLIN, on_everything, all, &all[i].watch, NULL), 0);
    }
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(all[0].called, 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_false(is_ready(pk_loop_fd(loop)));
    for (int i = 0; i < SOURCES; i++)
        close_source(&all[i]);
    pk_loop_free(loop);
}

static void many_ready_descriptors_all_have_their_turn(void **state)
{
    (void)state;
    struct source all[SOURCES];
    pk_loop *loop = make_loop();
    for (int i = 0; i < SOURCES; i++)
        open_source(&all[i], loop);
    for (int round = 0; round < 5; round++) /* the loop takes at least twenty at once */
        assert_true(pk_loop_dispatch(loop, 0, NULL) >= SOURCES / 5);
    for (int i = 0; i < SOURCES; i++)
        assert_true(all[i].called > 0);
    for (int i = 0; i < SOURCES; i++)
        close_source(&all[i]);
    pk_loop_free(loop);
}

/* Frees its victim and watches the same descriptor anew, likely in the same memory: of what happened before, that new
 * watch must not hear in this batch. */
static void on_replace(pk_watch *watch, int fd, uint32_t events, void *data)
{
    struct source *source = data;
    (void)fd, (void)events;
    source->called++;
    struct source *victim = source->victim;
    if (!victim)
        return;
    victim->victim = NULL;
    source->victim = NULL;
    pk_loop *loop = victim->loop;
    pk_watch_free(victim->watch);
    assert_int_equal(pk_loop_watch(loop, victim->ends[0], EPOLLIN, on_replace, victim, &victim->watch, NULL), 0);
    assert_ptr_not_equal(watch, victim->watch);
}

static void a_new_watch_does_not_inherit_events(void **state)
{
    (void)state;
    struct source a, b;
    pk_loop *loop = make_loop();
    open_pipe(&a);
    open_pipe(&b);
    a.victim = &b;
    b.victim = &a;
    a.loop = b.loop = loop;
    assert_int_equal(pk_loop_watch(loop, a.ends[0], EPOLLIN, on_replace, &a, &a.watch, NULL), 0);
    assert_int_equal(pk_loop_watch(loop, b.ends[0], EPOLLIN, on_replace, &b, &b.watch, NULL), 0);
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(a.called + b.called, 1);
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 2);
    close_source(&a);
    close_source(&b);
    pk_loop_free(loop);
}

static void on_events(pk_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd;
    *(uint32_t *)data = events;
}

static void events_are_those_asked_for_and_hangup(void **state)
{
    (void)state;
    struct source source;
    uint32_t events = 0;
    pk_watch *out = NULL;
    pk_loop *loop = make_loop();
    open_pipe(&source);
    assert_int_equal(pk_loop_watch(loop, source.ends[1], EPOLLOUT, on_events, &events, &out, NULL), 0);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_int_equal(events, EPOLLOUT);
    pk_watch_free(out);

    assert_int_equal(pk_loop_watch(loop, source.ends[0], 0, on_events, &events, &out, NULL), 0);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0); /* readable, but nobody asked */
    close(source.ends[1]);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_int_equal(events, EPOLLHUP);
    pk_watch_free(out);
    close(source.ends[0]);
    pk_loop_free(loop);
}

static void what_cannot_be_watched_is_refused(void **state)
{
    (void)state;
    struct source source;
    pk_error error;
    pk_watch *watch = NULL;
    pk_loop *loop = make_loop();
    open_source(&source, loop);
    assert_int_equal(pk_loop_watch(loop, -1, EPOLLIN, on_source, NULL, &watch, &error), -EBADF);
    assert_int_equal(error.number, -EBADF);
    assert_int_equal(error.step, PK_STEP_LOOP);
    assert_non_null(strstr(error.message, "descriptor -1"));
    assert_int_equal(pk_loop_watch(loop, source.ends[0], EPOLLIN, on_source, NULL, &watch, &error), -EEXIST);
    assert_int_equal(pk_loop_watch(loop, pk_loop_fd(loop), EPOLLIN, on_source, NULL, &watch, NULL), -EINVAL);
    assert_null(watch);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1); /* the one there was is as before */
    close_source(&source);
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
    assert_int_equal(pk_loop_dispatch(loop, deadline, NULL), 0); /* has passed */
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_loop_free(loop);
}

static void what_happens_before_the_deadline_ends_the_wait(void **state)
{
    (void)state;
    struct source source;
    pk_loop *loop = make_loop();
    open_source(&source, loop);
    pk_time deadline = pk_deadline(PK_SECONDS(1000));
    assert_int_equal(pk_loop_dispatch(loop, deadline, NULL), 1);
    assert_true(pk_now() < deadline);
    close_source(&source);
    assert_false(is_ready(pk_loop_fd(loop))); /* that deadline is forgotten */
    pk_loop_free(loop);
}

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
}

static void a_signal_handler_ends_the_wait(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGALRM, &action, NULL);
    pk_loop *loop = make_loop();
    /* Again and again: the first may come before the wait begins. */
    setitimer(ITIMER_REAL, &(struct itimerval){{.tv_usec = 20000}, {.tv_usec = 20000}}, NULL);
    pk_time deadline = pk_deadline(PK_SECONDS(1000));
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 0);
    assert_int_equal(signalled, SIGALRM);
    assert_int_equal(pk_loop_dispatch(loop, deadline, NULL), 0);
    assert_true(pk_now() < deadline);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_loop_free(loop);
}

static void on_reentry(pk_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    pk_error error;
    assert_int_equal(pk_loop_dispatch(data, 0, &error), -EDEADLK);
    assert_int_equal(error.number, -EDEADLK);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_int_equal(pk_loop_dispatch(data, PK_FOREVER, NULL), -EDEADLK);
}

static void dispatching_from_a_callback_is_refused(void **state)
{
    (void)state;
    struct source source;
    pk_loop *loop = make_loop();
    open_pipe(&source);
    assert_int_equal(pk_loop_watch(loop, source.ends[0], EPOLLIN, on_reentry, loop, &source.watch, NULL), 0);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1); /* afterwards it is allowed again */
    close_source(&source);
    pk_loop_free(loop);
}

static void on_other_loop(pk_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    assert_int_equal(pk_loop_dispatch(data, 0, NULL), 1);
}

static void a_loop_can_be_watched_by_another(void **state)
{
    (void)state;
    struct source source;
    pk_watch *watch = NULL;
    pk_loop *inner = make_loop(), *outer = make_loop();
    open_source(&source, inner);
    assert_int_equal(pk_loop_watch(outer, pk_loop_fd(inner), EPOLLIN, on_other_loop, inner, &watch, NULL), 0);
    assert_int_equal(pk_loop_dispatch(outer, PK_FOREVER, NULL), 1);
    assert_int_equal(source.called, 1);
    pk_watch_free(watch);
    close_source(&source);
    pk_loop_free(inner);
    pk_loop_free(outer);
}

static void watches_outlive_their_loop(void **state)
{
    (void)state;
    struct source a, b, c;
    pk_loop *loop = make_loop();
    open_source(&a, loop);
    open_source(&b, loop);
    open_source(&c, loop);
    close_source(&b); /* one from the middle of the list */
    assert_null(pk_loop_free(loop));
    close_source(&a);
    close_source(&c);
    assert_null(pk_loop_free(NULL));
    assert_null(pk_watch_free(NULL));
}

static void failures_are_clean(void **state)
{
    (void)state;
    struct source source;
    pk_error error = {0};
    pk_loop *loop = NULL;
    open_pipe(&source);
    sys_fault_set("epoll_create", 1, EMFILE);
    assert_int_equal(pk_loop_create(&loop, &error), -EMFILE);
    assert_int_equal(error.number, -EMFILE);
    assert_int_equal(error.kind, PK_ERROR_NO_MEMORY);
    assert_int_equal(error.step, PK_STEP_LOOP);
    assert_null(loop);

    loop = make_loop();
    sys_fault_clear();
    sys_fault_set("epoll_ctl", 1, ENOSPC);
    assert_int_equal(pk_loop_watch(loop, source.ends[0], EPOLLIN, on_source, NULL, &source.watch, &error), -ENOSPC);
    assert_int_equal(error.number, -ENOSPC);
    assert_null(source.watch);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);

    sys_fault_clear();
    sys_fault_set("epoll_wait", 1, EIO);
    assert_int_equal(pk_loop_dispatch(loop, 0, &error), -EIO);
    assert_int_equal(error.number, -EIO);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0); /* not stuck in a dispatch */
    sys_fault_clear();
    close_source(&source);
    pk_loop_free(loop);
}

static const struct test tests[] = {
    PK_TEST(watches_are_level_triggered),
    PK_TEST(callbacks_may_free_any_watch),
    PK_TEST(callbacks_may_free_every_watch),
    PK_TEST(many_ready_descriptors_all_have_their_turn),
    PK_TEST(a_new_watch_does_not_inherit_events),
    PK_TEST(events_are_those_asked_for_and_hangup),
    PK_TEST(what_cannot_be_watched_is_refused),
    PK_TEST(a_deadline_without_timers_is_kept),
    PK_TEST(what_happens_before_the_deadline_ends_the_wait),
    PK_TEST(a_signal_handler_ends_the_wait),
    PK_TEST(dispatching_from_a_callback_is_refused),
    PK_TEST(a_loop_can_be_watched_by_another),
    PK_TEST(watches_outlive_their_loop),
    PK_TEST(failures_are_clean),
};

PK_TEST_MAIN(tests)
