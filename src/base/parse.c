/*
 * Reading durations, sizes and numbers: exact, in whole, or not at all.
 *
 * Fractions are computed in integers, so that "0.1s" is 100000000 ns and not something near it.
 */
#include "base/error.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int add(uint64_t *sum, uint64_t more)
{
    return __builtin_add_overflow(*sum, more, sum) ? -ERANGE : 0;
}

/* A decimal number, before the unit is known. */
struct decimal {
    const char *whole;
    size_t whole_length;
    const char *fraction;
    size_t fraction_length;
    bool has_point;
};

/* Takes one number from the front of a text; -EINVAL if there is none, or a point without digits on both sides. */
static int take_decimal(const char **text, struct decimal *decimal)
{
    const char *next = *text;
    *decimal = (struct decimal){.whole = next};
    while (is_digit(*next))
        next++;
    decimal->whole_length = (size_t)(next - decimal->whole);
    if (*next == '.') {
        decimal->has_point = true;
        decimal->fraction = ++next;
        while (is_digit(*next))
            next++;
        decimal->fraction_length = (size_t)(next - decimal->fraction);
        if (decimal->fraction_length == 0)
            return -EINVAL;
    }
    if (decimal->whole_length == 0)
        return -EINVAL;
    *text = next;
    return 0;
}

/* decimal * unit, rounded down. */
static int scale(const struct decimal *decimal, uint64_t unit, uint64_t *result)
{
    uint64_t value = 0;
    for (size_t i = 0; i < decimal->whole_length; i++) {
        uint64_t digit = (uint64_t)(decimal->whole[i] - '0');
        if (__builtin_mul_overflow(value, 10U, &value) || __builtin_add_overflow(value, digit, &value))
            return -ERANGE;
    }
    if (__builtin_mul_overflow(value, unit, &value))
        return -ERANGE;

    /* Nine digits count. unit * fraction / divisor, split so that no product overflows: both factors of the second are
     * below 10^9. */
    uint64_t fraction = 0, divisor = 1;
    for (size_t i = 0; i < decimal->fraction_length && i < 9; i++) {
        divisor *= 10;
        fraction = fraction * 10 + (uint64_t)(decimal->fraction[i] - '0');
    }
    uint64_t part = unit / divisor * fraction + unit % divisor * fraction / divisor;
    if (add(&value, part) < 0)
        return -ERANGE;
    *result = value;
    return 0;
}

/* ---- Durations -------------------------------------------------------------------------------------------------- */

static const struct unit {
    const char *name;
    uint64_t factor;
} time_units[] = {
    {"d", UINT64_C(86400000000000)}, {"h", UINT64_C(3600000000000)}, {"m", UINT64_C(60000000000)},
    {"s", UINT64_C(1000000000)},     {"ms", UINT64_C(1000000)},      {"us", UINT64_C(1000)},
};

enum { TIME_UNITS = sizeof(time_units) / sizeof(time_units[0]) };

/* Takes a unit from the front: the letters up to the next digit, as a whole. */
static const struct unit *take_time_unit(const char **text)
{
    size_t length = 0;
    while ((*text)[length] >= 'a' && (*text)[length] <= 'z')
        length++;
    for (size_t i = 0; length > 0 && i < TIME_UNITS; i++)
        if (strlen(time_units[i].name) == length && strncmp(time_units[i].name, *text, length) == 0) {
            *text += length;
            return &time_units[i];
        }
    return NULL;
}

static int parse_duration(const char *text, pk_duration *duration)
{
    const struct unit *last = NULL;
    pk_duration sum = 0;

    for (const char *next = text; *next || !last;) {
        struct decimal decimal;
        uint64_t part;
        int r = take_decimal(&next, &decimal);
        if (r < 0)
            return r;
        const struct unit *unit = take_time_unit(&next);
        if (!unit && !(last == NULL && *next == '\0'))
            return -EINVAL;
        if (!unit) /* a bare number is seconds */
            unit = &time_units[3];
        else if (last && unit <= last)
            return -EINVAL;
        if (decimal.has_point && *next)
            return -EINVAL;
        r = scale(&decimal, unit->factor, &part);
        if (r == 0)
            r = add(&sum, part);
        if (r < 0)
            return r;
        last = unit;
    }
    if (sum == PK_FOREVER)
        return -ERANGE;
    *duration = sum;
    return 0;
}

int pk_parse_duration(const char *text, pk_duration *duration, pk_error *error)
{
    int r = parse_duration(text, duration);
    if (r == -ERANGE)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid duration '%s': it is longer than 584 years", text);
    if (r < 0)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid duration '%s': a number with us, ms, s, m, h or d is expected, such as 1.5s or 1h30m",
                         text);
    return 0;
}

/* ---- Sizes ------------------------------------------------------------------------------------------------------ */

/* The factor of "", "B", "K", "KB", "KiB" and so on, in either case; 0 for anything else. */
static uint64_t size_unit(const char *text)
{
    static const char letters[] = "KMGTP";
    uint64_t factor = 1;

    char first = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
    const char *letter = first ? strchr(letters, first) : NULL;
    if (letter) {
        factor <<= 10 * (letter - letters + 1);
        text++;
        if (text[0] == 'i' && (text[1] == 'B' || text[1] == 'b'))
            text++;
    }
    if (*text == 'B' || (letter && *text == 'b'))
        text++;
    return *text == '\0' ? factor : 0;
}

int pk_parse_size(const char *text, uint64_t *bytes, pk_error *error)
{
    struct decimal decimal;
    const char *next = text;
    uint64_t value = 0;

    int r = take_decimal(&next, &decimal);
    uint64_t unit = r == 0 ? size_unit(next) : 0;
    if (unit == 0 || (unit == 1 && decimal.has_point))
        r = -EINVAL; /* half a byte is none */
    if (r == 0)
        r = scale(&decimal, unit, &value);
    if (r == 0 && value == UINT64_MAX)
        r = -ERANGE;
    if (r == -ERANGE)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid size '%s': it is larger than any memory", text);
    if (r < 0)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid size '%s': a number of bytes, or with K, M, G, T or P, is expected, such as 512M",
                         text);
    *bytes = value;
    return 0;
}

/* ---- Numbers ---------------------------------------------------------------------------------------------------- */

int pk_parse_cores(const char *text, double *cores, pk_error *error)
{
    static const uint64_t most = 1000000, precision = 1000000;
    struct decimal decimal;
    const char *next = text;
    uint64_t millionths = 0;

    int r = take_decimal(&next, &decimal);
    if (r == 0 && *next)
        r = -EINVAL;
    if (r == 0)
        r = scale(&decimal, precision, &millionths);
    if (r == -ERANGE || (r == 0 && millionths > most * precision))
        return error_set(error, -ERANGE, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid number of processors '%s': it is larger than %llu", text, (unsigned long long)most);
    if (r < 0 || millionths == 0)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid number of processors '%s': a number greater than 0 is expected, such as 0.5 or 2",
                         text);
    *cores = (double)millionths / (double)precision;
    return 0;
}

int pk_parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *number, pk_error *error)
{
    struct decimal decimal;
    const char *next = text;
    uint64_t value = 0;

    int r = take_decimal(&next, &decimal);
    if (r == 0 && (*next || decimal.has_point))
        r = -EINVAL;
    if (r == 0)
        r = scale(&decimal, 1, &value);
    if (r == 0 && (value < least || value > most))
        r = -ERANGE;
    if (r < 0)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid number '%s': a whole number from %llu to %llu is expected", text,
                         (unsigned long long)least, (unsigned long long)most);
    *number = value;
    return 0;
}
