/*
 * The memory of cassettes.
 */
#include "testing/cassette.h"

#include "base/array.h"
#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

int piece_copy(struct piece *piece, const char *bytes, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy)
        return -ENOMEM;
    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    *piece = (struct piece){copy, length};
    return 0;
}

int pieces_add(struct pieces *pieces, const char *bytes, size_t length)
{
    if (!array_grow(&pieces->items, pieces->count, sizeof(*pieces->items)))
        return -ENOMEM;
    int r = piece_copy(&pieces->items[pieces->count], bytes, length);
    if (r == 0)
        pieces->count++;
    return r;
}

void pieces_free(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        free(pieces->items[i].bytes);
    free(pieces->items);
    *pieces = (struct pieces){0};
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

int cassette_add(struct cassette *cassette, struct cassette_run *run)
{
    if (!array_grow(&cassette->runs, cassette->count, sizeof(struct cassette_run *)))
        return -ENOMEM;
    cassette->runs[cassette->count++] = run;
    return 0;
}

struct cassette_run *cassette_run_free(struct cassette_run *run)
{
    if (!run)
        return NULL;
    key_free(&run->key);
    pk_script_free(run->script);
    free(run);
    return NULL;
}

void cassette_free(struct cassette *cassette)
{
    for (size_t i = 0; i < cassette->count; i++)
        cassette_run_free(cassette->runs[i]);
    free(cassette->runs);
    *cassette = (struct cassette){0};
}

int cassette_options(const char *path, const pk_cassette_options *given, pk_cassette_options *options, pk_error *error)
{
    if (!path)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "cannot make a runner: the path of its cassette is missing");
    *options = (pk_cassette_options)PK_CASSETTE_OPTIONS_INIT;
    if (given && (given->size == 0 || given->size > sizeof(*options)))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid options for a cassette: start from PK_CASSETTE_OPTIONS_INIT of this version");
    if (given)
        memcpy(options, given, given->size);
    if (options->most == 0)
        options->most = PK_CASSETTE_MOST;
    return 0;
}
