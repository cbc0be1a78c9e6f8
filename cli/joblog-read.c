/*
 * Reading the log of a batch: what of it was done.
 */
#include "digest.h"
#include "joblog.h"
#include "message.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct past {
    uint64_t digest;
    enum fate fate;
};

enum fate joblog_fate(const struct joblog *log, size_t number)
{
    return number < log->count ? log->past[number].fate : FATE_NONE;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

/* Where one is in the log, for messages. */
struct place {
    struct joblog *log;
    const struct identity *identity;
    unsigned line;
};

static int refuse(const struct place *place, const char *why)
{
    say("--resume: line %u of %s %s", place->line, place->log->path, why);
    return -1;
}

static int refuse_nonsense(const struct place *place)
{
    return refuse(place, "is none of the log of a batch");
}

static bool read_digest(const json_t *json, const char *key, uint64_t *digest)
{
    const char *text = json_string_value(json_object_get(json, key));
    char *end = NULL;
    if (text)
        *digest = strtoull(text, &end, 16);
    return text && strlen(text) == 16 && *end == '\0';
}

static int read_batch(const struct place *place, const json_t *json)
{
    uint64_t digest;
    if (json_integer_value(json_object_get(json, "schema_version")) != 1)
        return refuse(place, "was written by another version of pk");
    if (!read_digest(json, "batch", &digest))
        return refuse_nonsense(place);
    if (digest != identity_digest(place->identity))
        return refuse(place, "is of another batch: its command, --null, --max-args or --chdir is not the same");
    return 0;
}

/* Items are started in their order, but for those that are run again. */
static int read_start(const struct place *place, const json_t *json, size_t number)
{
    struct joblog *log = place->log;
    struct past past = {.fate = FATE_STOPPED};
    if (!read_digest(json, "digest", &past.digest) || number > log->count)
        return refuse_nonsense(place);
    if (number < log->count && log->past[number].digest != past.digest)
        return refuse(place, "contradicts a line before it: the words of the item are not the same");
    if (number == log->count) {
        struct past *larger = (number & (number - 1)) == 0
                                  ? reallocarray(log->past, number ? number * 2 : 1, sizeof(*larger))
                                  : log->past;
        if (!larger) {
            say("out of memory");
            return -1;
        }
        log->past = larger;
        log->count++;
    }
    log->past[number] = past;
    return 0;
}

static int read_end(const struct place *place, const json_t *json, size_t number)
{
    const char *outcome = json_string_value(json_object_get(json, "outcome"));
    if (!outcome || number >= place->log->count)
        return refuse_nonsense(place);
    for (enum fate fate = FATE_NONE; fate <= FATE_STOPPED; fate++)
        if (strcmp(outcome, fate_name(fate)) == 0) {
            place->log->past[number].fate = fate;
            return 0;
        }
    return refuse_nonsense(place);
}

static int read_event(const struct place *place, const json_t *json)
{
    const char *event = json_string_value(json_object_get(json, "event"));
    json_int_t item = json_integer_value(json_object_get(json, "item"));
    bool is_batch = event && strcmp(event, "batch") == 0;
    if (!event || (place->line == 1) > is_batch || (!is_batch && item < 1))
        return refuse_nonsense(place);
    if (is_batch)
        return read_batch(place, json);
    if (strcmp(event, "start") == 0)
        return read_start(place, json, (size_t)item - 1);
    return strcmp(event, "end") == 0 ? read_end(place, json, (size_t)item - 1) : refuse_nonsense(place);
}

static int read_line(const struct place *place, const char *line, size_t length)
{
    json_t *json = json_loadb(line, length, 0, NULL);
    int r = json ? read_event(place, json) : refuse_nonsense(place);
    json_decref(json);
    return r;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

/* Whoever wrote it was killed meanwhile. */
static int cut_off(const struct joblog *log, off_t length)
{
    if (ftruncate(fileno(log->file), length) == 0)
        return 0;
    say("--resume: cannot cut off the last line of %s: %s", log->path, strerror(errno));
    return -1;
}

static int read_lines(struct place *place)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    off_t whole = 0;
    int r = 0;
    while (r == 0 && (length = getline(&line, &capacity, place->log->file)) >= 0) {
        if (line[length - 1] != '\n') {
            r = cut_off(place->log, whole);
            break;
        }
        place->line++;
        whole += length;
        r = read_line(place, line, (size_t)length);
    }
    free(line);
    return r;
}

int joblog_read(struct joblog *log, const struct identity *identity)
{
    struct place place = {.log = log, .identity = identity};
    rewind(log->file);
    if (read_lines(&place) < 0)
        return -1;
    if (!ferror(log->file))
        return 0;
    say("--resume: cannot read %s: %s", log->path, strerror(errno));
    return -1;
}

/* ---- The input -------------------------------------------------------------------------------------------------- */

static int compare(const struct joblog *log, const struct item *item)
{
    char text[128];
    if (log->past[item->number].digest == item->digest)
        return 0;
    say("--resume: another input: item %s has other words in %s", item_show(item, text, sizeof(text)), log->path);
    return -1;
}

int joblog_compare(const struct joblog *log, struct words *words, size_t most)
{
    for (size_t number = 0; number < log->count; number++) {
        struct item *item = NULL;
        int r = item_wait(&item, words, most);
        if (r == 0)
            say("--resume: another input: %s knows of %zu items, and there are only %zu", log->path, log->count,
                number);
        r = r > 0 ? compare(log, item) : -1;
        item_free(item);
        if (r < 0)
            return -1;
    }
    return 0;
}
