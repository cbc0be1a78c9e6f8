/*
 * Commands that run the adversary, and what the child says about itself.
 *
 *     pk_auto(pk_command) command = adversary("describe", "a word", NULL);
 *     pk_command_umask(command, 027);
 *     struct description *description = describe(command);
 *     assert_described(description, "umask", "0027");
 *     description_free(description);
 */
#ifndef PK_TESTS_SUBJECT_H
#define PK_TESTS_SUBJECT_H

#include "harness.h"
#include "report.h"
#include "witness.h"

#include <processkit.h>

/* Fails the test with the message of the error unless the call returned 0 or more. */
#define assert_ok(call, error) assert_ok_at((call), &(error), #call, __FILE__, __LINE__)
int assert_ok_at(int result, const pk_error *error, const char *call, const char *file, int line);

/* Fails the test unless the call returned exactly this error, and the error record says the same. */
#define assert_error(call, error, number, step) \
    assert_error_at((call), &(error), (number), (step), #call, __FILE__, __LINE__)
void assert_error_at(int result, const pk_error *error, int number, pk_step step, const char *call, const char *file,
                     int line);

/* adversary WORD... */
pk_command *adversary(const char *word, ...) PK_SENTINEL;

/* adversary --report PATH WORD... */
pk_command *reporting_adversary(const struct witness *witness, const char *word, ...) PK_SENTINEL;

/* Starts the command and waits for its end, whatever it may write to pipes that nobody reads. */
int run_attended(const pk_command *command, pk_result *result, pk_error *error);

/* Runs the command and returns its output; it must exit with 0. */
struct report capture(pk_command *command);

struct description;

/* Runs `adversary describe ...` with a pipe as stdout. */
struct description *describe(pk_command *command);

/* The same from a file that `adversary --output FILE describe ...` has written. */
struct description *description_read(const char *path);

/* The value, or NULL if the child did not mention that key. */
const char *described(const struct description *description, const char *key);

#define assert_described(description, key, value) assert_described_at((description), (key), (value), __FILE__, __LINE__)
void assert_described_at(const struct description *description, const char *key, const char *value, const char *file,
                         int line);

/* How many keys begin like that, such as "fd.". */
size_t described_count(const struct description *description, const char *prefix);

void description_free(struct description *description);

#endif
