/*
 * What a run on a cassette is known by.
 */
#include "base/error.h"
#include "process/plan.h"
#include "sys/sys.h"
#include "testing/cassette.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* ---- Input ------------------------------------------------------------------------------------------------------ */

static bool is_null(int fd)
{
    struct stat status;
    return sys_fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

static bool inherits_null(int fd)
{
    return descriptor_becomes_null(fd, sys_fcntl(fd, F_GETFD, 0)) || is_null(fd);
}

bool key_leads_nowhere(const struct descriptor *descriptor)
{
    switch (descriptor->kind) {
    case DESCRIPTOR_NULL:
        return true;
    case DESCRIPTOR_INHERIT:
        return inherits_null(descriptor->fd);
    case DESCRIPTOR_FD:
        return is_null(descriptor->owner_fd);
    case DESCRIPTOR_FILE:
        return strcmp(descriptor->path, "/dev/null") == 0;
    default:
        return false;
    }
}

/* What the descriptor was said to be last is what holds: input that was given before that is none. */
static bool gives_input(const pk_command *command, const struct descriptor *descriptor)
{
    return command->has_input && descriptor &&
           (descriptor->kind == DESCRIPTOR_PIPE || descriptor->kind == DESCRIPTOR_TERMINAL);
}

static const char *wrong_with_input(const pk_command *command)
{
    const struct descriptor *descriptor = command_find_descriptor(command, 0);
    if (gives_input(command, descriptor))
        return command->input.callback ? "comes from a callback" : NULL;
    if (!descriptor || descriptor->kind == DESCRIPTOR_TERMINAL || key_leads_nowhere(descriptor))
        return NULL;
    switch (descriptor->kind) {
    case DESCRIPTOR_PIPE:
        return "is for the caller to write";
    case DESCRIPTOR_FILE:
        return "is a file";
    default:
        return "is another descriptor";
    }
}

int key_check_input(const pk_command *command, const char *what, pk_error *error)
{
    const char *wrong = wrong_with_input(command);
    if (!wrong)
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_ARGUMENTS, command->argv[0],
                     "cannot %s '%s': its input %s, and is not known before (give it by pk_command_input)", what,
                     command->argv[0], wrong);
}

static void add_input(struct cassette_key *key, const pk_command *command)
{
    if (!gives_input(command, command_find_descriptor(command, 0)) || command->input.length == 0)
        return;
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, command->input.bytes, command->input.length);
    sha256_end(&hash, key->input_digest);
    key->input_length = command->input.length;
}

/* ---- Environment ------------------------------------------------------------------------------------------------- */

static int compare_names(const void *one, const void *other)
{
    const struct environment_change *const *a = one, *const *b = other;
    return strcmp((*a)->name, (*b)->name);
}

/* The last word on each variable, sorted: in which order they were said does not matter. Returns how many. */
static size_t settle(const pk_command *command, const struct environment_change **last, bool *clears)
{
    size_t count = 0;
    for (size_t i = 0; i < command->environment_count; i++) {
        const struct environment_change *change = &command->environment[i];
        size_t place = 0;
        if (change->kind == ENVIRONMENT_CLEAR) {
            *clears = true;
            count = 0;
            continue;
        }
        while (place < count && strcmp(last[place]->name, change->name) != 0)
            place++;
        last[place] = change;
        count += place == count;
    }
    qsort(last, count, sizeof(*last), compare_names);
    return count;
}

static int add_change(struct cassette_key *key, struct sha256 *hash, const struct environment_change *change)
{
    static const char *const words[] = {
        [ENVIRONMENT_SET] = "set ", [ENVIRONMENT_UNSET] = "unset ", [ENVIRONMENT_INHERIT] = "inherit "};
    const char *word = words[change->kind];
    const char *value = change->kind == ENVIRONMENT_SET ? change->value : change->name;
    sha256_add(hash, word, strlen(word) + 1);
    sha256_add(hash, value, strlen(value) + 1);
    char *text = malloc(strlen(word) + strlen(change->name) + 1);
    if (!text)
        return -ENOMEM;
    stpcpy(stpcpy(text, word), change->name);
    int r = pieces_add(&key->changes, text, strlen(text));
    free(text);
    return r;
}

static int add_environment(struct cassette_key *key, const pk_command *command)
{
    struct sha256 hash;
    bool clears = false;
    if (command->environment_count == 0)
        return 0;
    const struct environment_change **last = calloc(command->environment_count, sizeof(*last));
    if (!last)
        return -ENOMEM;
    size_t count = settle(command, last, &clears);
    sha256_begin(&hash);
    int r = 0;
    if (clears) {
        sha256_add(&hash, "clear", sizeof("clear"));
        r = pieces_add(&key->changes, "clear", strlen("clear"));
    }
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_change(key, &hash, last[i]);
    sha256_end(&hash, key->changes_digest);
    free(last);
    return r;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

static int add_arguments(struct cassette_key *key, const pk_command *command, const pk_cassette_options *options)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < command->argc; i++) {
        r = pieces_add(&key->arguments, command->argv[i], strlen(command->argv[i]));
        if (r == 0)
            r = scrub_piece(options, PK_CASSETTE_ARGUMENT, &key->arguments.items[i]);
    }
    return r;
}

static int add_directory(struct cassette_key *key, const pk_command *command, const pk_cassette_options *options)
{
    if (!command->directory)
        return 0;
    int r = piece_copy(&key->directory, command->directory, strlen(command->directory));
    return r < 0 ? r : scrub_piece(options, PK_CASSETTE_DIRECTORY, &key->directory);
}

int key_make(struct cassette_key *key, const pk_command *command, const pk_cassette_options *options, pk_error *error)
{
    *key = (struct cassette_key){0};
    int r = add_arguments(key, command, options);
    if (r == 0 && options->match_directory)
        r = add_directory(key, command, options);
    if (r == 0 && options->match_environment)
        r = add_environment(key, command);
    add_input(key, command);
    if (r == 0)
        return 0;
    key_free(key);
    return error_errno(error, r, PK_STEP_ALLOCATE, NULL, "cannot look for %s on a cassette", command->argv[0]);
}

void key_free(struct cassette_key *key)
{
    pieces_free(&key->arguments);
    pieces_free(&key->changes);
    free(key->directory.bytes);
    *key = (struct cassette_key){0};
}

static bool piece_equals(const struct piece *one, const struct piece *other)
{
    if (!one->bytes || !other->bytes)
        return one->bytes == other->bytes;
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

static bool pieces_equal(const struct pieces *one, const struct pieces *other)
{
    bool equal = one->count == other->count;
    for (size_t i = 0; equal && i < one->count; i++)
        equal = piece_equals(&one->items[i], &other->items[i]);
    return equal;
}

bool key_has_arguments_of(const struct cassette_key *one, const struct cassette_key *other)
{
    return pieces_equal(&one->arguments, &other->arguments);
}

bool key_equals(const struct cassette_key *one, const struct cassette_key *other)
{
    return key_has_arguments_of(one, other) && one->input_length == other->input_length &&
           memcmp(one->input_digest, other->input_digest, SHA256_SIZE) == 0 &&
           piece_equals(&one->directory, &other->directory) && pieces_equal(&one->changes, &other->changes) &&
           memcmp(one->changes_digest, other->changes_digest, SHA256_SIZE) == 0;
}
