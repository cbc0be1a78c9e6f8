/*
 * A runner that plays a cassette.
 */
#include "base/error.h"
#include "testing/cassette.h"
#include "testing/double.h"
#include "testing/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct player {
    struct double_runner base; /* first */
    char *path;
    pk_cassette_options options;
    struct cassette cassette;
};

/* ---- Choosing --------------------------------------------------------------------------------------------------- */

/* The first that was not played yet, or the last. */
static struct cassette_run *choose(const struct cassette *cassette, const struct cassette_key *key)
{
    struct cassette_run *best = NULL;
    for (size_t i = 0; i < cassette->count && (!best || best->played); i++)
        if (key_equals(&cassette->runs[i]->key, key))
            best = cassette->runs[i];
    return best;
}

static const char *describe_miss(const struct player *player, const struct cassette_key *key)
{
    for (size_t i = 0; i < player->cassette.count; i++)
        if (key_has_arguments_of(&player->cassette.runs[i]->key, key))
            return player->options.match_directory || player->options.match_environment
                       ? "is there with other input, or elsewhere"
                       : "is there with other input";
    return "is not there";
}

/* Arguments are shown as they would be stored. */
static int explain_miss(const struct player *player, const struct cassette_key *key, pk_error *error)
{
    char shown[256];
    size_t length = 0;
    for (size_t i = 0; i < key->arguments.count && length < sizeof(shown); i++) {
        const struct piece *word = &key->arguments.items[i];
        length += (size_t)snprintf(shown + length, sizeof(shown) - length, "%s%s", i > 0 ? " " : "", word->bytes);
    }
    return error_set(error, -ENOMSG, PK_ERROR_UNEXPECTED, PK_STEP_ARGUMENTS, player->path,
                     "cannot play '%s%s' from %s: it %s (record it again)", shown, length < sizeof(shown) ? "" : "...",
                     player->path, describe_miss(player, key));
}

/* Runs stay until the player goes. */
static int find(struct player *player, const pk_command *command, const pk_script **script, pk_error *error)
{
    struct cassette_key key;
    pthread_mutex_lock(&player->base.lock);
    int r = key_make(&key, command, &player->options, error);
    if (r == 0) {
        struct cassette_run *run = choose(&player->cassette, &key);
        if (run) {
            run->played = true;
            *script = run->script;
        } else {
            r = explain_miss(player, &key, error);
        }
        key_free(&key);
    }
    pthread_mutex_unlock(&player->base.lock);
    return r;
}

static int start_player(pk_runner *runner, const pk_command *command, enum process_stdio stdio, pk_process **process,
                        pk_error *error)
{
    struct player *player = (struct player *)runner;
    const pk_script *script = NULL;
    int r = double_note(&player->base, command, error);
    if (r == 0)
        r = key_check_input(command, "play", error);
    if (r == 0)
        r = find(player, command, &script, error);
    return r < 0 ? r : stage_start(script, command, stdio, process, error);
}

/* ---- Making one ------------------------------------------------------------------------------------------------- */

static void free_player(pk_runner *runner)
{
    struct player *player = (struct player *)runner;
    double_close(&player->base);
    cassette_free(&player->cassette);
    free(player->path);
    free(player);
}

static int check_match(const struct player *player, bool recorded, bool wanted, const char *what, pk_error *error)
{
    if (recorded == wanted)
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, player->path,
                     "cannot play %s: %s was%s part of what it knows commands by (set match_%s %s)", player->path, what,
                     recorded ? "" : " not", what, recorded ? "to true" : "to false");
}

static int load(struct player *player, const char *path, pk_error *error)
{
    struct room text = {0};
    size_t length;
    int r = cassette_load(path, player->options.most, &text, &length, error);
    if (r == 0)
        r = cassette_read(&player->cassette, text.bytes, length, player->options.timing, path, error);
    room_free(&text);
    if (r == 0)
        r = check_match(player, player->cassette.match_directory, player->options.match_directory, "directory", error);
    if (r == 0)
        r = check_match(player, player->cassette.match_environment, player->options.match_environment, "environment",
                        error);
    return r;
}

int pk_runner_create_player(const char *path, const pk_cassette_options *given, pk_runner **runner, pk_error *error)
{
    pk_cassette_options options;
    int r = cassette_options(path, given, &options, error);
    if (r < 0)
        return r;
    struct player *player = double_new(sizeof(*player), start_player, free_player, error);
    if (!player)
        return -ENOMEM;
    player->path = strdup(path);
    if (!player->path) {
        pk_runner_free(&player->base.runner);
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a runner");
    }
    player->options = options;
    r = load(player, path, error);
    if (r < 0)
        free_player(&player->base.runner);
    else
        *runner = &player->base.runner;
    return r;
}
