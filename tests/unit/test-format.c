/*
 * Durations and sizes for people: short, rounded down, and readable again.
 */
#include "harness.h"

#include <processkit/parse.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const pk_duration second = PK_SECONDS(1), minute = PK_MINUTES(1), hour = PK_MINUTES(60);

static void expect_duration(pk_duration duration, const char *expected)
{
    char text[32];
    assert_ptr_equal(pk_format_duration(duration, text, sizeof(text)), text);
    assert_string_equal(text, expected);
}

static void expect_size(uint64_t bytes, const char *expected)
{
    char text[32];
    assert_ptr_equal(pk_format_size(bytes, text, sizeof(text)), text);
    assert_string_equal(text, expected);
}

static void durations_are_short(void **state)
{
    (void)state;
    expect_duration(0, "0s");
    expect_duration(PK_MICROSECONDS(20), "20us");
    expect_duration(PK_MILLISECONDS(1) - 1, "999us");
    expect_duration(PK_MILLISECONDS(250), "250ms");
    expect_duration(second - 1, "999ms");
    expect_duration(second, "1.00s");
    expect_duration(PK_MILLISECONDS(1500), "1.50s");
    expect_duration(PK_MILLISECONDS(1059), "1.05s");
    expect_duration(minute - 1, "59.99s"); /* not "60.00s" */
    expect_duration(minute, "1m00s");
    expect_duration(125 * second, "2m05s");
    expect_duration(hour - 1, "59m59s");
    expect_duration(hour, "1h00m");
    expect_duration(61 * minute, "1h01m");
    expect_duration(100 * hour, "100h00m");
    expect_duration(PK_FOREVER - 1, "5124095h34m");
    expect_duration(PK_FOREVER, "forever");
}

static void sizes_are_short(void **state)
{
    (void)state;
    expect_size(0, "0 B");
    expect_size(1023, "1023 B");
    expect_size(1024, "1.0 KiB");
    expect_size(1536, "1.5 KiB");
    expect_size((1 << 20) - 1, "1023.9 KiB"); /* not "1024.0 KiB" */
    expect_size(32 << 20, "32.0 MiB");
    expect_size(UINT64_C(3) << 29, "1.5 GiB");
    expect_size(UINT64_C(1) << 40, "1.0 TiB");
    expect_size(UINT64_C(5) << 50, "5.0 PiB");
    expect_size(UINT64_C(1) << 60, "1.0 EiB");
    expect_size(UINT64_MAX, "15.9 EiB");
}

/* Reading what was written loses at most what was not shown, and never adds to it. */
static void durations_can_be_read_again(void **state)
{
    (void)state;
    unsigned seed = 4711;
    for (int i = 0; i < 20000; i++) {
        uint64_t random = (uint64_t)rand_r(&seed) << 62 ^ (uint64_t)rand_r(&seed) << 31 ^ (uint64_t)rand_r(&seed);
        pk_duration duration = random >> (i % 64), found = PK_FOREVER;
        char text[32];
        if (duration == PK_FOREVER)
            continue;
        pk_format_duration(duration, text, sizeof(text));
        if (pk_parse_duration(text, &found, NULL) != 0)
            fail_msg("'%s' cannot be read", text);
        pk_duration shown = duration < PK_MILLISECONDS(1) ? PK_MICROSECONDS(1)
                            : duration < second           ? PK_MILLISECONDS(1)
                            : duration < minute           ? PK_MILLISECONDS(10)
                            : duration < hour             ? second
                                                          : minute;
        if (found > duration || duration - found >= shown)
            fail_msg("%llu ns was written as '%s'", (unsigned long long)duration, text);
    }
}

static void whole_units_are_read_again_exactly(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 60; i++) {
        const pk_duration all[] = {PK_MICROSECONDS(i),     PK_MILLISECONDS(i),     i * second, i * minute, i * hour,
                                   i * hour + 59 * minute, i * minute + i * second};
        for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
            char text[32];
            pk_duration found = 0;
            assert_int_equal(pk_parse_duration(pk_format_duration(all[k], text, sizeof(text)), &found, NULL), 0);
            assert_true(found == all[k]);
        }
    }
}

/* Whatever the buffer: ended, not overrun, and the beginning of the whole. */
static void every_buffer_is_ended(void **state)
{
    (void)state;
    static const char *const whole[] = {"59m59s", "1023.9 KiB", "RTMIN+2", "12345"};
    for (size_t size = 0; size <= 12; size++)
        for (size_t what = 0; what < 4; what++) {
            char *text = malloc(size + 1); /* exactly, so that a sanitizer sees an overrun */
            assert_non_null(text);
            memset(text, '#', size + 1);
            if (what == 0)
                pk_format_duration(hour - 1, text, size);
            else if (what == 1)
                pk_format_size((1 << 20) - 1, text, size);
            else
                pk_format_signal(what == 2 ? SIGRTMIN + 2 : 12345, text, size);
            assert_int_equal(text[size], '#');
            size_t most = strlen(whole[what]);
            if (size > 0) {
                assert_int_equal(strlen(text), size - 1 < most ? size - 1 : most);
                assert_memory_equal(text, whole[what], strlen(text));
            }
            free(text);
        }
}

static const struct test tests[] = {
    PK_TEST(durations_are_short),         PK_TEST(sizes_are_short),
    PK_TEST(durations_can_be_read_again), PK_TEST(whole_units_are_read_again_exactly),
    PK_TEST(every_buffer_is_ended),
};

PK_TEST_MAIN(tests)
