/*
 * Durations, sizes, numbers, signals: exact, in whole, or not at all.
 */
#include "harness.h"

#include <processkit/parse.h>

#include <errno.h>
#include <signal.h>
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
        {"18446744073s", UINT64_C(18446744073000000000)},
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
        "",      " ",  " 5",   "5 ",  "-1",  "+1",   "10parsecs", "1h1h", "1m1h",   "1.5h30m",
        "1.",    ".5", "1..5", "nan", "inf", "0x10", "1e3",       "h",    "ms",     "5 m",
        "1h 5m", "1H", "1S",   "5ns", "1m2", "1s1",  "1,5",       "5m\n", "1.5.5s",
    };
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        refuse_duration(invalid[i], -EINVAL);
    static const char *const large[] = {"99999999999999h", "18446744073709551616", "18446744074s", "600000d",
                                        "99999999999999999999999999999999999999"};
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
    static const char *const invalid[] = {"",    "M",   "1.5", "1.5B", "1X", "-1", "1 M",
                                          " 1M", "1MM", "1Mi", "0x1",  "1i", "1E"};
    uint64_t found = 12345;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
        if (pk_parse_size(invalid[i], &found, NULL) != -EINVAL)
            fail_msg("'%s' was taken for %llu", invalid[i], (unsigned long long)found);
    assert_int_equal(pk_parse_size("18446744073709551615", &found, NULL), -ERANGE);
    assert_int_equal(pk_parse_size("99999999999999999999G", &found, NULL), -ERANGE);
    assert_int_equal(pk_parse_size("16384P", &found, NULL), -ERANGE);
    assert_int_equal(found, 12345);
}

static void processors_are_positive_and_finite(void **state)
{
    (void)state;
    double cores = 0;
    assert_int_equal(pk_parse_cores("0.5", &cores, NULL), 0);
    assert_true(cores == 0.5);
    assert_int_equal(pk_parse_cores("1000000", &cores, NULL), 0);
    static const char *const refused[] = {"", "0", "0.0", "-1", "nan", "inf", "1e3", "1000001", "0.0000001", "2x"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_true(pk_parse_cores(refused[i], &cores, NULL) < 0);
    assert_true(cores == 1000000);
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
    assert_int_equal(pk_parse_number("18446744073709551615", 0, UINT64_MAX, &number, NULL), 0);
    assert_true(number == UINT64_MAX);
    assert_int_equal(pk_parse_number("18446744073709551616", 0, UINT64_MAX, &number, NULL), -ERANGE);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void signals_have_names_and_numbers(void **state)
{
    (void)state;
    int number = 0;
    char name[16];
    static const char *const terms[] = {"TERM", "SIGTERM", "term", "sigterm", "15"};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(pk_parse_signal(terms[i], &number, NULL), 0);
        assert_int_equal(number, SIGTERM);
    }
    for (int expected = 1; expected <= SIGRTMAX; expected++) { /* there and back */
        assert_int_equal(pk_parse_signal(pk_format_signal(expected, name, sizeof(name)), &number, NULL), 0);
        assert_int_equal(number, expected);
    }
    assert_int_equal(pk_parse_signal("RTMAX-1", &number, NULL), 0);
    assert_int_equal(number, SIGRTMAX - 1);
    assert_string_equal(pk_format_signal(SIGRTMIN + 2, name, sizeof(name)), "RTMIN+2");
    assert_string_equal(pk_format_signal(0, name, sizeof(name)), "0");
    assert_string_equal(pk_format_signal(999, name, sizeof(name)), "999");
    static const char *const refused[] = {"",         "0",       "65",      "-1",  "SIG", "FOO",
                                          "RTMIN+99", "RTMIN-1", "RTMAX+1", "15x", " 15"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(pk_parse_signal(refused[i], &number, NULL), -EINVAL);
}

/* ---- For people ------------------------------------------------------------------------------------------------- */

static void figures_are_short(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(pk_format_duration(0, text, 32), "0s");
    assert_string_equal(pk_format_duration(PK_MICROSECONDS(20), text, 32), "20us");
    assert_string_equal(pk_format_duration(PK_MILLISECONDS(250), text, 32), "250ms");
    assert_string_equal(pk_format_duration(PK_MILLISECONDS(1500), text, 32), "1.50s");
    assert_string_equal(pk_format_duration(PK_SECONDS(125), text, 32), "2m05s");
    assert_string_equal(pk_format_duration(PK_MINUTES(61), text, 32), "1h01m");
    assert_string_equal(pk_format_duration(PK_FOREVER, text, 32), "forever");
    assert_string_equal(pk_format_size(512, text, 32), "512 B");
    assert_string_equal(pk_format_size(1536, text, 32), "1.5 KiB");
    assert_string_equal(pk_format_size(32 << 20, text, 32), "32.0 MiB");
    assert_string_equal(pk_format_size(UINT64_MAX, text, 32), "15.9 EiB");
    assert_string_equal(pk_format_size((1 << 20) - 1, text, 32), "1023.9 KiB");
}

static const struct test tests[] = {
    PK_TEST(durations_are_exact),
    PK_TEST(other_durations_are_refused),
    PK_TEST(sizes_are_binary_and_exact),
    PK_TEST(other_sizes_are_refused),
    PK_TEST(processors_are_positive_and_finite),
    PK_TEST(numbers_keep_their_bounds),
    PK_TEST(signals_have_names_and_numbers),
    PK_TEST(figures_are_short),
};

PK_TEST_MAIN(tests)
