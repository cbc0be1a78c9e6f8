/*
 * The time of day, compared with the C library's.
 */
#include "base/date.h"
#include "harness.h"

#include <string.h>
#include <time.h>

static void check(uint64_t seconds)
{
    char text[DATE_LENGTH + 1] = "", expected[64] = "";
    struct tm parts;
    time_t when = (time_t)seconds;
    date_write(text, seconds);
    assert_non_null(gmtime_r(&when, &parts));
    assert_true(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &parts) > 0);
    assert_string_equal(text, expected);
}

/* Leap days repeat after 400 years. */
static void every_day_of_400_years(void **state)
{
    (void)state;
    for (uint64_t day = 0; day <= 146097; day++)
        check(day * 86400 + day * 7919 % 86400);
}

static void days_until_the_year_9999(void **state)
{
    (void)state;
    for (uint64_t seconds = 0; seconds < UINT64_C(253402300800); seconds += 86400 * 97 + 86399)
        check(seconds);
}

static void the_days_that_are_special(void **state)
{
    (void)state;
    static const uint64_t special[] = {0,          951782400,  951868799,  951868800,  1709164800,
                                       1709251200, 1795762361, 4107542399, 4107542400, UINT64_C(253402300799)};
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
        check(special[i]);
}

static void the_last_year_has_four_digits(void **state)
{
    (void)state;
    char text[DATE_LENGTH + 1] = "";
    date_write(text, UINT64_C(253402300800));
    assert_string_equal(text, "9999-12-31T23:59:59");
    date_write(text, UINT64_MAX);
    assert_string_equal(text, "9999-12-31T23:59:59");
}

static const struct test tests[] = {
    PK_TEST(every_day_of_400_years),
    PK_TEST(days_until_the_year_9999),
    PK_TEST(the_days_that_are_special),
    PK_TEST(the_last_year_has_four_digits),
};

PK_TEST_MAIN(tests)
