/*
 * Input: what a child finds on its stdin.
 *
 * Nothing (/dev/null) unless something is said. A file or a descriptor is handed over as it is, by pk_command_file and
 * pk_command_fd; the owner's own by pk_command_inherit. What is here goes through a pipe, which the library fills
 * whenever it is waiting for the process, at the child's pace and never in the way of its output.
 *
 * A child need not read its input: that it closed its end is no error.
 */
#ifndef PROCESSKIT_INPUT_H
#define PROCESSKIT_INPUT_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stddef.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_process pk_process;

/* These bytes, copied, and then the end. Each start gives them all. */
PK_API void pk_command_input(pk_command *command, const void *bytes, size_t length);

/* The same with a string. */
PK_API void pk_command_input_text(pk_command *command, const char *text);

/* Lines, each with a line feed; the vector ends with NULL. */
PK_API void pk_command_input_lines(pk_command *command, const char *const *lines);

/*
 * Fills `buffer` with the next bytes: how many, 0 at the end, or a negative errno, which ends the input and is the
 * error PK_ERROR_STDIN of a run that would have been a success. It must not wait, nor free the process. -EAGAIN: there
 * is nothing now; it is asked again after pk_process_input_ready.
 */
typedef ssize_t (*pk_input_callback)(void *buffer, size_t size, void *data);

/* What a callback gives, from the thread that waits for the process. It is for one start at a time: what it has given
 * is gone, so such a command is not tried again once it was started. */
PK_API void pk_command_input_callback(pk_command *command, pk_input_callback callback, void *data);

/* There is something to give now. From the process's own thread. */
PK_API void pk_process_input_ready(pk_process *process);

/* ---- Interactive ------------------------------------------------------------------------------------------------ */

/*
 * For a command with pk_command_pipe(command, 0): writes all of it, waiting for everything else of the process
 * meanwhile. 0; -EPIPE when the child has closed its end; -ETIMEDOUT with the number of bytes written in *written, if
 * that is not NULL, which then is set in any case. -EBUSY: a loop watches the process; there, write to
 * pk_process_pipe(process, 0).
 */
PK_API PK_NODISCARD int pk_process_write(pk_process *process, const void *bytes, size_t length, size_t *written,
                                         pk_time deadline, pk_error *error);

/* The child finds the end of its input. Once more does nothing. At a terminal it may miss it: see pty.h. */
PK_API void pk_process_close_input(pk_process *process);

PK_END_DECLS

#endif
