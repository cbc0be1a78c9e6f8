/*
 * Verbs: running a command from its start to its end, for what the caller wants to know.
 *
 *     char *head;
 *     if (pk_run(&head, &error, "git", "rev-parse", "HEAD", NULL) < 0)
 *         return fail(error.message);         // "git exited with 128: fatal: not a git repository"
 *
 * All of them run it in a private group and leave nothing behind. Deadlines, leftovers, success (pk_command_ok_codes)
 * and the rest are the command's. Stdout and stderr are captured where a command says nothing about them, but by
 * pk_command_status. A pipe or a terminal that only the caller could read or write, who does not get the process, is
 * refused before the start (-EINVAL): the child would wait for that in vain.
 *
 * All of them wait. The same verbs on a loop are tasks: see task.h.
 *
 * Three kinds: pk_command_output and pk_command_status tell how it ended, whatever that was, and fail only if it could
 * not be started or waited for. pk_command_exit_code and pk_command_probe want an exit status. The others want success.
 * The last two kinds try again before they fail, if the command says so: see retry.h. What is an error, and which:
 *
 *     kind              number       the run
 *     exit              -EPROTO      exited with a code that is no success (pk_error.exit_code)
 *     signalled         -EPROTO      died by a signal (pk_error.signal_number)
 *     timeout           -ETIMEDOUT   did not end in time
 *     idle-timeout      -ETIMEDOUT   was silent for too long
 *     cancelled         -ECANCELED   was cancelled or stopped
 *     output-too-large  -EOVERFLOW   wrote more than is kept, and all of it was wanted
 *     resource-limit    -ENOMEM      was killed for want of memory
 *     resource-limit    -EAGAIN      failed, and its pids limit was reached
 *     teardown          -EBUSY       left members behind, and the policy is `fail`; or they could not be killed
 *     stdin             its own      its input could not be given
 *     lost              -ECHILD      ended in a way that another part of the program took for itself
 *
 * The message ends with the last line that it wrote to stderr, if there is one.
 */
#ifndef PROCESSKIT_RUN_H
#define PROCESSKIT_RUN_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/result.h>
#include <processkit/stream.h>

#include <stdbool.h>

PK_BEGIN_DECLS

/* ---- In one line ------------------------------------------------------------------------------------------------ */

/* What a program writes to stdout, without newlines at its end. The arguments end with NULL; free(*text). */
PK_API PK_NODISCARD int pk_run(char **text, pk_error *error, const char *program, ...) PK_SENTINEL;

/* Whether it succeeds: 0, or the error. */
PK_API PK_NODISCARD int pk_check(pk_error *error, const char *program, ...) PK_SENTINEL;

/* The same with a command that gets more arguments, for this run only: see pk_command_with. */
PK_API PK_NODISCARD int pk_run_with(char **text, pk_error *error, const pk_command *base, ...) PK_SENTINEL;
PK_API PK_NODISCARD int pk_check_with(pk_error *error, const pk_command *base, ...) PK_SENTINEL;

/* ---- Wanting success -------------------------------------------------------------------------------------------- */

/* What it writes to stdout, without newlines at its end. Fails rather than leave something out. free(*text). */
PK_API PK_NODISCARD int pk_command_run(const pk_command *command, char **text, pk_error *error);

/* Nothing of what it writes. */
PK_API PK_NODISCARD int pk_command_check(const pk_command *command, pk_error *error);

/*
 * Makes something of what it writes to stdout, all of it, with a NUL behind it. What the callback returns is returned;
 * a negative errno is the error PK_ERROR_PARSE, with the message the callback has written to `why`, or one of ours.
 */
typedef int (*pk_parse_callback)(const char *text, size_t length, char *why, size_t size, void *data);
PK_API PK_NODISCARD int pk_command_parse(const pk_command *command, pk_parse_callback parse, void *data,
                                         pk_error *error);

/* ---- Wanting an exit status ------------------------------------------------------------------------------------- */

/* The exit code. Any other end is an error. */
PK_API PK_NODISCARD int pk_command_exit_code(const pk_command *command, pk_error *error);

/* 1 for the exit code 0, and 0 for 1, as grep and test have it. Any other end is an error. */
PK_API PK_NODISCARD int pk_command_probe(const pk_command *command, pk_error *error);

/*
 * The first line of stdout that `match` takes (NULL: any): 1, and the command is killed; free(*line). 0 if there is
 * none to the end, whatever that was.
 */
typedef bool (*pk_match_callback)(const pk_line *line, void *data);
PK_API PK_NODISCARD int pk_command_first_line(const pk_command *command, pk_match_callback match, void *data,
                                              char **line, pk_error *error);

/* ---- Wanting to know -------------------------------------------------------------------------------------------- */

/* How it ended: 0 whenever it was started and its end is known. Stdout and stderr are the owner's where the command
 * says nothing about them. `result` may be NULL. */
PK_API PK_NODISCARD int pk_command_status(const pk_command *command, pk_result *result, pk_error *error);

/* How it ended and what it wrote. */
typedef struct pk_output pk_output;
PK_API PK_NODISCARD int pk_command_output(const pk_command *command, pk_output **output, pk_error *error);

/* Takes NULL; returns NULL. */
PK_API pk_output *pk_output_free(pk_output *output);

PK_DEFINE_CLEANUP(pk_output);

PK_API const pk_result *pk_output_result(const pk_output *output);

/* NULL if that descriptor was not captured. Lives as long as the output. */
PK_API const pk_capture *pk_output_capture(const pk_output *output, int fd);

/* What was captured as a string; "" if nothing. Lives as long as the output. */
PK_API const char *pk_output_text(const pk_output *output, int fd);

/* 0 for a success, and the error that a verb that wants success would give. */
PK_API PK_NODISCARD int pk_output_check(const pk_output *output, pk_error *error);

/* The same for a live process that has ended; -EBUSY before. */
PK_API PK_NODISCARD int pk_process_check(pk_process *process, pk_error *error);

PK_END_DECLS

#endif
