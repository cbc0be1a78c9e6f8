/*
 * Runs, from the text of a cassette.
 *
 * The text may come from anybody. What is not known here is refused and not passed over: a member with a slip in its
 * name would otherwise make another run of it.
 */
#include "base/array.h"
#include "base/base64.h"
#include "base/error.h"
#include "testing/cassette.h"
#include "testing/json.h"
#include "testing/script.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const struct json_api *api;
    const char *path;
    pk_error *error;
    bool timing;
    size_t run, step; /* that is being read, from 1; 0: none */
    size_t left;      /* members that live on, in this run */
};

static PK_PRINTF(2, 3) int complain(const struct reader *reader, const char *format, ...)
{
    char what[256], where[64] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (reader->step)
        snprintf(where, sizeof(where), "run %zu, step %zu: ", reader->run, reader->step);
    else if (reader->run)
        snprintf(where, sizeof(where), "run %zu: ", reader->run);
    return error_set(reader->error, -EBADMSG, PK_ERROR_PARSE, PK_STEP_ARGUMENTS, reader->path,
                     "cannot play %s: %s%s (record it again)", reader->path, where, what);
}

static int no_memory(const struct reader *reader)
{
    return error_errno(reader->error, -ENOMEM, PK_STEP_ALLOCATE, reader->path, "cannot play %s", reader->path);
}

/* ---- Values ----------------------------------------------------------------------------------------------------- */

enum { MOST_MEMBERS = 5 };

/* The members of these names, which end with NULL; one that is not there is NULL, and there must be no others. */
static int get_members(const struct reader *reader, const json_t *object, const char *const names[],
                       const json_t *values[MOST_MEMBERS])
{
    size_t found = 0;
    if (!json_is(object, JSON_OBJECT))
        return complain(reader, "something is no object");
    for (size_t i = 0; names[i]; i++) {
        values[i] = reader->api->object_get(object, names[i]);
        found += values[i] != NULL;
    }
    return found == reader->api->object_size(object) ? 0 : complain(reader, "it has a member that is not known here");
}

static int get_number(const struct reader *reader, const json_t *value, const char *name, long long least,
                      long long most, int *number)
{
    long long read = json_is(value, JSON_INTEGER) ? reader->api->integer_value(value) : least - 1;
    if (read < least || read > most)
        return complain(reader, "'%s' is no number from %lld to %lld", name, least, most);
    *number = (int)read;
    return 0;
}

static const char *string_of(const struct reader *reader, const json_t *value)
{
    return json_is(value, JSON_STRING) ? reader->api->string_value(value) : "";
}

/* A string, or an array of them: text that is one. */
static size_t total_length(const struct reader *reader, const json_t *value)
{
    size_t total = 0;
    if (json_is(value, JSON_STRING))
        return reader->api->string_length(value);
    for (size_t i = 0; i < reader->api->array_size(value); i++)
        total += reader->api->string_length(reader->api->array_get(value, i));
    return total;
}

static bool is_strings(const struct reader *reader, const json_t *value)
{
    bool all = json_is(value, JSON_STRING) || json_is(value, JSON_ARRAY);
    for (size_t i = 0; all && json_is(value, JSON_ARRAY) && i < reader->api->array_size(value); i++)
        all = json_is(reader->api->array_get(value, i), JSON_STRING);
    return all;
}

static int get_strings(const struct reader *reader, const json_t *value, const char *name, struct piece *piece)
{
    const struct json_api *api = reader->api;
    if (!is_strings(reader, value))
        return complain(reader, "'%s' is no text", name);
    piece->length = total_length(reader, value);
    piece->bytes = malloc(piece->length + 1);
    if (!piece->bytes)
        return no_memory(reader);
    char *next = piece->bytes;
    size_t count = json_is(value, JSON_STRING) ? 1 : api->array_size(value);
    for (size_t i = 0; i < count; i++) {
        const json_t *line = json_is(value, JSON_STRING) ? value : api->array_get(value, i);
        size_t length = api->string_length(line);
        memcpy(next, api->string_value(line), length);
        next += length;
    }
    *next = '\0';
    return 0;
}

/* The same, or that as base64. The bytes are the caller's. */
static int get_bytes(const struct reader *reader, const json_t *value, const char *name, struct piece *piece)
{
    static const char *const names[] = {"base64", NULL};
    const json_t *values[MOST_MEMBERS] = {0};
    if (!json_is(value, JSON_OBJECT))
        return get_strings(reader, value, name, piece);
    int r = get_members(reader, value, names, values);
    if (r == 0)
        r = get_strings(reader, values[0], "base64", piece);
    if (r < 0)
        return r;
    long length = base64_decode(piece->bytes, piece->length);
    if (length < 0) {
        free(piece->bytes);
        *piece = (struct piece){0};
        return complain(reader, "'%s' is no base64", name);
    }
    piece->bytes[length] = '\0';
    piece->length = (size_t)length;
    return 0;
}

static int get_words(const struct reader *reader, const json_t *value, const char *name, struct pieces *pieces)
{
    if (!json_is(value, JSON_ARRAY) || reader->api->array_size(value) == 0)
        return complain(reader, "'%s' is no list of words", name);
    int r = 0;
    for (size_t i = 0; r == 0 && i < reader->api->array_size(value); i++) {
        if (!array_grow(&pieces->items, pieces->count, sizeof(*pieces->items)))
            return no_memory(reader);
        r = get_bytes(reader, reader->api->array_get(value, i), name, &pieces->items[pieces->count]);
        pieces->count += r == 0;
    }
    return r;
}

static int get_digest(const struct reader *reader, const json_t *value, unsigned char digest[SHA256_SIZE])
{
    const char *text = string_of(reader, value);
    char again[SHA256_TEXT];
    for (size_t i = 0; i < SHA256_SIZE && text[2 * i] && text[2 * i + 1]; i++) {
        const char two[] = {text[2 * i], text[2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(two, NULL, 16);
    }
    sha256_format(digest, again);
    return strcmp(text, again) == 0 ? 0 : complain(reader, "'sha256' is not 64 hexadecimal digits");
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

/* The members of a step, its name first. */
typedef int step_reader(struct reader *reader, const json_t *const values[], pk_script *script);

static int read_output(struct reader *reader, const json_t *value, int fd, pk_script *script)
{
    struct piece piece = {0};
    int r = get_bytes(reader, value, "output", &piece);
    if (r == 0)
        pk_script_write(script, fd, piece.bytes, piece.length);
    free(piece.bytes);
    return r;
}

static int read_stdout(struct reader *reader, const json_t *const values[], pk_script *script)
{
    return read_output(reader, values[0], 1, script);
}

static int read_stderr(struct reader *reader, const json_t *const values[], pk_script *script)
{
    return read_output(reader, values[0], 2, script);
}

static int read_write(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int fd = -1;
    int r = get_number(reader, values[0], "write", 1, 65535, &fd);
    return r < 0 ? r : read_output(reader, values[1], fd, script);
}

static int read_close(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int fd = -1;
    int r = get_number(reader, values[0], "close", 0, 65535, &fd);
    if (r == 0)
        pk_script_close(script, fd);
    return r;
}

static int read_pause(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int pause = 0;
    int r = get_number(reader, values[0], "pause_ms", 0, CASSETTE_PAUSE, &pause);
    if (r == 0 && reader->timing)
        pk_script_pause(script, PK_MILLISECONDS((pk_duration)pause));
    return r;
}

static int get_signal(const struct reader *reader, const json_t *value, const char *name, int *signal_number)
{
    if (pk_parse_signal(string_of(reader, value), signal_number, NULL) == 0)
        return 0;
    return complain(reader, "'%s' is no signal", name);
}

static int read_ignore(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int signal_number = 0;
    int r = get_signal(reader, values[0], "ignore", &signal_number);
    if (r == 0)
        pk_script_on_signal(script, signal_number, SIGNAL_IGNORED);
    return r;
}

static int read_catch(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int signal_number = 0, code = 0;
    int r = get_signal(reader, values[0], "catch", &signal_number);
    if (r == 0)
        r = get_number(reader, values[1], "exit", 0, 255, &code);
    if (r == 0)
        pk_script_on_signal(script, signal_number, code);
    return r;
}

static int read_leave(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int count = 0;
    int r = get_number(reader, values[0], "leave", 1, CASSETTE_LEAVES, &count);
    reader->left += r == 0 ? (size_t)count : 0;
    if (r == 0 && reader->left > CASSETTE_LEAVES)
        return complain(reader, "it leaves more than %d members behind", CASSETTE_LEAVES);
    for (int i = 0; r == 0 && i < count; i++)
        pk_script_leave(script, PK_FOREVER);
    return r;
}

static int read_exit(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int code = 0;
    int r = get_number(reader, values[0], "exit", 0, 255, &code);
    if (r == 0)
        pk_script_exit(script, code);
    return r;
}

static int read_signal(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int signal_number = 0;
    int r = get_signal(reader, values[0], "signal", &signal_number);
    if (r == 0)
        pk_script_die(script, signal_number);
    return r;
}

static int read_end(struct reader *reader, const json_t *const values[], pk_script *script)
{
    const char *how = string_of(reader, values[0]);
    if (strcmp(how, "hang") == 0)
        pk_script_hang(script);
    else if (strcmp(how, "out-of-memory") == 0)
        pk_script_run_out_of_memory(script);
    else
        return complain(reader, "'end' is neither 'hang' nor 'out-of-memory'");
    return 0;
}

static int read_fail(struct reader *reader, const json_t *const values[], pk_script *script)
{
    int number = 0;
    pk_step step = (pk_step)CASSETTE_FIRST_STEP;
    while (step <= (pk_step)CASSETTE_LAST_STEP && strcmp(pk_step_name(step), string_of(reader, values[0])) != 0)
        step++;
    if (step > (pk_step)CASSETTE_LAST_STEP)
        return complain(reader, "'fail' is no step of a start");
    int r = get_number(reader, values[1], "errno", 1, 4095, &number);
    if (r == 0)
        pk_script_fail(script, -number, step);
    return r;
}

static const struct kind {
    const char *names[3];
    step_reader *read;
    bool ends; /* the run: there is one such step, the last one */
} kinds[] = {
    {{"stdout"}, read_stdout, false},       {{"stderr"}, read_stderr, false},  {{"write", "bytes"}, read_write, false},
    {{"close"}, read_close, false},         {{"pause_ms"}, read_pause, false}, {{"ignore"}, read_ignore, false},
    {{"catch", "exit"}, read_catch, false}, {{"leave"}, read_leave, false},    {{"exit"}, read_exit, true},
    {{"signal"}, read_signal, true},        {{"end"}, read_end, true},         {{"fail", "errno"}, read_fail, true},
};

/* 1: it was an end. */
static int read_step(struct reader *reader, const json_t *step, pk_script *script)
{
    const json_t *values[MOST_MEMBERS] = {0};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct kind *kind = &kinds[i];
        if (!reader->api->object_get(step, kind->names[0]))
            continue;
        int r = get_members(reader, step, kind->names, values);
        if (r == 0)
            r = kind->read(reader, values, script);
        return r < 0 ? r : kind->ends;
    }
    return complain(reader, "it is not known here");
}

static int read_steps(struct reader *reader, const json_t *steps, pk_script *script)
{
    size_t count = json_is(steps, JSON_ARRAY) ? reader->api->array_size(steps) : 0;
    reader->left = 0;
    int r = 0;
    for (reader->step = 1; r == 0 && reader->step <= count; reader->step++)
        r = read_step(reader, reader->api->array_get(steps, reader->step - 1), script);
    size_t read = reader->step - 1;
    if (r >= 0 && script->problem.number) {
        if (script->problem.number == -ENOMEM)
            return no_memory(reader);
        reader->step = read;
        return complain(reader, "%s", script->problem.text);
    }
    reader->step = 0;
    if (r >= 0 && (r == 0 || read < count))
        return complain(reader, "its end is not its last step");
    return r < 0 ? r : 0;
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

static int read_input(const struct reader *reader, const json_t *input, struct cassette_key *key)
{
    static const char *const names[] = {"length", "sha256", NULL};
    const json_t *values[MOST_MEMBERS] = {0};
    int r = get_members(reader, input, names, values);
    if (r < 0)
        return r;
    long long length = json_is(values[0], JSON_INTEGER) ? reader->api->integer_value(values[0]) : 0;
    if (length <= 0)
        return complain(reader, "'length' is no length of an input");
    key->input_length = (uint64_t)length;
    return get_digest(reader, values[1], key->input_digest);
}

static int read_environment(const struct reader *reader, const json_t *environment, struct cassette_key *key)
{
    static const char *const names[] = {"changes", "sha256", NULL};
    const json_t *values[MOST_MEMBERS] = {0};
    int r = get_members(reader, environment, names, values);
    if (r == 0)
        r = get_words(reader, values[0], "changes", &key->changes);
    return r < 0 ? r : get_digest(reader, values[1], key->changes_digest);
}

static int read_key(const struct reader *reader, const json_t *const values[], const struct cassette *cassette,
                    struct cassette_key *key)
{
    if ((values[1] && !cassette->match_directory) || (values[2] && !cassette->match_environment))
        return complain(reader, "it has what 'match' does not name");
    int r = get_words(reader, values[0], "command", &key->arguments);
    if (r == 0 && values[1])
        r = get_bytes(reader, values[1], "directory", &key->directory);
    if (r == 0 && values[2])
        r = read_environment(reader, values[2], key);
    if (r == 0 && values[3])
        r = read_input(reader, values[3], key);
    return r;
}

static int read_run(struct reader *reader, const json_t *object, struct cassette *cassette)
{
    static const char *const names[] = {"command", "directory", "environment", "input", "does", NULL};
    const json_t *values[MOST_MEMBERS] = {0};
    int r = get_members(reader, object, names, values);
    if (r < 0)
        return r;
    struct cassette_run *run = calloc(1, sizeof(*run));
    if (run)
        run->script = pk_script_new();
    r = run && run->script ? read_key(reader, values, cassette, &run->key) : no_memory(reader);
    if (r == 0)
        r = read_steps(reader, values[4], run->script);
    if (r == 0) {
        run->script->raw = true;
        r = cassette_add(cassette, run);
        if (r < 0)
            no_memory(reader);
    }
    if (r < 0)
        cassette_run_free(run);
    return r;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static int check_version(const struct reader *reader, const json_t *version)
{
    if (!json_is(version, JSON_INTEGER))
        return complain(reader, "it has no version, and is perhaps something else");
    long long number = reader->api->integer_value(version);
    if (number == CASSETTE_VERSION)
        return 0;
    return error_set(reader->error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, reader->path,
                     "cannot play %s: it has version %lld, and version %d is known here (record it again)",
                     reader->path, number, CASSETTE_VERSION);
}

static int read_match(const struct reader *reader, const json_t *match, struct cassette *cassette)
{
    if (!json_is(match, JSON_ARRAY))
        return complain(reader, "'match' is no list");
    for (size_t i = 0; i < reader->api->array_size(match); i++) {
        const char *name = string_of(reader, reader->api->array_get(match, i));
        bool *place = strcmp(name, "directory") == 0     ? &cassette->match_directory
                      : strcmp(name, "environment") == 0 ? &cassette->match_environment
                                                         : NULL;
        if (!place || *place)
            return complain(reader, "'match' names what is not known here, or twice");
        *place = true;
    }
    return 0;
}

/* The version comes first: nothing else is known of another one. */
static int read_all(struct reader *reader, const json_t *root, struct cassette *cassette)
{
    static const char *const names[] = {"version", "match", "runs", NULL};
    const json_t *values[MOST_MEMBERS] = {0};
    int r = check_version(reader, reader->api->object_get(root, "version"));
    if (r == 0)
        r = get_members(reader, root, names, values);
    if (r == 0)
        r = read_match(reader, values[1], cassette);
    if (r < 0)
        return r;
    if (!json_is(values[2], JSON_ARRAY))
        return complain(reader, "'runs' is no list");
    size_t count = reader->api->array_size(values[2]);
    for (reader->run = 1; r == 0 && reader->run <= count; reader->run++)
        r = read_run(reader, reader->api->array_get(values[2], reader->run - 1), cassette);
    return r;
}

int cassette_read(struct cassette *cassette, const char *text, size_t length, bool timing, const char *path,
                  pk_error *error)
{
    struct reader reader = {.path = path, .error = error, .timing = timing};
    struct json_error_t why;
    *cassette = (struct cassette){0};
    int r = json_load(&reader.api, error);
    if (r < 0)
        return r;
    json_t *root = reader.api->loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    r = root ? read_all(&reader, root, cassette)
             : complain(&reader, "it is no JSON: line %d, column %d: %s", why.line, why.column, why.text);
    json_unref(reader.api, root);
    if (r < 0)
        cassette_free(cassette);
    return r;
}
