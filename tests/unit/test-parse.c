/*
 * Durations, sizes, numbers: exact, in whole, or not at all.
 */
#include "harness.h"

#include <processkit/parse.h>

#include <errno.h>
#include <string.h>

/* ---- Durations -------------------------------------------------------------------------------------------------- */

static void durations_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        pk_duration expected;
    } cases[] = {
        {"0", 0},
        {"90", PK_SECONDS(90)},
        {"1.5", PK_MILLISECONDS(1500)},
        {"250ms", PK_MILLISECONDS(250)},
        {"0.1s", PK_MILLISECONDS(100)},
        {"1.5s", PK_MILLISECONDS(1500)},
        {"0.000001ms", 1},
        {"0.0000001ms", 0},
        {"7us", PK_MICROSECONDS(7)},
        {"5m", PK_MINUTES(5)},
        {"2h", PK_MINUTES(120)},
        {"1h30m", PK_MINUTES(90)},
        {"1d1h1m1s1ms1us", UINT64_C(90061001001000)},
        {"1h1.5s", PK_SECONDS(3600) + PK_MILLISECONDS(1500)},
        {"1.123456789123s", UINT64_C(1123456789)},
        {"1.5h", PK_MINUTES(90)},
        {"0.999999999s", 999999999},
        {"0.0us", 0},
        {"0.001us", 1},
        {"0.0009us", 0},
        {"1.000000001h", PK_SECONDS(3600) + 3600},
        {"0.333333333d", UINT64_C(28799999971200)},
        {"18446744073s", UINT64_C(18446744073000000000)},
        {"18446744073.709551614s", PK_FOREVER - 1},
        {"213503d23h34m33s709ms551us", PK_FOREVER - 615},
        {"00012s", PK_SECONDS(12)},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pk_duration found = 12345;
        if (pk_parse_duration(cases[i].text, &found, NULL) != 0 || found != cases[i].expected)
            fail_msg("%s: %llu instead of %llu", cases[i].text, (unsigned long long)found,
                     (unsigned long long)cases[i].expected);
    }
}

static void refuse_duration(const char *text, int number)
{
    pk_duration found = 12345;
    pk_error error;
    if (pk_parse_duration(text, &found, &error) != number)
        fail_msg("'%s' was taken for %llu, or refused with another number", text, (unsigned long long)found);
    assert_int_equal(found, 12345); /* outputs are written on success only */
    assert_int_equal(error.number, number);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_int_equal(error.step, PK_STEP_ARGUMENTS);
    assert_non_null(strstr(error.message, "invalid duration"));
}

static void other_durations_are_refused(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",   " ",    " 5",   "5 ",   "-1",        "+1",     "10parsecs", "1h1h",  "1m1h",  "1.5h30m", "1.",
        ".5", "1..5", "nan",  "inf",  "0x10",      "1e3",    "h",         "ms",    "5 m",   "1h 5m",   "1H",
        "1S", "5ns",  "1m2",  "1s1",  "1,5",       "5m\n",   "1.5.5s",    "1h.5m", "1h1.m", "1e",      "--1",
        "5M", "5u",   "5mss", "5min", "\xd9\xa1s", "1h\xff", "1_0",       "1'000", "s5",    "5s5",     "1.5h1",
    };
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        refuse_duration(invalid[i], -EINVAL);
    static const char *const large[] = {"99999999999999h",
                                        "18446744073709551616",
                                        "18446744074s",
                                        "600000d",
                                        "99999999999999999999999999999999999999",
                                        "18446744073709551615",
                                        "18446744073.709551615s",
                                        "18446744073.709551616s",
                                        "213503d23h34m33s709ms552us",
                                        "213504d",
                                        "213503.999999999d",
                                        "18446744073709551615us"};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
        refuse_duration(large[i], -ERANGE);
}

/* ---- Sizes and numbers ------------------------------------------------------------------------------------------ */

static void sizes_are_binary_and_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t expected;
    } cases[] = {
        {"0", 0},
        {"1073741824", 1 << 30},
        {"512M", 512 << 20},
        {"2G", UINT64_C(2) << 30},
        {"1.5G", 3 << 29},
        {"1K", 1024},
        {"1KB", 1024},
        {"1KiB", 1024},
        {"1kib", 1024},
        {"1k", 1024},
        {"5B", 5},
        {"1T", UINT64_C(1) << 40},
        {"1P", UINT64_C(1) << 50},
        {"0.5K", 512},
        {"1pib", UINT64_C(1) << 50},
        {"1gB", UINT64_C(1) << 30},
        {"0.1K", 102},
        {"0.0001K", 0},
        {"1.999999999K", 2047},
        {"0.3P", UINT64_C(337769972052787)},
        {"16383.999999999P", UINT64_C(18446744073708425716)},
        {"0.817077201P", UINT64_C(919947144489131)}, /* not with doubles */
        {"16383P", UINT64_C(16383) << 50},
        {"18446744073709551614", UINT64_MAX - 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t found = 12345;
        if (pk_parse_size(cases[i].text, &found, NULL) != 0 || found != cases[i].expected)
            fail_msg("%s: %llu", cases[i].text, (unsigned long long)found);
    }
}

static void other_sizes_are_refused(void **state)
{
    (void)state;
    static const char *const invalid[] = {"",    "M",   "1.5",    "1.5B", "1X",  "-1",   "1 M",  " 1M",   "1MM",
                                          "1Mi", "0x1", "1i",     "1E",   "16E", "1EiB", "1Ki",  "1KiBs", "1KBB",
                                          "1KK", "1iB", "1BB",    "1b",   "+1",  "1.K",  ".5K",  "1,5G",  "1K ",
                                          "1 ",  "1\n", "1.5.5K", "1e3",  "nan", "inf",  "1\xff"};
    uint64_t found = 12345;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        if (pk_parse_size(invalid[i], &found, NULL) != -EINVAL)
            fail_msg("'%s' was taken for %llu", invalid[i], (unsigned long long)found);
    assert_int_equal(pk_parse_size("18446744073709551615", &found, NULL), -ERANGE);
    assert_int_equal(pk_parse_size("99999999999999999999G", &found, NULL), -ERANGE);
    assert_int_equal(pk_parse_size("16384P", &found, NULL), -ERANGE);
    assert_int_equal(pk_parse_size("18446744073709551616", &found, NULL), -ERANGE);
    assert_int_equal(pk_parse_size("18014398509481984K", &found, NULL), -ERANGE);
    assert_int_equal(found, 12345);
}

static void processors_are_positive_and_finite(void **state)
{
    (void)state;
    double cores = 0;
    assert_int_equal(pk_parse_cores("0.5", &cores, NULL), 0);
    assert_true(cores == 0.5);
    assert_int_equal(pk_parse_cores("0.000001", &cores, NULL), 0);
    assert_true(cores == 0.000001);
    assert_int_equal(pk_parse_cores("1000000", &cores, NULL), 0);
    static const char *const refused[] = {"",   "0",  "0.0", "-1", "nan", "inf", "1e3", "0.0000001", "2x",
                                          "1.", ".5", " 1",  "1 ", "+1",  "0x1", "1,5", "1.5.5"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (pk_parse_cores(refused[i], &cores, NULL) != -EINVAL)
            fail_msg("'%s' was taken, or refused with another number", refused[i]);
    static const char *const large[] = {"1000001", "1000000.000001", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
        assert_int_equal(pk_parse_cores(large[i], &cores, NULL), -ERANGE);
    assert_true(cores == 1000000); /* the last that was taken */
}

static void numbers_keep_their_bounds(void **state)
{
    (void)state;
    uint64_t number = 0;
    assert_int_equal(pk_parse_number("5", 5, 7, &number, NULL), 0);
    assert_int_equal(number, 5);
    assert_int_equal(pk_parse_number("8", 5, 7, &number, NULL), -ERANGE);
    assert_int_equal(pk_parse_number("4", 5, 7, &number, NULL), -ERANGE);
    assert_int_equal(pk_parse_number("5.0", 5, 7, &number, NULL), -EINVAL);
    static const char *const invalid[] = {"", "-1", "+5", " 5", "5 ", "0x5", "5e0", "5.", ".5", "5s", "5\n", "\xff"};
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        assert_int_equal(pk_parse_number(invalid[i], 0, UINT64_MAX, &number, NULL), -EINVAL);
    assert_int_equal(number, 5); /* the last that was taken */
    assert_int_equal(pk_parse_number("007", 5, 7, &number, NULL), 0);
    assert_int_equal(number, 7);
    assert_int_equal(pk_parse_number("0", 0, 0, &number, NULL), 0);
    assert_int_equal(number, 0);
    assert_int_equal(pk_parse_number("18446744073709551615", 0, UINT64_MAX, &number, NULL), 0);
    assert_true(number == UINT64_MAX);
    assert_int_equal(pk_parse_number("18446744073709551616", 0, UINT64_MAX, &number, NULL), -ERANGE);
}

/* ---- What is said ----------------------------------------------------------------------------------------------- */

static void refusals_say_what_and_what_instead(void **state)
{
    (void)state;
    pk_error error;
    uint64_t number;
    double cores;
    assert_int_equal(pk_parse_size("2X", &number, &error), -EINVAL);
    assert_non_null(strstr(error.message, "invalid size '2X'"));
    assert_non_null(strstr(error.message, "512M"));
    assert_int_equal(pk_parse_cores("-1", &cores, &error), -EINVAL);
    assert_non_null(strstr(error.message, "'-1'"));
    assert_non_null(strstr(error.message, "greater than 0"));
    assert_int_equal(pk_parse_number("8", 5, 7, &number, &error), -ERANGE);
    assert_int_equal(error.number, -ERANGE);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
    assert_int_equal(error.step, PK_STEP_ARGUMENTS);
    assert_non_null(strstr(error.message, "from 5 to 7"));
    assert_int_equal(pk_parse_duration("5\x1b[2Jm", &number, &error), -EINVAL);
    assert_non_null(strstr(error.message, "'5\\x1b[2Jm'")); /* nothing that a terminal obeys */
}

static void success_leaves_the_error_alone(void **state)
{
    (void)state;
    pk_error error, before;
    uint64_t number;
    double cores;
    int signal_number;
    memset(&error, 0x55, sizeof(error));
    before = error;
    assert_int_equal(pk_parse_duration("5s", &number, &error), 0);
    assert_int_equal(pk_parse_size("5K", &number, &error), 0);
    assert_int_equal(pk_parse_cores("5", &cores, &error), 0);
    assert_int_equal(pk_parse_number("5", 5, 7, &number, &error), 0);
    assert_int_equal(pk_parse_signal("TERM", &signal_number, &error), 0);
    assert_memory_equal(&error, &before, sizeof(error));
}

static const struct test tests[] = {
    PK_TEST(durations_are_exact),
    PK_TEST(other_durations_are_refused),
    PK_TEST(sizes_are_binary_and_exact),
    PK_TEST(other_sizes_are_refused),
    PK_TEST(processors_are_positive_and_finite),
    PK_TEST(numbers_keep_their_bounds),
    PK_TEST(refusals_say_what_and_what_instead),
    PK_TEST(success_leaves_the_error_alone),
};

PK_TEST_MAIN(tests)
