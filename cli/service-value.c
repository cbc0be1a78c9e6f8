/*
 * Kinds of values.
 */
#include "service-value.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- How they are written ---------------------------------------------------------------------------------------- */

enum {
    STRING = 1 << TOML_STRING,
    INTEGER = 1 << TOML_INTEGER,
    FLOAT = 1 << TOML_FLOAT,
    BOOLEAN = 1 << TOML_BOOLEAN,
    ARRAY = 1 << TOML_ARRAY,
    TABLE = 1 << TOML_TABLE,
};

static const struct {
    unsigned written; /* bits of toml_kind */
    const char *expected;
    size_t size;
} kinds[] = {
    [VALUE_DURATION] = {STRING | INTEGER | FLOAT, "a duration, such as \"1m30s\" or 90,", sizeof(pk_duration)},
    [VALUE_SIZE] = {STRING | INTEGER, "a size, such as \"512M\",", sizeof(uint64_t)},
    [VALUE_COUNT] = {INTEGER, "a whole number", sizeof(unsigned)},
    [VALUE_FLAG] = {BOOLEAN, "true or false", sizeof(bool)},
    [VALUE_TEXT] = {STRING, "a string", 0},
    [VALUE_PATH] = {STRING, "a path in a string", 0},
    [VALUE_SIGNAL] = {STRING | INTEGER, "a signal, such as \"TERM\",", sizeof(int)},
    [VALUE_NUMBER] = {INTEGER, "a whole number", 0},
    [VALUE_CORES] = {STRING | INTEGER | FLOAT, "a number of processors, such as 0.5,", 0},
    [VALUE_ID] = {STRING | INTEGER, "a name or a number", 0},
    [VALUE_LIST] = {STRING | INTEGER | ARRAY, "an array, or a string with commas", 0},
    [VALUE_STRINGS] = {ARRAY, "an array of strings", 0},
    [VALUE_SOME] = {STRING | ARRAY, "a string or an array of strings", 0},
    [VALUE_VARIABLES] = {TABLE, "a table", 0},
    [VALUE_TABLE] = {TABLE, "a table", 0},
    [VALUE_ANY] = {~0U, "something else", 0},
};

bool value_is_allowed(enum value_kind kind, enum toml_kind written)
{
    return kinds[kind].written & 1U << written;
}

const char *value_expected(enum value_kind kind)
{
    return kinds[kind].expected;
}

size_t value_size(enum value_kind kind)
{
    return kinds[kind].size;
}

/* With as many digits as it takes, so that 0.1 is that, and plainly: that is how options are written. */
static const char *format_real(double real, char buffer[NUMBER_SIZE])
{
    for (int decimals = 0; decimals < NUMBER_SIZE; decimals++)
        if (snprintf(buffer, NUMBER_SIZE, "%.*f", decimals, real) < NUMBER_SIZE && strtod(buffer, NULL) == real)
            return buffer;
    snprintf(buffer, NUMBER_SIZE, "%g", real); /* nothing that makes sense here */
    return buffer;
}

const char *value_text(const struct toml_node *value, char buffer[NUMBER_SIZE])
{
    switch (value->kind) {
    case TOML_STRING:
        return value->text;
    case TOML_INTEGER:
        snprintf(buffer, NUMBER_SIZE, "%" PRId64, value->integer);
        return buffer;
    case TOML_FLOAT:
        return format_real(value->real, buffer);
    default:
        return NULL;
    }
}

/* ---- In one way -------------------------------------------------------------------------------------------------- */

static void format_duration(pk_duration duration, char buffer[VALUE_BUFFER])
{
    static const struct {
        pk_duration unit;
        const char *name;
    } units[] = {{PK_SECONDS(1), "s"}, {PK_MILLISECONDS(1), "ms"}, {PK_MICROSECONDS(1), "us"}, {1, "ns"}};
    size_t i = 0;
    while (duration % units[i].unit != 0)
        i++;
    snprintf(buffer, VALUE_BUFFER, "%" PRIu64 "%s", duration / units[i].unit, units[i].name);
}

const char *value_canonical(enum value_kind kind, const char *text, char buffer[VALUE_BUFFER])
{
    uint64_t number;
    double cores;
    int signal_number;
    if (kind == VALUE_DURATION && pk_parse_duration(text, &number, NULL) == 0)
        format_duration(number, buffer);
    else if (kind == VALUE_SIZE && pk_parse_size(text, &number, NULL) == 0)
        snprintf(buffer, VALUE_BUFFER, "%" PRIu64, number);
    else if (kind == VALUE_CORES && pk_parse_cores(text, &cores, NULL) == 0)
        snprintf(buffer, VALUE_BUFFER, "%.9g", cores);
    else if (kind == VALUE_SIGNAL && pk_parse_signal(text, &signal_number, NULL) == 0)
        pk_format_signal(signal_number, buffer, VALUE_BUFFER);
    else
        return text;
    return buffer;
}

/* ---- In a plan --------------------------------------------------------------------------------------------------- */

static int store_duration(struct reading *reading, const struct setting *setting, struct toml_node *value, void *field)
{
    pk_error error;
    pk_duration duration = PK_FOREVER;
    char buffer[NUMBER_SIZE];
    const char *text = value_text(value, buffer);
    bool forever = setting->most == PK_FOREVER && strcmp(text, "forever") == 0;
    if (!forever && pk_parse_duration(text, &duration, &error) < 0)
        return complain(reading, setting, value, "%s", error.message);
    if (duration < setting->least)
        return complain(reading, setting, value, "it must be more than 0");
    *(pk_duration *)field = duration;
    return 0;
}

static int store_size(struct reading *reading, const struct setting *setting, struct toml_node *value, void *field)
{
    pk_error error;
    char buffer[NUMBER_SIZE];
    if (pk_parse_size(value_text(value, buffer), field, &error) < 0)
        return complain(reading, setting, value, "%s", error.message);
    return 0;
}

static int store_count(struct reading *reading, const struct setting *setting, struct toml_node *value, void *field)
{
    uint64_t most = setting->most ? setting->most : UINT_MAX;
    if (value->integer < (int64_t)setting->least || (uint64_t)value->integer > most)
        return complain(reading, setting, value, "a whole number from %" PRIu64 " to %" PRIu64 " is expected",
                        setting->least, most);
    *(unsigned *)field = (unsigned)value->integer;
    return 0;
}

static int store_signal(struct reading *reading, const struct setting *setting, struct toml_node *value, void *field)
{
    pk_error error;
    char buffer[NUMBER_SIZE];
    const char *text = value_text(value, buffer);
    if (strcmp(text, "none") == 0)
        *(int *)field = 0;
    else if (pk_parse_signal(text, field, &error) < 0)
        return complain(reading, setting, value, "%s", error.message);
    return 0;
}

static int store_text(struct reading *reading, const struct setting *setting, struct toml_node *value, void *field)
{
    if (*value->text == '\0')
        return complain(reading, setting, value, "it is empty");
    char *copy = setting->kind == VALUE_PATH ? absolute_path(reading, value->text) : strdup(value->text);
    if (!copy)
        return complain(reading, setting, value, "out of memory");
    free(*(char **)field);
    *(char **)field = copy;
    return 0;
}

int value_store(struct reading *reading, const struct setting *setting, struct toml_node *value)
{
    void *field = (char *)reading->plan + setting->offset;
    switch (setting->kind) {
    case VALUE_DURATION:
        return store_duration(reading, setting, value, field);
    case VALUE_SIZE:
        return store_size(reading, setting, value, field);
    case VALUE_COUNT:
        return store_count(reading, setting, value, field);
    case VALUE_SIGNAL:
        return store_signal(reading, setting, value, field);
    case VALUE_FLAG:
        *(bool *)field = value->truth;
        return 0;
    default:
        return store_text(reading, setting, value, field);
    }
}
