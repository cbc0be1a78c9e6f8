/*
 * Reading values of options.
 */
#include "values.h"

#include "message.h"

#include <processkit/parse.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int value_number(const char *option, const char *value, uint64_t least, uint64_t most, uint64_t *number)
{
    pk_error error;
    return pk_parse_number(value, least, most, number, &error) < 0 ? say_refused(option, &error) : 0;
}

int value_duration(const char *option, const char *value, pk_duration *duration)
{
    pk_error error;
    if (pk_parse_duration(value, duration, &error) < 0)
        return say_refused(option, &error);
    if (*duration > 0)
        return 0;
    say("%s: 0 leaves no time at all", option);
    return -1;
}

int value_rate(const char *option, const char *value, uint64_t most, unsigned *count, pk_duration *time)
{
    const char *slash = strchr(value, '/');
    char *digits = slash ? strndup(value, (size_t)(slash - value)) : NULL;
    uint64_t number = 0;
    bool is_valid = digits && pk_parse_number(digits, 1, most, &number, NULL) == 0 &&
                    pk_parse_duration(slash + 1, time, NULL) == 0 && *time > 0;
    free(digits);
    if (!is_valid) {
        say("%s '%s': N/DUR is expected, such as 10/1s, with a number of at most %llu", option, value,
            (unsigned long long)most);
        return -1;
    }
    *count = (unsigned)number;
    return 0;
}

int value_word(const char *option, const char *value, const char *const *words, const char *known, unsigned *which)
{
    for (unsigned i = 0; words[i]; i++)
        if (strcmp(words[i], value) == 0) {
            *which = i;
            return 0;
        }
    say("%s: unknown word '%s' (%s)", option, value, known);
    return -1;
}
