/*
 * Scripts: what a command that is played does, see runner.h.
 *
 * A script is a list of steps in the order of these calls, taken one after the other from the start of the command. At
 * its end the leader exits with 0. It is played by whoever waits for the process or its group, and not while nobody
 * does, on the clock of the system, through the pipes, files and terminals that the command asks for: so captures,
 * lines, prompts, deadlines and signals are not imitated.
 *
 * There is no process, and that is all that differs:
 *
 *   - Pids are above all that the kernel gives. The pidfd is readable whenever something is to be done, not at the end
 *     alone: only a wait tells which.
 *   - Nothing is looked up in PATH, entered, limited or used. The group has the mechanism PK_MECHANISM_SCRIPT, whatever
 *     was asked for, and all guarantees that could be required.
 *   - At a terminal nothing sends signals: neither keys, nor hanging up, nor a new size.
 *   - Members that were spared end when the process is freed. No core is ever dumped.
 *   - A step that cannot be tried, for want of memory or descriptors, is an error of the wait, and tried again by the
 *     next one.
 *
 *     pk_script_print(script, "Password: ");
 *     pk_script_expect(script, "secret\n");
 *     pk_script_pause(script, PK_MILLISECONDS(20));
 *     pk_script_write(script, 2, "wrong\n", 6);
 *     pk_script_exit(script, 1);
 *
 * The functions return nothing: the first thing that was wrong is remembered and reported by the start.
 */
#ifndef PROCESSKIT_SCRIPT_H
#define PROCESSKIT_SCRIPT_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stddef.h>

PK_BEGIN_DECLS

typedef struct pk_script pk_script;

/* A script without steps. NULL only when memory ran out; all functions accept that NULL, and the start reports it. */
PK_API pk_script *pk_script_new(void);

/* Takes NULL; returns NULL. */
PK_API pk_script *pk_script_free(pk_script *script);

PK_DEFINE_CLEANUP(pk_script);

/* ---- Output and input ------------------------------------------------------------------------------------------- */

/* Writes to its descriptor `fd`, waiting as long as nobody reads. What is not open there is skipped; where nobody can
 * read any more it dies of SIGPIPE. */
PK_API void pk_script_write(pk_script *script, int fd, const void *bytes, size_t length);

/* A string to stdout. */
PK_API void pk_script_print(pk_script *script, const char *text);

/* Does nothing for a while. */
PK_API void pk_script_pause(pk_script *script, pk_duration pause);

/* Reads its stdin until this text has come. Exits with 1 if stdin ends before. */
PK_API void pk_script_expect(pk_script *script, const char *text);

/* Reads its stdin to the end, and writes what comes to its descriptor `fd`; -1: nowhere. */
PK_API void pk_script_copy(pk_script *script, int fd);

/* Closes one of its descriptors. */
PK_API void pk_script_close(pk_script *script, int fd);

/* ---- Signals and children --------------------------------------------------------------------------------------- */

/* What a signal does from now on: it ends with this exit code, or -1: it is ignored. What is not said is as the kernel
 * has it. Not for SIGKILL and SIGSTOP. */
PK_API void pk_script_on_signal(pk_script *script, int signal_number, int exit_code);

/* Starts a child that lives for so long, holds all descriptors that are open now, and does nothing else. Its signals
 * are the leader's of this moment. PK_FOREVER: until it is killed. In its group it has the name of the program. */
PK_API void pk_script_leave(pk_script *script, pk_duration life);

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

PK_API void pk_script_exit(pk_script *script, int code);

/* Dies by a signal that nobody has sent, one that does end processes. */
PK_API void pk_script_die(pk_script *script, int signal_number);

/* Lives until it is ended. */
PK_API void pk_script_hang(pk_script *script);

/* Is killed for want of memory, at the limit of its group: the verdict is `oom-killed`. */
PK_API void pk_script_run_out_of_memory(pk_script *script);

/* Cannot be started: fails with that negative errno at that step, in the words of a real failure, but for what those
 * would know from looking at the file. (-ENOENT, PK_STEP_EXEC) is a program that is not there. Steps before it are not
 * played. */
PK_API void pk_script_fail(pk_script *script, int number, pk_step step);

PK_END_DECLS

#endif
