/*
 * Trying again: whether, when, and what is said in the end. Who waits for the next attempt does so on its own.
 */
#ifndef PK_PROCESS_RETRY_H
#define PK_PROCESS_RETRY_H

#include "process/command.h"

/* Attempts so far. All zero before the first. */
struct retry {
    unsigned attempts; /* that have failed */
};

/* Takes over the options of a caller; NULL: the usual ones. What is wrong with them; NULL: nothing. */
const char *retry_set(pk_retry_options *retry, const pk_retry_options *options);

/* Another attempt has failed; `started`: a process of it was there. Whether there is to be one more, and then the pause
 * before it. May call the callback of the options, and that of a trace. */
bool retry_after(struct retry *retry, const pk_command *command, const pk_error *error, bool started,
                 pk_duration *pause);

/* The token was cancelled in a pause: -ECANCELED, and the error, made of that of the last attempt. */
int retry_cancelled(const pk_command *command, pk_error *error);

/* It is over, and was no success: the error, of the last attempt, becomes that of all. */
void retry_conclude(const struct retry *retry, pk_error *error);

/* The pause after so many attempts, by options that are valid and a random number. */
pk_duration retry_pause(const pk_retry_options *options, unsigned attempts, uint64_t random);

#endif
