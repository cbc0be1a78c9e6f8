/*
 * Arithmetic on deadlines: nothing wraps, and never stays never.
 */
#include "base/time.h"
#include "harness.h"

static void additions_saturate(void **state)
{
    (void)state;
    assert_true(time_add(5, 6) == 11);
    assert_true(time_add(0, 0) == 0);
    assert_true(time_add(PK_FOREVER - 5, 4) == PK_FOREVER - 1);
    assert_true(time_add(PK_FOREVER - 5, 5) == PK_FOREVER);
    assert_true(time_add(PK_FOREVER - 5, 6) == PK_FOREVER);
    assert_true(time_add(1, PK_FOREVER) == PK_FOREVER);
    assert_true(time_add(PK_FOREVER, 0) == PK_FOREVER);
    assert_true(time_add(PK_FOREVER, 1) == PK_FOREVER);
    assert_true(time_add(PK_FOREVER, PK_FOREVER) == PK_FOREVER);
}

static void what_has_passed_leaves_nothing(void **state)
{
    (void)state;
    assert_true(time_left(10, 4) == 6);
    assert_true(time_left(10, 10) == 0);
    assert_true(time_left(4, 10) == 0);
    assert_true(time_left(0, 0) == 0);
    assert_true(time_left(PK_FOREVER - 1, 1) == PK_FOREVER - 2);
    assert_true(time_left(PK_FOREVER, 0) == PK_FOREVER);
    assert_true(time_left(PK_FOREVER, PK_FOREVER - 1) == PK_FOREVER); /* not 1 */
}

static void never_is_later_than_everything(void **state)
{
    (void)state;
    assert_true(time_earlier(1, 2) == 1);
    assert_true(time_earlier(2, 1) == 1);
    assert_true(time_earlier(3, 3) == 3);
    assert_true(time_earlier(PK_FOREVER, PK_FOREVER - 1) == PK_FOREVER - 1);
    assert_true(time_earlier(0, PK_FOREVER) == 0);
}

static void timespecs_are_normal(void **state)
{
    (void)state;
    struct timespec spec = time_to_timespec(0);
    assert_true(spec.tv_sec == 0 && spec.tv_nsec == 0);
    spec = time_to_timespec(999999999);
    assert_true(spec.tv_sec == 0 && spec.tv_nsec == 999999999);
    spec = time_to_timespec(UINT64_C(1500000001));
    assert_true(spec.tv_sec == 1 && spec.tv_nsec == 500000001);
    spec = time_to_timespec(PK_FOREVER);
    assert_true(spec.tv_sec > 0 && spec.tv_nsec >= 0 && spec.tv_nsec < 1000000000);
    if (sizeof(time_t) == 8)
        assert_true(spec.tv_sec == INT64_C(18446744073) && spec.tv_nsec == 709551615);
}

static void the_clock_goes_forward(void **state)
{
    (void)state;
    struct timespec spec;
    pk_time before = pk_now();
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &spec), 0);
    pk_time between = PK_SECONDS(spec.tv_sec) + (pk_time)spec.tv_nsec;
    pk_time after = pk_now();
    assert_true(before > 0 && before <= between && between <= after);
}

static void deadlines_lie_ahead(void **state)
{
    (void)state;
    pk_time before = pk_now();
    pk_time deadline = pk_deadline(PK_SECONDS(3));
    assert_true(deadline >= before + PK_SECONDS(3) && deadline <= pk_now() + PK_SECONDS(3));
    assert_true(pk_deadline(PK_FOREVER) == PK_FOREVER);
    assert_true(pk_deadline(PK_FOREVER - 1) == PK_FOREVER); /* now is not 0 */
}

static const struct test tests[] = {
    PK_TEST(additions_saturate),   PK_TEST(what_has_passed_leaves_nothing), PK_TEST(never_is_later_than_everything),
    PK_TEST(timespecs_are_normal), PK_TEST(the_clock_goes_forward),         PK_TEST(deadlines_lie_ahead),
};

PK_TEST_MAIN(tests)
