/*
 * Recording commands on a cassette in the test's own directory, and playing them.
 */
#ifndef PK_TESTS_TAPING_H
#define PK_TESTS_TAPING_H

#include "subject.h"

/* Where it is. */
const char *tape_path(void);

/* Skips the test where cassettes cannot be had. `inner` and `options` may be NULL. */
pk_runner *tape_recorder(const pk_cassette_options *options, pk_runner *inner);
pk_runner *tape_player(const pk_cassette_options *options);

/* Saves it and frees it. */
void tape_end(pk_runner *recorder);

/* The text of the file; free it. */
char *tape_text(void);
void tape_write(const char *text, size_t length);

/* Runs "sh -c SCRIPT" by that runner: its exit code, with what it wrote to stdout in `output`, if that is not NULL. */
int tape_run(pk_runner *runner, const char *script, char output[256]);

#endif
