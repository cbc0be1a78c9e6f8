/*
 * What is on a cassette: runs, each with what it is known by and the script of what it did.
 */
#ifndef PK_TESTING_CASSETTE_H
#define PK_TESTING_CASSETTE_H

#include "base/sha256.h"
#include "io/room.h"
#include "process/command.h"
#include "process/process.h"

#include <processkit/cassette.h>

#include <stdbool.h>
#include <stdint.h>

/* ---- Bytes ------------------------------------------------------------------------------------------------------ */

/* With a NUL behind them that does not count. */
struct piece {
    char *bytes;
    size_t length;
};

struct pieces {
    struct piece *items;
    size_t count;
};

/* -ENOMEM: it is as it was. */
int piece_copy(struct piece *piece, const char *bytes, size_t length);
int pieces_add(struct pieces *pieces, const char *bytes, size_t length);
void pieces_free(struct pieces *pieces);

/* ---- What a run is known by -------------------------------------------------------------------------------------- */

struct cassette_key {
    struct pieces arguments;
    struct piece directory; /* bytes NULL: none is said */
    struct pieces changes;  /* of the environment: words that name no values */
    unsigned char changes_digest[SHA256_SIZE];
    uint64_t input_length;
    unsigned char input_digest[SHA256_SIZE]; /* if there is input */
};

/* Whether it is known what the command will find at its stdin: -EOPNOTSUPP if not. `what` cannot be done then. */
int key_check_input(const pk_command *command, const char *what, pk_error *error);

/* Of that command, by those options, scrubbed. */
int key_make(struct cassette_key *key, const pk_command *command, const pk_cassette_options *options, pk_error *error);
void key_free(struct cassette_key *key);

bool key_equals(const struct cassette_key *one, const struct cassette_key *other);
bool key_has_arguments_of(const struct cassette_key *one, const struct cassette_key *other);

/* What a descriptor of the child leads to is /dev/null. */
bool key_leads_nowhere(const struct descriptor *descriptor);

/* ---- Taking secrets out ------------------------------------------------------------------------------------------ */

int scrub_piece(const pk_cassette_options *options, pk_cassette_field field, struct piece *piece);

/* The output in a script, line by line, wherever its lines were cut. */
int scrub_script(const pk_cassette_options *options, pk_script **script);

/* ---- The whole -------------------------------------------------------------------------------------------------- */

enum { CASSETTE_VERSION = 1, CASSETTE_LEAVES = 64, CASSETTE_PAUSE = 1000000000 };

/* A start may fail for reasons of the command from the first of these steps to the last. */
enum { CASSETTE_FIRST_STEP = PK_STEP_SESSION, CASSETTE_LAST_STEP = PK_STEP_EXEC };

struct cassette_run {
    struct cassette_key key;
    pk_script *script; /* NULL: it is not over */
    bool played;
};

struct cassette {
    bool match_directory, match_environment;
    struct cassette_run **runs; /* in the order of their starts */
    size_t count;
};

/* The run is the cassette's then. */
int cassette_add(struct cassette *cassette, struct cassette_run *run);
void cassette_free(struct cassette *cassette);
struct cassette_run *cassette_run_free(struct cassette_run *run);

/* What the caller gave, made whole; `given` may be NULL. -EINVAL. */
int cassette_options(const char *path, const pk_cassette_options *given, pk_cassette_options *options, pk_error *error);

/* Makes a cassette of the text of one, and back; `path` is for messages. Pauses are left out unless `timing`. */
int cassette_read(struct cassette *cassette, const char *text, size_t length, bool timing, const char *path,
                  pk_error *error);
int cassette_write(const struct cassette *cassette, size_t most, const char *path, struct room *text, size_t *length,
                   pk_error *error);

/* The file of it, which is replaced as a whole or not at all. */
int cassette_load(const char *path, size_t most, struct room *text, size_t *length, pk_error *error);
int cassette_store(const char *path, const char *text, size_t length, pk_error *error);

#endif
