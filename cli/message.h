/*
 * What pk says: one line each, on stderr, safe for a terminal.
 */
#ifndef PK_CLI_MESSAGE_H
#define PK_CLI_MESSAGE_H

#include <processkit/error.h>

#include <stdbool.h>

/* Exit statuses of pk itself, as coreutils' timeout, env and nohup have them. */
enum {
    STATUS_TIMED_OUT = 124,
    STATUS_FAILED = 125,         /* pk failed or refused */
    STATUS_NOT_EXECUTABLE = 126, /* found, but not to be run */
    STATUS_NOT_FOUND = 127,
};

/* From now on lines end as a terminal in raw mode wants it, if stderr is one. */
void say_at_raw_terminal(bool raw);

/* "pk: " and the message. */
void say(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* From now on messages go there, as they are, and not to stderr; NULL: to stderr again. For who knows better than the
 * one who has something to say what it is about. */
void say_to(void (*take)(const char *message, void *data), void *data);

/* Says what the library said about the value of an option. -1. */
int say_refused(const char *option, const pk_error *error);

/* Writes out what is left in stdout. STATUS_FAILED, and a message, if that fails (a full disk, a closed stdout). */
int finish_output(void);

#endif
