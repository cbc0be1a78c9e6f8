/*
 * Durations, sizes, cores, numbers and signals: the whole string or nothing, and what was read is within its bounds.
 */
#include "fuzz.h"

#include <processkit/group.h>
#include <processkit/parse.h>

#include <errno.h>
#include <signal.h>

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

static void parse_figures(const char *text)
{
    pk_error error;
    pk_duration duration;
    uint64_t bytes, number;
    double cores;
    bool digit = text[0] >= '0' && text[0] <= '9';

    if (!is_refused(pk_parse_duration(text, &duration, &error), &error))
        HOLDS(digit && duration != PK_FOREVER);
    if (!is_refused(pk_parse_size(text, &bytes, &error), &error))
        HOLDS(digit);
    if (!is_refused(pk_parse_cores(text, &cores, &error), &error))
        HOLDS(cores > 0 && cores <= 1e6);
    if (!is_refused(pk_parse_number(text, 3, 1000, &number, &error), &error))
        HOLDS(digit && number >= 3 && number <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = string_of(bytes, size);
    pk_error error;
    pk_mechanism mechanism;
    pk_guarantee guarantee;

    parse_figures(text);
    parse_signal(text);
    if (!is_refused(pk_mechanism_parse(text, &mechanism, &error), &error))
        HOLDS(strcmp(pk_mechanism_name(mechanism), text) == 0);
    if (!is_refused(pk_guarantee_parse(text, &guarantee, &error), &error))
        HOLDS(strcmp(pk_guarantee_name(guarantee), text) == 0);
    free(text);
    return 0;
}
