/*
 * Cassettes: what is read as one is written as one, and is the same when it is read again.
 */
#include "fuzz.h"
#include "testing/cassette.h"
#include "testing/script.h"

#include <errno.h>

static void compare_scripts(const pk_script *one, const pk_script *other)
{
    HOLDS(one->problem.number == 0 && other->problem.number == 0 && one->raw && other->raw);
    HOLDS(one->count == other->count);
    for (size_t i = 0; i < one->count; i++) {
        const struct step *a = &one->steps[i], *b = &other->steps[i];
        HOLDS(a->kind == b->kind && a->fd == b->fd && a->number == b->number && a->answer == b->answer);
        HOLDS(a->where == b->where && a->duration == b->duration && a->length == b->length);
        HOLDS(memcmp(a->bytes, b->bytes, a->length) == 0);
    }
}

static void compare(const struct cassette *one, const struct cassette *other)
{
    HOLDS(one->match_directory == other->match_directory && one->match_environment == other->match_environment);
    HOLDS(one->count == other->count);
    for (size_t i = 0; i < one->count; i++) {
        HOLDS(key_equals(&one->runs[i]->key, &other->runs[i]->key));
        compare_scripts(one->runs[i]->script, other->runs[i]->script);
    }
}

/* An end, and only one. */
static void check_script(const pk_script *script)
{
    HOLDS(script->count > 0);
    for (size_t i = 0; i < script->count; i++)
        HOLDS((script->steps[i].kind >= STEP_EXIT) == (i == script->count - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cassette first, second;
    pk_error error = {0};
    char *text = string_of(bytes, size);
    int r = cassette_read(&first, text, size, true, "fuzz", &error);
    free(text);
    if (r < 0) {
        HOLDS(r == -EBADMSG || (r == -EOPNOTSUPP && strstr(error.message, "version")));
        HOLDS(error.number == r && error.message[0] != '\0' && first.count == 0);
        return 0;
    }
    struct room room = {0};
    size_t length;
    for (size_t i = 0; i < first.count; i++)
        check_script(first.runs[i]->script);
    HOLDS(cassette_write(&first, SIZE_MAX, "fuzz", &room, &length, &error) == 0);
    HOLDS(cassette_read(&second, room.bytes, length, true, "fuzz", &error) == 0);
    compare(&first, &second);
    room_free(&room);
    cassette_free(&first);
    cassette_free(&second);
    return 0;
}
