/*
 * Reading sets of small numbers, and comparing them.
 */
#include "base/number-set.h"

#include <errno.h>
#include <string.h>

/* A number from the front of a text. */
static int take_number(const char **text, unsigned *number)
{
    const char *next = *text;
    unsigned value = 0;
    for (; *next >= '0' && *next <= '9'; next++) {
        value = value * 10 + (unsigned)(*next - '0');
        if (value >= NUMBER_SET_END)
            return -ERANGE;
    }
    if (next == *text)
        return -EINVAL;
    *text = next;
    *number = value;
    return 0;
}

static int take_range(const char **text, struct number_set *set)
{
    unsigned first = 0, last;
    int r = take_number(text, &first);
    last = first;
    if (r == 0 && **text == '-') {
        (*text)++;
        r = take_number(text, &last);
    }
    if (r == 0 && last < first)
        r = -EINVAL;
    for (unsigned i = first; r == 0 && i <= last; i++)
        set->bits[i / 8] |= (uint8_t)(1U << i % 8);
    return r;
}

static bool is_end(const char *text)
{
    return *text == '\0' || (*text == '\n' && text[1] == '\0');
}

int number_set_parse(struct number_set *set, const char *text)
{
    memset(set, 0, sizeof(*set));
    if (is_end(text))
        return 0;
    for (;;) {
        int r = take_range(&text, set);
        if (r < 0)
            return r;
        if (is_end(text))
            return 0;
        if (*text++ != ',')
            return -EINVAL;
    }
}

int number_set_first_missing(const struct number_set *set, const struct number_set *other)
{
    for (unsigned i = 0; i < NUMBER_SET_END / 8; i++) {
        unsigned missing = set->bits[i] & ~other->bits[i] & 0xffU;
        if (missing)
            return (int)(i * 8) + __builtin_ctz(missing);
    }
    return -1;
}
