/*
 * How long the pauses between attempts are, and which errors are taken for transient.
 */
#include "harness.h"
#include "process/retry.h"
#include "sys/sys.h"

#include <errno.h>

static pk_retry_options options_with(pk_duration first, unsigned factor, pk_duration most, bool jitter)
{
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    options.first_pause = first;
    options.factor = factor;
    options.most_pause = most;
    options.jitter = jitter;
    return options;
}

static void without_jitter_pauses_grow_until_the_longest(void **state)
{
    (void)state;
    static const struct {
        pk_duration first;
        unsigned factor, attempts;
        pk_duration most;
        pk_duration pause;
    } table[] = {
        {100, 2, 1, 1000, 100},
        {100, 2, 2, 1000, 200},
        {100, 2, 4, 1000, 800},
        {100, 2, 5, 1000, 1000},
        {100, 2, UINT32_MAX, 1000, 1000},
        {100, 1, UINT32_MAX, 1000, 100},
        {100, 7, 2, 1000, 700},
        {2000, 2, 1, 1000, 1000},
        {0, 2, UINT32_MAX, 1000, 0},
        {100, 2, 3, 0, 0},
        {1, UINT32_MAX, 3, PK_FOREVER, (pk_duration)UINT32_MAX * UINT32_MAX},
        {1, UINT32_MAX, 4, PK_FOREVER, PK_FOREVER},
        {1, 2, 64, PK_FOREVER, UINT64_C(1) << 63},
        {1, 2, 65, PK_FOREVER, PK_FOREVER},
        {PK_FOREVER, 2, 9, PK_FOREVER, PK_FOREVER},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pk_retry_options options = options_with(table[i].first, table[i].factor, table[i].most, false);
        assert_true(retry_pause(&options, table[i].attempts, UINT64_MAX) == table[i].pause);
    }
}

static void the_usual_pauses(void **state)
{
    (void)state;
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    assert_int_equal(options.attempts, 4);
    assert_true(options.jitter);
    options.jitter = false;
    assert_true(retry_pause(&options, 1, 0) == PK_MILLISECONDS(100));
    assert_true(retry_pause(&options, 3, 0) == PK_MILLISECONDS(400));
    assert_true(retry_pause(&options, 100, 0) == PK_SECONDS(30));
}

static void jitter_keeps_within_its_bounds(void **state)
{
    (void)state;
    pk_retry_options options = options_with(9, 1, 1000, true);
    assert_int_equal(retry_pause(&options, 1, 0), 0);
    assert_int_equal(retry_pause(&options, 1, 9), 9);
    assert_int_equal(retry_pause(&options, 1, 10), 0);
    assert_true(retry_pause(&options, 1, UINT64_MAX) <= 9);
    options.first_pause = 0;
    assert_int_equal(retry_pause(&options, 1, UINT64_MAX), 0);
}

/* With the kernel's numbers, as they are used: each tenth of the time gets its tenth of the pauses. The chance that one
 * of them is off by a quarter, 8 standard deviations, is beyond all patience. */
static void jitter_is_even(void **state)
{
    (void)state;
    enum { TENTHS = 10, SAMPLES = 10000 };
    int counts[TENTHS] = {0};
    pk_retry_options options = options_with(PK_MILLISECONDS(100), 2, PK_SECONDS(30), true);
    pk_duration most = PK_MILLISECONDS(400);
    for (int i = 0; i < SAMPLES; i++) {
        uint64_t random;
        assert_int_equal(sys_random(&random, sizeof(random)), 0);
        pk_duration pause = retry_pause(&options, 3, random);
        assert_true(pause <= most);
        counts[pause * TENTHS / (most + 1)]++;
    }
    for (int i = 0; i < TENTHS; i++)
        assert_in_range(counts[i], SAMPLES / TENTHS * 3 / 4, SAMPLES / TENTHS * 5 / 4);
}

static void only_failed_starts_are_transient(void **state)
{
    (void)state;
    static const struct {
        int number;
        pk_error_kind kind;
        pk_step step;
        bool transient;
    } table[] = {
        {-EAGAIN, PK_ERROR_SPAWN, PK_STEP_CLONE, true},
        {-ENOMEM, PK_ERROR_NO_MEMORY, PK_STEP_MAKE_CGROUP, true},
        {-EMFILE, PK_ERROR_NO_MEMORY, PK_STEP_OPEN_STDIO, true},
        {-ENFILE, PK_ERROR_NO_MEMORY, PK_STEP_GUARDIAN, true},
        {-EMFILE, PK_ERROR_NO_MEMORY, PK_STEP_SPAWNER, true},
        {-EINTR, PK_ERROR_IO, PK_STEP_OPEN_STDIO, true},
        {-ETXTBSY, PK_ERROR_SPAWN, PK_STEP_EXEC, true},
        {-EAGAIN, PK_ERROR_RESOURCE_LIMIT, PK_STEP_CLONE, false}, /* its own limit */
        {-EAGAIN, PK_ERROR_RESOURCE_LIMIT, PK_STEP_NONE, false},  /* the verdict on a run */
        {-ENOMEM, PK_ERROR_RESOURCE_LIMIT, PK_STEP_NONE, false},
        {-ENOENT, PK_ERROR_NOT_FOUND, PK_STEP_EXEC, false},
        {-EACCES, PK_ERROR_PERMISSION, PK_STEP_EXEC, false},
        {-EPROTO, PK_ERROR_EXIT, PK_STEP_NONE, false},
        {-ETIMEDOUT, PK_ERROR_TIMEOUT, PK_STEP_NONE, false},
        {-ENOMEM, PK_ERROR_NO_MEMORY, PK_STEP_WAIT, false},      /* by then it ran */
        {-ENOMEM, PK_ERROR_NO_MEMORY, PK_STEP_ALLOCATE, false},  /* perhaps as well */
        {-ENOMEM, PK_ERROR_NO_MEMORY, PK_STEP_ARGUMENTS, false}, /* and will be so for ever */
        {-ECANCELED, PK_ERROR_CANCELLED, PK_STEP_ARGUMENTS, false},
        {0, PK_ERROR_NONE, PK_STEP_NONE, false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pk_error error = {.number = table[i].number, .kind = table[i].kind, .step = table[i].step};
        assert_int_equal(pk_error_is_transient(&error), table[i].transient);
    }
}

static const struct test tests[] = {
    PK_TEST(without_jitter_pauses_grow_until_the_longest),
    PK_TEST(the_usual_pauses),
    PK_TEST(jitter_keeps_within_its_bounds),
    PK_TEST(jitter_is_even),
    PK_TEST(only_failed_starts_are_transient),
};

PK_TEST_MAIN(tests)
