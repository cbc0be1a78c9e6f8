/*
 * Processes: starting a command and waiting for it.
 *
 * A pk_process is one started command: its leader, and either a private group (the run is the whole tree) or a place in
 * a group that others share. Three things happen to it, in any order: the leader ends, the tree becomes empty, the run
 * ends. The run ends when the leader has ended and, in a private group, its leftovers were dealt with as the command
 * says.
 *
 *     pk_auto(pk_process) process = NULL;
 *     if (pk_command_start(command, &process, &error) < 0 || pk_process_wait(process, PK_FOREVER, &result, &error) < 0)
 *
 * To run a command from its start to its end there are verbs: see run.h.
 */
#ifndef PROCESSKIT_PROCESS_H
#define PROCESSKIT_PROCESS_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/loop.h>
#include <processkit/macros.h>
#include <processkit/result.h>
#include <processkit/time.h>

#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_process pk_process;

/* ---- Starting --------------------------------------------------------------------------------------------------- */

/* How the private group of each run of this command is made; NULL for the defaults. The options are copied. */
PK_API void pk_command_contain(pk_command *command, const pk_group_options *options);

/*
 * Starts a command in a private group. Freeing the process kills that group.
 *
 * -ENOENT: program not found (see `searched`). -EACCES: found but not executable. -ENOEXEC: not a program. -ECANCELED:
 * its token was cancelled before. Every other errno of the step that failed.
 */
PK_API PK_NODISCARD int pk_command_start(const pk_command *command, pk_process **process, pk_error *error);

/*
 * Starts a command in an existing group, which must outlive the process handle. The leftovers policy does not
 * apply, a deadline or pk_process_stop reaches the leader only, and freeing the handle kills nothing: the group
 * does that.
 *
 * -EBUSY: the group is suspended. -ECANCELED: it was killed before it became the program. With the kind
 * PK_ERROR_RESOURCE_LIMIT, -EAGAIN: the group's pids limit is reached; -ENOMEM or -E2BIG: its memory limit leaves no
 * room to start a program.
 */
PK_API PK_NODISCARD int pk_group_spawn(pk_group *group, const pk_command *command, pk_process **process,
                                       pk_error *error);

/* Frees the handle and closes its pipes. A private group is killed, as pk_group_free does. Takes NULL; returns
 * NULL. */
PK_API pk_process *pk_process_free(pk_process *process);

PK_DEFINE_CLEANUP(pk_process);

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

/* The leader's pid. It may be recycled once the run has ended: to signal, use pk_process_signal or the pidfd. */
PK_API pid_t pk_process_pid(const pk_process *process);

/* The leader's pidfd, readable once it has ended. It stays the process's. */
PK_API int pk_process_pidfd(const pk_process *process);

/* The group it is in; a private one is the process's. */
PK_API pk_group *pk_process_group(const pk_process *process);

/* The owner's end of the pipe at the child's descriptor `fd`: blocking, close-on-exec, closed with the process. -EBADF
 * if there is none; -EBUSY if the library reads or fills it, see stream.h and input.h. For
 * terminals see pty.h. */
PK_API int pk_process_pipe(const pk_process *process, int fd);

/* The same, and from now on it is the caller's. Taking and closing descriptor 0 is how the child sees end of file.
 */
PK_API int pk_process_pipe_take(pk_process *process, int fd);

/* ---- Signals and stopping --------------------------------------------------------------------------------------- */

/* Sends a signal to the leader. -ESRCH once it has ended. For the tree: pk_group_signal(pk_process_group(process)).
 */
PK_API int pk_process_signal(pk_process *process, int signal_number, pk_error *error);

/*
 * Begins to end the run by the ladder and returns at once; pk_process_wait or the loop carries it on. `options`
 * NULL means the command's own signal and grace. A second call can only make it harder: one with a grace of 0 kills
 * now. A run that has ended is a success; so is one whose end nobody has looked at yet, or whose leader is on its way
 * out, and its verdict tells how it ended by itself.
 */
PK_API int pk_process_stop(pk_process *process, const pk_stop_options *options, pk_error *error);

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

/*
 * Waits until the run has ended, keeping the command's own deadline on the way, and streams have been read to their
 * end. May be called again afterwards, for the same result. `deadline` is the patience of this call only: -ETIMEDOUT
 * when it passed, and nothing is killed. Not for a process that is watched by a loop: -EBUSY.
 */
PK_API PK_NODISCARD int pk_process_wait(pk_process *process, pk_time deadline, pk_result *result, pk_error *error);

/* The same for several processes, all of which go on meanwhile: the index of the first that has ended, of those that
 * are not NULL. -EINVAL if there is none. */
PK_API PK_NODISCARD int pk_process_wait_any(pk_process *const *processes, size_t count, pk_time deadline,
                                            pk_error *error);

/* And until all of them have; of none at all, at once. */
PK_API PK_NODISCARD int pk_process_wait_all(pk_process *const *processes, size_t count, pk_time deadline,
                                            pk_error *error);

typedef enum pk_event {
    PK_EVENT_STARTED = 1,   /* for pk_process_next_event only: see event.h */
    PK_EVENT_OUTPUT,        /* likewise: a line; a loop calls pk_command_on_line back with it */
    PK_EVENT_LEADER_EXITED, /* the leader has ended; with it perhaps the run: the result may be there already */
    PK_EVENT_TREE_EMPTY,    /* no member is left; private groups only */
    PK_EVENT_ENDED,         /* the run has ended, and so have its streams: the result is there; always the last */
} pk_event;

typedef void (*pk_process_callback)(pk_process *process, pk_event event, void *data);

/*
 * Lets a loop carry the run: the callback is called from pk_loop_dispatch for each of the last three once,
 * PK_EVENT_ENDED last. The callback may free the process and anything else. The loop must outlive the process. Once per
 * process: -EBUSY.
 */
PK_API PK_NODISCARD int pk_process_watch(pk_process *process, pk_loop *loop, pk_process_callback callback, void *data,
                                         pk_error *error);

/* The result, once the run and its streams have ended; NULL before. Lives as long as the process. */
PK_API const pk_result *pk_process_result(const pk_process *process);

PK_END_DECLS

#endif
