/*
 * Runners: who runs commands, so that a program can be tested without processes.
 *
 * A command without a runner is run for real. With one it is the runner that says what happens, by whichever verb it is
 * started, in a loop or not. All the rest of the command holds as it always does: what is captured, lines, callbacks,
 * input, deadlines, tokens, leftovers. A program gives its commands a runner in one place, the command that it derives
 * all others from:
 *
 *     pk_auto(pk_command) git = pk_command_new("git", NULL);
 *     pk_command_runner(git, runner);         // NULL, but in tests
 *
 * and its test says what git does:
 *
 *     pk_auto(pk_script) script = pk_script_new();
 *     pk_script_print(script, "main\n");
 *     pk_runner_on(runner, script, "git", "branch", "--show-current", NULL);
 *
 * Functions of runners may be called from any thread; what they refuse for want of memory is reported by the next start
 * through them. Groups that others share (pk_group_spawn) and detached commands do not go through runners: there a
 * command with one is refused (-EOPNOTSUPP), since nothing that was meant to be played may ever be real.
 */
#ifndef PROCESSKIT_RUNNER_H
#define PROCESSKIT_RUNNER_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/script.h>

#include <stdbool.h>
#include <stddef.h>

PK_BEGIN_DECLS

typedef struct pk_runner pk_runner;

/* Runs of this command go through the runner, which lives until the last command that has it is freed. NULL: they are
 * real. Copies of the command have the same. */
PK_API void pk_command_runner(pk_command *command, pk_runner *runner);

/* The last one to free it frees it: commands and runs that have it keep it alive. Takes NULL; returns NULL. */
PK_API pk_runner *pk_runner_free(pk_runner *runner);

PK_DEFINE_CLEANUP(pk_runner);

/* ---- Played ----------------------------------------------------------------------------------------------------- */

/* A runner that plays scripts, see script.h. Which one is said by what follows. A command for which there is none
 * cannot be started: -ENOMSG, with the kind PK_ERROR_UNEXPECTED. */
PK_API PK_NODISCARD int pk_runner_create_scripted(pk_runner **runner, pk_error *error);

/*
 * Plays the script, which is copied, for commands whose arguments begin with these, the program first; NULL ends them,
 * and without any it is for all commands. The longest beginning decides. Several scripts for the same one are played
 * one after the other, and the last again and again. For a runner that plays none the next start fails: -EINVAL.
 */
PK_API void pk_runner_on(pk_runner *runner, const pk_script *script, ...) PK_SENTINEL;

/* Plays it for commands that the callback takes, which is asked before beginnings are looked at, by the thread that
 * starts. The first that takes one decides. */
typedef bool (*pk_command_callback)(const pk_command *command, void *data);
PK_API void pk_runner_when(pk_runner *runner, const pk_script *script, pk_command_callback takes, void *data);

/* ---- Not run, or run and remembered ------------------------------------------------------------------------------ */

/* A runner that runs nothing: each command is a success at once, with the smallest exit code that it takes for one, and
 * without output. For --dry-run; pk_runner_tell and pk_command_display say what would have been run. */
PK_API PK_NODISCARD int pk_runner_create_dry(pk_runner **runner, pk_error *error);

/* A runner that has another one run its commands, or the library for real (`inner` NULL), and remembers them. */
PK_API PK_NODISCARD int pk_runner_create_recording(pk_runner *inner, pk_runner **runner, pk_error *error);

/* ---- What was asked for ------------------------------------------------------------------------------------------ */

/* How many commands were to be started by this runner, of whichever kind, those that it refused included. Not those
 * that no runner would have got to see: invalid ones, and those whose token was cancelled before. */
PK_API size_t pk_runner_count(const pk_runner *runner);

/* The command of such a start, from 0, as it was then; NULL beyond the last. It lives as long as the runner. */
PK_API const pk_command *pk_runner_call(const pk_runner *runner, size_t index);

/* Calls back for each start, on the thread that starts, before anything is done for it. One callback; NULL: none. */
typedef void (*pk_call_callback)(const pk_command *command, void *data);
PK_API void pk_runner_tell(pk_runner *runner, pk_call_callback callback, void *data);

PK_END_DECLS

#endif
