/*
 * Timers: in order, never early, and whatever callbacks may do to them; and the heap they are in.
 */
#include "base/time.h"
#include "harness.h"
#include "loop/timers.h"
#include "sys/fault.h"

#include <processkit/loop.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static pk_loop *make_loop(void)
{
    pk_loop *loop = NULL;
    sys_fault_clear();
    assert_int_equal(pk_loop_create(&loop, NULL), 0);
    return loop;
}

static bool is_ready(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

/* A timer of the kernel fires by an interrupt, even if its time is over when it is set. */
static bool gets_ready(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, 10000) == 1;
}

struct alarm {
    pk_timer *timer;
    int *order; /* what number is next */
    int called;
    pk_time again;        /* set anew for that time */
    struct alarm *victim; /* freed by this one's callback, which may be itself */
};

static void on_alarm(pk_timer *timer, void *data)
{
    struct alarm *alarm = data;
    assert_ptr_equal(timer, alarm->timer);
    alarm->called = alarm->order ? ++*alarm->order : alarm->called + 1;
    if (alarm->again)
        assert_int_equal(pk_timer_set(timer, alarm->again), 0);
    if (alarm->victim)
        alarm->victim->timer = pk_timer_free(alarm->victim->timer);
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
    const pk_duration step = PK_MILLISECONDS(10 * test_slowness()); /* between the two, the first is dispatched */
    pk_loop *loop = make_loop();
    pk_time start = pk_now();
    assert_int_equal(pk_loop_timeout(loop), PK_FOREVER);
    set_alarm(loop, &never, PK_FOREVER);
    set_alarm(loop, &second, start + 3 * step);
    set_alarm(loop, &first, start + step);
    assert_true(pk_loop_timeout(loop) <= step);

    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_true(pk_now() >= start + step);
    while (order < 2)
        assert_true(pk_loop_dispatch(loop, PK_FOREVER, NULL) >= 0);
    assert_true(pk_now() >= start + 3 * step);
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

/* ---- When there is nothing to wait for --------------------------------------------------------------------------- */

static void without_a_time_there_is_no_timerfd(void **state)
{
    (void)state;
    struct alarm never = {0};
    pk_loop *loop = make_loop();
    set_alarm(loop, &never, PK_FOREVER);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_true(pk_loop_timeout(loop) == PK_FOREVER);
    assert_int_equal(sys_fault_count("timerfd_create"), 0);
    assert_int_equal(pk_timer_set(never.timer, 1), 0);
    assert_int_equal(sys_fault_count("timerfd_create"), 1);
    assert_int_equal(pk_timer_set(never.timer, PK_FOREVER), 0);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_int_equal(never.called, 0);
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_timer_free(never.timer);
    pk_loop_free(loop);
}

static void a_time_in_the_past_is_due_at_once(void **state)
{
    (void)state;
    static const pk_time past[] = {0, 1, 1000000000};
    for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
        struct alarm alarm = {0};
        pk_loop *loop = make_loop();
        set_alarm(loop, &alarm, past[i]);
        assert_true(pk_loop_timeout(loop) == 0);
        assert_true(gets_ready(pk_loop_fd(loop)));
        assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
        assert_int_equal(alarm.called, 1);
        assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0); /* once */
        assert_false(is_ready(pk_loop_fd(loop)));
        pk_timer_free(alarm.timer);
        pk_loop_free(loop);
    }
}

static void a_moved_timer_forgets_its_old_time(void **state)
{
    (void)state;
    struct alarm alarm = {0};
    pk_loop *loop = make_loop();
    set_alarm(loop, &alarm, 1);
    assert_true(gets_ready(pk_loop_fd(loop)));
    assert_int_equal(pk_timer_set(alarm.timer, pk_deadline(PK_SECONDS(1000))), 0);
    assert_false(is_ready(pk_loop_fd(loop)));
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_int_equal(pk_timer_set(alarm.timer, 1), 0);
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(pk_timer_set(alarm.timer, 1), 0); /* after it has expired */
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(pk_timer_set(alarm.timer, 1), 0);
    pk_timer_free(alarm.timer);
    assert_false(is_ready(pk_loop_fd(loop)));
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    pk_loop_free(loop);
}

/* After the first has been called, and when a callback sets its own timer to the time it had. */
static void the_next_timer_wakes_a_foreign_loop_too(void **state)
{
    (void)state;
    struct alarm first = {0}, second = {0};
    pk_loop *loop = make_loop();
    struct pollfd ready = {.fd = pk_loop_fd(loop), .events = POLLIN};
    set_alarm(loop, &second, pk_deadline(PK_MILLISECONDS(20)));
    set_alarm(loop, &first, 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_int_equal(first.called, 1);
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    assert_int_equal(second.called, 1);
    assert_false(is_ready(pk_loop_fd(loop)));
    first.again = 1;
    assert_int_equal(pk_timer_set(first.timer, 1), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(gets_ready(pk_loop_fd(loop)));
        assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 1);
    }
    pk_timer_free(first.timer);
    pk_timer_free(second.timer);
    pk_loop_free(loop);
}

static void a_deadline_before_the_timer_ends_the_wait(void **state)
{
    (void)state;
    struct alarm alarm = {0};
    pk_loop *loop = make_loop();
    set_alarm(loop, &alarm, pk_deadline(PK_SECONDS(1000)));
    pk_time deadline = pk_deadline(PK_MILLISECONDS(2));
    assert_int_equal(pk_loop_dispatch(loop, deadline, NULL), 0);
    assert_true(pk_now() >= deadline);
    assert_int_equal(alarm.called, 0);
    pk_duration left = pk_loop_timeout(loop);
    assert_true(left > PK_SECONDS(900) && left < PK_SECONDS(1000));
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_timer_free(alarm.timer);
    pk_loop_free(loop);
}

/* ---- In callbacks ------------------------------------------------------------------------------------------------ */

static void on_byte(pk_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    ++*(int *)data;
}

static void a_timer_that_is_always_due_starves_no_descriptor(void **state)
{
    (void)state;
    struct alarm alarm = {.again = 1};
    int ends[2], called = 0;
    pk_watch *watch = NULL;
    pk_loop *loop = make_loop();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    set_alarm(loop, &alarm, 1);
    assert_int_equal(pk_loop_watch(loop, ends[0], EPOLLIN, on_byte, &called, &watch, NULL), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 2);
        assert_int_equal(alarm.called, i);
        assert_int_equal(called, i);
        assert_true(gets_ready(pk_loop_fd(loop)));
    }
    pk_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
    pk_timer_free(alarm.timer);
    pk_loop_free(loop);
}

static void callbacks_may_free_any_timer(void **state)
{
    (void)state;
    struct alarm a = {0}, b = {0};
    pk_loop *loop = make_loop();
    a.victim = &b; /* both are due: whoever comes first frees the other */
    b.victim = &a;
    set_alarm(loop, &a, 2);
    set_alarm(loop, &b, 1);
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(a.called, 0);
    assert_int_equal(b.called, 1);
    assert_null(a.timer);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    pk_timer_free(b.timer);

    a = (struct alarm){.victim = &a, .again = 1}; /* set anew, then freed */
    set_alarm(loop, &a, 1);
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_loop_free(loop);
}

static void on_free_timer(pk_watch *watch, int fd, uint32_t events, void *data)
{
    struct alarm *alarm = data;
    (void)watch, (void)fd, (void)events;
    alarm->timer = pk_timer_free(alarm->timer);
}

/* Its expiry and the byte are in one batch. */
static void a_timer_freed_by_a_watch_does_not_fire(void **state)
{
    (void)state;
    struct alarm alarm = {0};
    int ends[2];
    pk_watch *watch = NULL;
    pk_loop *loop = make_loop();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    set_alarm(loop, &alarm, 1);
    assert_int_equal(pk_loop_watch(loop, ends[0], EPOLLIN, on_free_timer, &alarm, &watch, NULL), 0);
    assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
    assert_int_equal(alarm.called, 0);
    pk_watch_free(watch);
    assert_false(is_ready(pk_loop_fd(loop)));
    close(ends[0]);
    close(ends[1]);
    pk_loop_free(loop);
}

static void on_reentry(pk_timer *timer, void *data)
{
    (void)timer;
    assert_int_equal(pk_loop_dispatch(data, 0, NULL), -EDEADLK);
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

static void timers_outlive_their_loop(void **state)
{
    (void)state;
    struct alarm due = {0}, later = {0}, never = {0};
    pk_loop *loop = make_loop();
    set_alarm(loop, &due, 1);
    set_alarm(loop, &later, pk_deadline(PK_SECONDS(1000)));
    set_alarm(loop, &never, PK_FOREVER);
    assert_null(pk_loop_free(loop));
    assert_int_equal(pk_timer_set(later.timer, 1), 0);
    assert_int_equal(due.called + later.called, 0);
    pk_timer_free(due.timer);
    pk_timer_free(later.timer);
    pk_timer_free(never.timer);
    assert_null(pk_timer_free(NULL));
}

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

static void failures_are_clean(void **state)
{
    (void)state;
    static const char *const calls[] = {"timerfd_create", "epoll_ctl", "timerfd_settime"};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct alarm alarm = {0};
        pk_error error = {0};
        pk_loop *loop = make_loop();
        sys_fault_set(calls[i], 1, EMFILE);
        assert_int_equal(pk_loop_timer(loop, 1, on_alarm, &alarm, &alarm.timer, &error), -EMFILE);
        assert_int_equal(error.number, -EMFILE);
        assert_int_equal(error.kind, PK_ERROR_NO_MEMORY);
        assert_int_equal(error.step, PK_STEP_LOOP);
        assert_null(alarm.timer);
        assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0); /* it is not in the loop */
        set_alarm(loop, &alarm, 1);                           /* and the next one finds it in order */
        assert_int_equal(pk_loop_dispatch(loop, PK_FOREVER, NULL), 1);
        pk_timer_free(alarm.timer);
        pk_loop_free(loop);
    }
}

static void a_deadline_that_cannot_be_kept_is_an_error(void **state)
{
    (void)state;
    pk_error error;
    pk_loop *loop = make_loop();
    sys_fault_set("timerfd_create", 1, EMFILE);
    assert_int_equal(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(1000)), &error), -EMFILE);
    assert_int_equal(error.number, -EMFILE);
    assert_int_equal(error.step, PK_STEP_LOOP);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    pk_loop_free(loop);
}

/* ---- Against a naive model --------------------------------------------------------------------------------------- */

enum { ALARMS = 40 };

/* What should be set, and the calls there were for it. */
struct model {
    pk_timer *timer;
    pk_time when;  /* PK_FOREVER: not set */
    pk_time *last; /* the time of the one called before */
};

static void on_model(pk_timer *timer, void *data)
{
    struct model *model = data;
    assert_ptr_equal(timer, model->timer);
    assert_true(model->when <= pk_now());
    assert_true(model->when >= *model->last);
    *model->last = model->when;
    model->when = PK_FOREVER;
}

static pk_time random_time(unsigned *seed)
{
    switch (rand_r(seed) % 4) {
    case 0:
        return PK_FOREVER;
    case 1:
        return (pk_time)(rand_r(seed) % 100); /* long past */
    case 2:
        return pk_deadline(PK_MICROSECONDS(rand_r(seed) % 300));
    default:
        return pk_deadline(PK_SECONDS(1000 + rand_r(seed) % 100));
    }
}

static void change(pk_loop *loop, struct model *model, unsigned *seed)
{
    if (model->timer && rand_r(seed) % 4 == 0) {
        model->timer = pk_timer_free(model->timer);
        model->when = PK_FOREVER;
        return;
    }
    model->when = random_time(seed);
    if (model->timer)
        assert_int_equal(pk_timer_set(model->timer, model->when), 0);
    else
        assert_int_equal(pk_loop_timer(loop, model->when, on_model, model, &model->timer, NULL), 0);
}

/* After a dispatch that began at `start`, nothing that was due then is left; and the loop wakes for the next. */
static void compare(pk_loop *loop, const struct model *models, pk_time start)
{
    pk_time earliest = PK_FOREVER;
    for (int i = 0; i < ALARMS; i++) {
        assert_true(models[i].when > start);
        earliest = time_earlier(earliest, models[i].when);
    }
    pk_time before = pk_now();
    pk_duration timeout = pk_loop_timeout(loop);
    assert_true(timeout <= time_left(earliest, before) && timeout >= time_left(earliest, pk_now()));
}

static void thousands_of_changes_agree_with_a_model(void **state)
{
    (void)state;
    struct model models[ALARMS];
    pk_time last;
    unsigned seed = 4711;
    pk_loop *loop = make_loop();
    for (int i = 0; i < ALARMS; i++)
        models[i] = (struct model){.when = PK_FOREVER, .last = &last};
    for (int round = 0; round < 2000; round++) {
        for (unsigned changes = rand_r(&seed) % 6; changes > 0; changes--)
            change(loop, &models[rand_r(&seed) % ALARMS], &seed);
        last = 0;
        pk_time start = pk_now();
        assert_true(pk_loop_dispatch(loop, rand_r(&seed) % 2 ? 0 : pk_deadline(PK_MICROSECONDS(50)), NULL) >= 0);
        compare(loop, models, start);
    }
    for (int i = 0; i < ALARMS; i++)
        pk_timer_free(models[i].timer);
    assert_false(is_ready(pk_loop_fd(loop)));
    pk_loop_free(loop);
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
        assert_true(what > 1 || node->position == 0);
    }
    timers_free(&timers);
}

static const struct test tests[] = {
    PK_TEST(timers_fire_in_order_and_not_early),
    PK_TEST(a_due_timer_wakes_a_foreign_loop),
    PK_TEST(without_a_time_there_is_no_timerfd),
    PK_TEST(a_time_in_the_past_is_due_at_once),
    PK_TEST(a_moved_timer_forgets_its_old_time),
    PK_TEST(the_next_timer_wakes_a_foreign_loop_too),
    PK_TEST(a_deadline_before_the_timer_ends_the_wait),
    PK_TEST(a_timer_that_is_always_due_starves_no_descriptor),
    PK_TEST(callbacks_may_free_any_timer),
    PK_TEST(a_timer_freed_by_a_watch_does_not_fire),
    PK_TEST(dispatching_from_a_callback_is_refused),
    PK_TEST(timers_outlive_their_loop),
    PK_TEST(failures_are_clean),
    PK_TEST(a_deadline_that_cannot_be_kept_is_an_error),
    PK_TEST(thousands_of_changes_agree_with_a_model),
    PK_TEST(the_heap_finds_the_earliest),
};

PK_TEST_MAIN(tests)
