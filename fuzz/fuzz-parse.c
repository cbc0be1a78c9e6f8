/*
 * Durations, sizes, cores, numbers and signals: the whole string or nothing, and what was read is within its bounds.
 */
#include "fuzz.h"

#include <processkit/group.h>
#include <processkit/parse.h>

#include <errno.h>
#include <signal.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_refused(int result, const pk_error *error)
{
    if (result == 0)
        return false;
    HOLDS(result == -EINVAL || result == -ERANGE);
    HOLDS(error->number == result);
    HOLDS(error->kind == PK_ERROR_INVALID);
    HOLDS(error->message[0] != '\0');
    HOLDS(memchr(error->message, '\0', sizeof(error->message)) != NULL);
    return true;
}

static void parse_signal(const char *text)
{
    pk_error error;
    int number, again;
    char name[32];
    if (is_refused(pk_parse_signal(text, &number, &error), &error))
        return;
    HOLDS(number >= 1 && number <= SIGRTMAX);
    HOLDS(pk_parse_signal(pk_format_signal(number, name, sizeof(name)), &again, &error) == 0);
    HOLDS(again == number);
}

static void parse_duration(const char *text)
{
    pk_error error;
    pk_duration duration, again;
    char shown[32];
    if (is_refused(pk_parse_duration(text, &duration, &error), &error))
        return;
    HOLDS(is_digit(text[0]) && duration != PK_FOREVER);
    HOLDS(pk_parse_duration(pk_format_duration(duration, shown, sizeof(shown)), &again, &error) == 0);
    HOLDS(again <= duration && duration - again < PK_MINUTES(1));
}

/* What the C library makes of the same text, as near as a long double and nine digits of a fraction come. */
static void parse_size(const char *text)
{
    static const char letters[] = "KMGTP";
    pk_error error;
    uint64_t bytes;
    if (is_refused(pk_parse_size(text, &bytes, &error), &error))
        return;
    HOLDS(is_digit(text[0]) && bytes != UINT64_MAX);
    char *rest;
    long double number = strtold(text, &rest), unit = 1;
    const char *letter = *rest ? strchr(letters, *rest & ~0x20) : NULL;
    if (letter)
        unit = (long double)(UINT64_C(1) << 10 * (letter - letters + 1));
    long double error_of_bytes = number * unit - (long double)bytes;
    HOLDS(error_of_bytes > -1 && error_of_bytes < 2 + unit * 1e-9L);
}

static void parse_cores(const char *text)
{
    pk_error error;
    double cores;
    if (is_refused(pk_parse_cores(text, &cores, &error), &error))
        return;
    HOLDS(is_digit(text[0]) && cores > 0 && cores <= 1e6);
    HOLDS(cores <= strtod(text, NULL) + 1e-9 && cores > strtod(text, NULL) - 1.1e-6);
}

static void parse_number(const char *text)
{
    pk_error error;
    uint64_t number;
    if (!is_refused(pk_parse_number(text, 3, 1000, &number, &error), &error))
        HOLDS(number >= 3 && number <= 1000);
    if (!is_refused(pk_parse_number(text, 0, UINT64_MAX, &number, &error), &error))
        HOLDS(is_digit(text[0]) && number == strtoull(text, NULL, 10));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = string_of(bytes, size);
    pk_error error;
    pk_mechanism mechanism;
    pk_guarantee guarantee;

    parse_duration(text);
    parse_size(text);
    parse_cores(text);
    parse_number(text);
    parse_signal(text);
    if (!is_refused(pk_mechanism_parse(text, &mechanism, &error), &error))
        HOLDS(strcmp(pk_mechanism_name(mechanism), text) == 0);
    if (!is_refused(pk_guarantee_parse(text, &guarantee, &error), &error))
        HOLDS(strcmp(pk_guarantee_name(guarantee), text) == 0);
    free(text);
    return 0;
}
