/*
 * Commands with terminals of their own, and the owner's side of those.
 *
 *     pk_auto(pk_command) command = pty_command(NULL, "print word");
 *     pk_process *process = pty_start(state, command);
 *     pty_assert_rest(pk_process_pipe(process, 1), "word\r\n");
 *     assert_int_equal(pty_end(process).exit_code, 0);
 */
#ifndef PK_TESTS_AT_TERMINAL_H
#define PK_TESTS_AT_TERMINAL_H

#include "cast.h"

#undef assert_ok /* the next has a better one */
#include "subject.h"

/* "adversary WORDS" at a terminal; see cast_command. */
pk_command *pty_command(struct witness *witness, const char *words);

/* Starts it with the mechanism that the state tells; see cast_mechanism. */
pk_process *pty_start(void **state, pk_command *command);

/* Waits for the end of the run, and frees the process. */
pk_result pty_end(pk_process *process);

void pty_write(int master, const char *text);

/* Until what was read has ended with that. */
void pty_read_until(int master, const char *wanted);

/* This is all that comes, and then the end, which is EIO. */
void pty_assert_rest(int master, const char *expected);

#endif
