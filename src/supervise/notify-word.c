/*
 * Reading what a service says of itself. Nothing in it is trusted: it may be anybody's bytes.
 */
#include "supervise/notify-word.h"

#include "base/text.h"

#include <processkit/parse.h>

#include <errno.h>
#include <string.h>

struct value {
    const char *bytes;
    size_t length;
};

static bool is(const struct value *value, const char *text)
{
    return value->length == strlen(text) && memcmp(value->bytes, text, value->length) == 0;
}

static bool read_number(const struct value *value, uint64_t most, uint64_t *number)
{
    char digits[32];
    if (value->length >= sizeof(digits))
        return false;
    memcpy(digits, value->bytes, value->length);
    digits[value->length] = '\0';
    return pk_parse_number(digits, 1, most, number, NULL) == 0;
}

/* ---- Assignments ------------------------------------------------------------------------------------------------ */

/* It is in one state at a time. */
static bool enter(struct notify_word *word, bool *state, const struct value *value)
{
    if (!is(value, "1"))
        return false;
    word->ready = word->reloading = word->stopping = false;
    *state = true;
    return true;
}

static bool take_ready(struct notify_word *word, const struct value *value)
{
    return enter(word, &word->ready, value);
}

static bool take_reloading(struct notify_word *word, const struct value *value)
{
    return enter(word, &word->reloading, value);
}

static bool take_stopping(struct notify_word *word, const struct value *value)
{
    return enter(word, &word->stopping, value);
}

static bool take_watchdog(struct notify_word *word, const struct value *value)
{
    bool well = is(value, "1"), trigger = is(value, "trigger");
    if (!well && !trigger)
        return false;
    word->watchdog = well;
    word->watchdog_trigger = trigger;
    return true;
}

static bool take_watchdog_usec(struct notify_word *word, const struct value *value)
{
    return read_number(value, UINT64_MAX, &word->watchdog_usec);
}

static bool take_extend_usec(struct notify_word *word, const struct value *value)
{
    return read_number(value, UINT64_MAX, &word->extend_usec);
}

static bool take_errno(struct notify_word *word, const struct value *value)
{
    enum { LAST_ERRNO = 4095 }; /* what the kernel keeps free for them */
    uint64_t number;
    if (!read_number(value, LAST_ERRNO, &number))
        return false;
    word->error_number = (int)number;
    return true;
}

static bool take_status(struct notify_word *word, const struct value *value)
{
    text_show(value->bytes, value->length, word->status, sizeof(word->status));
    word->has_status = true;
    return true;
}

static const struct assignment {
    const char *name;
    bool (*take)(struct notify_word *word, const struct value *value);
} assignments[] = {
    {"READY", take_ready},
    {"RELOADING", take_reloading},
    {"STOPPING", take_stopping},
    {"STATUS", take_status},
    {"WATCHDOG", take_watchdog},
    {"WATCHDOG_USEC", take_watchdog_usec},
    {"EXTEND_TIMEOUT_USEC", take_extend_usec},
    {"ERRNO", take_errno},
};

enum { ASSIGNMENTS = sizeof(assignments) / sizeof(assignments[0]) };

/* ---- Messages --------------------------------------------------------------------------------------------------- */

/* As notify_parse, for one line without its end. */
static int take_line(struct notify_word *word, const char *line, size_t length)
{
    const char *equals = memchr(line, '=', length);
    if (!equals || equals == line)
        return -EBADMSG;
    const struct value name = {line, (size_t)(equals - line)};
    const struct value value = {equals + 1, length - name.length - 1};
    for (size_t i = 0; i < ASSIGNMENTS; i++)
        if (is(&name, assignments[i].name))
            return assignments[i].take(word, &value);
    return 0;
}

int notify_parse(const char *bytes, size_t length, struct notify_word *word)
{
    int result = -EBADMSG;
    *word = (struct notify_word){0};
    if (length > 0 && bytes[length - 1] == '\0') /* some send the end of the string as well */
        length--;
    if (memchr(bytes, '\0', length))
        return result;
    for (size_t next = 0; next < length;) {
        const char *line = bytes + next, *end = memchr(line, '\n', length - next);
        size_t size = end ? (size_t)(end - line) : length - next;
        int r = take_line(word, line, size);
        if (r > result)
            result = r;
        next += size + 1;
    }
    return result;
}
