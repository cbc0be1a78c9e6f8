/*
 * The text of a cassette, from runs.
 *
 * It is for reviews as well: lines of output are lines of the file, and the same runs give the same text.
 */
#include "base/base64.h"
#include "base/error.h"
#include "base/utf8.h"
#include "testing/cassette.h"
#include "testing/json.h"
#include "testing/script.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Putting together -------------------------------------------------------------------------------------------- */

/* All of these take the value, and pass on that there was no memory for it: NULL. */

static json_t *put(const struct json_api *api, json_t *object, const char *name, json_t *value)
{
    if (object && api->object_set_new(object, name, value) == 0)
        return object;
    json_unref(api, object);
    return NULL;
}

static json_t *append(const struct json_api *api, json_t *array, json_t *value)
{
    if (array && api->array_append_new(array, value) == 0)
        return array;
    json_unref(api, array);
    return NULL;
}

static json_t *string(const struct json_api *api, const char *text)
{
    return api->stringn(text, strlen(text));
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

enum { MOST_LINES = 4096, BASE64_LINE = 76 };

static bool is_text(const char *bytes, size_t length)
{
    return utf8_count(bytes, length) == length && !memchr(bytes, '\0', length);
}

/* Nobody reads more lines than a few thousand: from there on several are one string. */
static size_t line_length(const char *bytes, size_t length, size_t least)
{
    const char *end = least < length ? memchr(bytes + least, '\n', length - least) : NULL;
    return end ? (size_t)(end + 1 - bytes) : length;
}

static json_t *lines_of(const struct json_api *api, const char *bytes, size_t length)
{
    size_t least = length / MOST_LINES;
    size_t first = line_length(bytes, length, least);
    if (first == length)
        return api->stringn(bytes, length);
    json_t *array = api->array();
    for (size_t line; array && length > 0; bytes += line, length -= line) {
        line = line_length(bytes, length, least);
        array = append(api, array, api->stringn(bytes, line));
    }
    return array;
}

static json_t *base64_lines_of(const struct json_api *api, const char *bytes, size_t length)
{
    size_t count = base64_length(length);
    char *text = malloc(count + 1);
    if (!text)
        return NULL;
    base64_encode(bytes, length, text);
    json_t *value = count <= BASE64_LINE ? api->stringn(text, count) : api->array();
    for (size_t i = 0; count > BASE64_LINE && value && i < count; i += BASE64_LINE) {
        size_t line = count - i < BASE64_LINE ? count - i : BASE64_LINE;
        value = append(api, value, api->stringn(text + i, line));
    }
    free(text);
    return value;
}

static json_t *binary(const struct json_api *api, const char *bytes, size_t length)
{
    return put(api, api->object(), "base64", base64_lines_of(api, bytes, length));
}

static json_t *output(const struct json_api *api, const char *bytes, size_t length)
{
    return is_text(bytes, length) ? lines_of(api, bytes, length) : binary(api, bytes, length);
}

static json_t *word(const struct json_api *api, const struct piece *piece)
{
    return is_text(piece->bytes, piece->length) ? api->stringn(piece->bytes, piece->length)
                                                : binary(api, piece->bytes, piece->length);
}

static json_t *words(const struct json_api *api, const struct pieces *pieces)
{
    json_t *array = api->array();
    for (size_t i = 0; array && i < pieces->count; i++)
        array = append(api, array, word(api, &pieces->items[i]));
    return array;
}

static json_t *digest_of(const struct json_api *api, const unsigned char digest[SHA256_SIZE])
{
    char text[SHA256_TEXT];
    sha256_format(digest, text);
    return string(api, text);
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

static json_t *one(const struct json_api *api, const char *name, json_t *value)
{
    return put(api, api->object(), name, value);
}

static json_t *write_step(const struct json_api *api, const struct step *step)
{
    json_t *bytes = output(api, step->bytes, step->length);
    if (step->fd == 1 || step->fd == 2)
        return one(api, step->fd == 1 ? "stdout" : "stderr", bytes);
    return put(api, one(api, "write", api->integer(step->fd)), "bytes", bytes);
}

static json_t *signal_name(const struct json_api *api, int signal_number)
{
    char name[16];
    return string(api, pk_format_signal(signal_number, name, sizeof(name)));
}

static json_t *answer_step(const struct json_api *api, const struct step *step)
{
    if (step->answer == SIGNAL_IGNORED)
        return one(api, "ignore", signal_name(api, step->number));
    return put(api, one(api, "catch", signal_name(api, step->number)), "exit", api->integer(step->answer));
}

static json_t *failure_step(const struct json_api *api, const struct step *step)
{
    return put(api, one(api, "fail", string(api, pk_step_name(step->where))), "errno", api->integer(-step->number));
}

/* Of those that runs on cassettes have. */
static json_t *step_of(const struct json_api *api, const struct step *step)
{
    switch (step->kind) {
    case STEP_WRITE:
        return write_step(api, step);
    case STEP_PAUSE:
        return one(api, "pause_ms", api->integer((long long)(step->duration / PK_MILLISECONDS(1))));
    case STEP_CLOSE:
        return one(api, "close", api->integer(step->fd));
    case STEP_ON_SIGNAL:
        return answer_step(api, step);
    case STEP_LEAVE:
        return one(api, "leave", api->integer(1));
    case STEP_EXIT:
        return one(api, "exit", api->integer(step->number));
    case STEP_DIE:
        return one(api, "signal", signal_name(api, step->number));
    case STEP_RUN_OUT:
        return one(api, "end", string(api, "out-of-memory"));
    case STEP_FAIL:
        return failure_step(api, step);
    default:
        return one(api, "end", string(api, "hang"));
    }
}

static json_t *steps_of(const struct json_api *api, const pk_script *script)
{
    json_t *array = api->array();
    for (size_t i = 0; array && i < script->count; i++)
        array = append(api, array, step_of(api, &script->steps[i]));
    return array;
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

static json_t *add_input(const struct json_api *api, json_t *object, const struct cassette_key *key)
{
    if (key->input_length == 0)
        return object;
    json_t *input = one(api, "length", api->integer((long long)key->input_length));
    return put(api, object, "input", put(api, input, "sha256", digest_of(api, key->input_digest)));
}

static json_t *add_environment(const struct json_api *api, json_t *object, const struct cassette_key *key)
{
    if (key->changes.count == 0)
        return object;
    json_t *environment = one(api, "changes", words(api, &key->changes));
    return put(api, object, "environment", put(api, environment, "sha256", digest_of(api, key->changes_digest)));
}

static json_t *run_of(const struct json_api *api, const struct cassette_run *run)
{
    json_t *object = one(api, "command", words(api, &run->key.arguments));
    if (run->key.directory.bytes)
        object = put(api, object, "directory", word(api, &run->key.directory));
    object = add_environment(api, object, &run->key);
    object = add_input(api, object, &run->key);
    return put(api, object, "does", steps_of(api, run->script));
}

static json_t *runs_of(const struct json_api *api, const struct cassette *cassette)
{
    json_t *array = api->array();
    for (size_t i = 0; array && i < cassette->count; i++)
        if (cassette->runs[i]->script)
            array = append(api, array, run_of(api, cassette->runs[i]));
    return array;
}

static json_t *match_of(const struct json_api *api, const struct cassette *cassette)
{
    json_t *array = api->array();
    if (array && cassette->match_directory)
        array = append(api, array, string(api, "directory"));
    if (array && cassette->match_environment)
        array = append(api, array, string(api, "environment"));
    return array;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

struct sink {
    struct room *text;
    size_t length, most;
    int problem;
};

static int take(const char *bytes, size_t length, void *data)
{
    struct sink *sink = data;
    if (length >= sink->most || sink->length >= sink->most - length)
        sink->problem = -EFBIG;
    else
        sink->problem = room_reserve(sink->text, sink->length + length, sink->most);
    if (sink->problem < 0)
        return -1;
    memcpy(sink->text->bytes + sink->length, bytes, length);
    sink->length += length;
    return 0;
}

static int explain(int number, size_t most, const char *path, pk_error *error)
{
    char size[32];
    if (number != -EFBIG)
        return error_errno(error, number, PK_STEP_ALLOCATE, path, "cannot save %s", path);
    return error_set(error, number, PK_ERROR_OUTPUT_TOO_LARGE, PK_STEP_ARGUMENTS, path,
                     "cannot save %s: it would have more than %s (see pk_cassette_options)", path,
                     pk_format_size(most, size, sizeof(size)));
}

int cassette_write(const struct cassette *cassette, size_t most, const char *path, struct room *text, size_t *length,
                   pk_error *error)
{
    const struct json_api *api;
    struct sink sink = {.text = text, .most = most};
    int r = json_load(&api, error);
    if (r < 0)
        return r;
    json_t *root = one(api, "version", api->integer(CASSETTE_VERSION));
    root = put(api, root, "match", match_of(api, cassette));
    root = put(api, root, "runs", runs_of(api, cassette));
    bool done = root && api->dump_callback(root, take, &sink, JSON_INDENT_2 | JSON_PRESERVE_ORDER) == 0 &&
                take("\n", 1, &sink) == 0;
    json_unref(api, root);
    if (!done)
        return explain(sink.problem ? sink.problem : -ENOMEM, most, path, error);
    *length = sink.length;
    return 0;
}
