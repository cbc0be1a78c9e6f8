/*
 * Commands: what to run, what the child is born with, and how long it may take.
 *
 * A command is plain data. It holds no descriptors and no processes, can be started any number of times, also from
 * several threads at once as long as nobody changes it, and everything passed to it is copied. The functions that
 * build it return nothing: the first thing that was wrong is remembered and reported by the start.
 *
 *     pk_auto(pk_command) make = pk_command_new("make", "-j4", "test", NULL);
 *     pk_command_chdir(make, "build");
 *     pk_command_setenv(make, "LC_ALL", "C");
 *     pk_command_timeout(make, PK_MINUTES(5));
 *
 * There is never a shell: arguments arrive in the child as they are here.
 *
 * A child is born clean: descriptors 0 to 2 and those asked for, an empty signal mask, default dispositions.
 */
#ifndef PROCESSKIT_COMMAND_H
#define PROCESSKIT_COMMAND_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_command pk_command;

/*
 * A new command: the program, then its arguments, then NULL. A name without a slash is looked for in the PATH the
 * *child* will have (the system's default if it has none); a name with one is relative to the child's directory.
 * NULL only when memory ran out; all functions accept that NULL, and the start reports it.
 */
PK_API pk_command *pk_command_new(const char *program, ...) PK_SENTINEL;

/* The same from a vector that ends with NULL; argv[0] is the program. */
PK_API pk_command *pk_command_new_argv(const char *const *argv);

/*
 * A command of its own that is like this one in everything, a problem that is remembered included: either can be
 * changed and freed without the other. What was only lent to the command stays so: descriptors of the owner, the data
 * of callbacks; both can be cancelled by the same token. NULL if memory ran out, and of NULL.
 */
PK_API pk_command *pk_command_copy(const pk_command *command);

/*
 * A copy with more arguments, which end with NULL. So a command can be the template of a client for one tool, with all
 * that holds whatever the tool is asked to do: see examples/client.c, and pk_run_with.
 */
PK_API pk_command *pk_command_with(const pk_command *base, ...) PK_SENTINEL;

/* The same from a vector that ends with NULL; NULL: no more of them. */
PK_API pk_command *pk_command_with_argv(const pk_command *base, const char *const *arguments);

/* Takes NULL; returns NULL. */
PK_API pk_command *pk_command_free(pk_command *command);

PK_DEFINE_CLEANUP(pk_command);

/* Another program with other arguments, from a vector that ends with NULL; all else stays as it is. So the program
 * itself may be what a template leaves open. */
PK_API void pk_command_set_argv(pk_command *command, const char *const *argv);

/* Adds one argument. */
PK_API void pk_command_arg(pk_command *command, const char *argument);

/* What the child finds in argv[0], instead of the program as given. */
PK_API void pk_command_arg0(pk_command *command, const char *name);

/* The program as given. */
PK_API const char *pk_command_program(const pk_command *command);

/*
 * A directory where a name without a slash is looked for before the child's PATH, which stays as it is. More calls add
 * more, in their order. A relative one is one of the owner, at the time of the start, whatever the child's directory.
 */
PK_API void pk_command_search(pk_command *command, const char *directory);

/* The program and its arguments, and then NULL; never NULL itself. Valid until the command is changed. */
PK_API const char *const *pk_command_argv(const pk_command *command);

/*
 * Where the program would be found now, as a path from the root, by the rules of the start: the directories to search,
 * the child's PATH, its directory for what is relative. Nothing is started. free(*path).
 *
 * What counts is a regular file, perhaps behind symbolic links, that the owner may execute. What cannot be known: what
 * a child with a user of its own may execute, and what the kernel says of the file, such as a script without its
 * interpreter, which a start passes over in PATH. Everything else that keeps a start from finding it is the same error
 * here: not-found with `searched`, permission, or a directory that cannot be entered.
 */
PK_API PK_NODISCARD int pk_command_find(const pk_command *command, char **path, pk_error *error);

/* The same for a name alone, in the owner's PATH and from its directory. */
PK_API PK_NODISCARD int pk_find_program(const char *name, char **path, pk_error *error);

/* ---- Environment and directory ---------------------------------------------------------------------------------- */

/*
 * The child's environment is the owner's at the time of the start, changed in the order of these calls. clearenv
 * drops everything so far; inheritenv then takes over single variables of the owner, if it has them.
 */
PK_API void pk_command_setenv(pk_command *command, const char *name, const char *value);
PK_API void pk_command_unsetenv(pk_command *command, const char *name);
PK_API void pk_command_clearenv(pk_command *command);
PK_API void pk_command_inheritenv(pk_command *command, const char *name);

/* What the command itself sets a variable to; NULL if what it has said last is something else, or if it has said
 * nothing: the owner's environment is not looked at. Valid until the command is changed. */
PK_API const char *pk_command_getenv(const pk_command *command, const char *name);

/* The child's working directory, entered with the child's user and group. */
PK_API void pk_command_chdir(pk_command *command, const char *directory);

/* What was said there last; NULL: the owner's. Valid until the command is changed. */
PK_API const char *pk_command_directory(const pk_command *command);

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

/*
 * Each of these says what the child finds at the descriptor `fd` (0, 1 and 2 are the standard ones; others up to
 * 65535). The last call for a number holds. Without any: 0 is /dev/null, 1 and 2 are inherited.
 */

/* What the owner has there. 0, 1 and 2 become /dev/null if the owner has them closed, or set to close on exec. */
PK_API void pk_command_inherit(pk_command *command, int fd);

/* /dev/null. */
PK_API void pk_command_null(pk_command *command, int fd);

/* A pipe; the other end is pk_process_pipe(process, fd). 0 is read by the child, all others are written by it. If
 * that is all that is said of it, it is for who gets the process (pk_command_start): verbs refuse it, see run.h. */
PK_API void pk_command_pipe(pk_command *command, int fd);

typedef enum pk_file_mode {
    PK_FILE_READ,     /* must exist */
    PK_FILE_TRUNCATE, /* made with 0666 and the owner's umask, or emptied */
    PK_FILE_APPEND,   /* made likewise, or continued */
} pk_file_mode;

/* A file, opened by the owner at each start and handed over. */
PK_API void pk_command_file(pk_command *command, int fd, const char *path, pk_file_mode mode);

/* A descriptor of the owner, which stays the caller's and must be open when the command is started. */
PK_API void pk_command_fd(pk_command *command, int fd, int owner_fd);

/* What the child finds at another descriptor of its own: pk_command_same(command, 2, 1) is what a shell calls 2>&1.
 * Both are written to in one order. */
PK_API void pk_command_same(pk_command *command, int fd, int other);

/* What else can become of what is written: see stream.h. What else can be read: see input.h. */

/* ---- Identity and kernel attributes ----------------------------------------------------------------------------- */

/* Applied in the order setgroups, setgid, setuid. With a uid or gid and no groups, the supplementary groups are
 * dropped if the owner may do so. Containment comes first and does not suffer. */
PK_API void pk_command_uid(pk_command *command, uid_t uid);
PK_API void pk_command_gid(pk_command *command, gid_t gid);
PK_API void pk_command_groups(pk_command *command, const gid_t *groups, size_t count);

PK_API void pk_command_umask(pk_command *command, mode_t mask);

/* A new session, or a process group of its own in the owner's session; not both. */
PK_API void pk_command_setsid(pk_command *command);
PK_API void pk_command_setpgid(pk_command *command);

/* Nice value, -20 to 19, absolute. */
PK_API void pk_command_nice(pk_command *command, int value);

typedef enum pk_io_class {
    PK_IO_REALTIME = 1,
    PK_IO_BEST_EFFORT = 2,
    PK_IO_IDLE = 3,
} pk_io_class;

/* I/O priority; `level` 0 (most) to 7, ignored for PK_IO_IDLE. */
PK_API void pk_command_io_priority(pk_command *command, pk_io_class io_class, int level);

/* The processors the child may run on, by number, 0 to 1023. */
PK_API void pk_command_cpu_affinity(pk_command *command, const unsigned *cpus, size_t count);

#define PK_RLIM_INFINITY UINT64_MAX

/* A limit per process, set before the user changes; `resource` is RLIMIT_NOFILE and so on from <sys/resource.h>.
 * For limits of the whole tree see pk_limits. */
PK_API void pk_command_rlimit(pk_command *command, int resource, uint64_t soft, uint64_t hard);

/* Leaves this signal ignored in the child if the owner ignores it, as nohup means it. Otherwise dispositions are
 * default. */
PK_API void pk_command_keep_ignored(pk_command *command, int signal_number);

/*
 * SIGKILL for the leader when the owner *process* has ended. An addition to containment, and a weak one: it reaches
 * the one process, a set-user-ID program clears it, and the kernel sends it when the *thread* that called start
 * ends. With a reaper, whose child the leader is, it comes when the reaper ends, and threads do not matter. In a scope
 * (PK_DELEGATION_SCOPE) the thread is the one that made the first group there.
 */
PK_API void pk_command_kill_on_parent_death(pk_command *command);

/* ---- How long, and what then ------------------------------------------------------------------------------------ */

/* A deadline for the tree, counted from the start. When it has passed, the ladder begins. 0 is invalid. */
PK_API void pk_command_timeout(pk_command *command, pk_duration timeout);

/* How long the child may write nothing to any of the streams that the library reads; then the ladder begins. Counted
 * from the start. 0 is invalid, and so is a command without such a stream. */
PK_API void pk_command_idle_timeout(pk_command *command, pk_duration timeout);

/* The ladder's soft signal (default SIGTERM) and the grace from it to the hard kill (default PK_DEFAULT_GRACE; 0:
 * hard kill at once). Used when the deadline passes and by pk_process_stop(process, NULL). */
PK_API void pk_command_stop_signal(pk_command *command, int signal_number);
PK_API void pk_command_grace(pk_command *command, pk_duration grace);

/* What happens to members that are alive after the leader has ended, in a private group. */
typedef enum pk_leftovers {
    PK_LEFTOVERS_KILL,  /* hard kill at once; the default */
    PK_LEFTOVERS_WAIT,  /* wait until the tree is empty or the deadline has passed */
    PK_LEFTOVERS_ALLOW, /* spare them, and say so */
    PK_LEFTOVERS_FAIL,  /* hard kill, and the verdict of a run that would have succeeded is `leftovers` */
} pk_leftovers;

PK_API void pk_command_leftovers(pk_command *command, pk_leftovers policy);

#define PK_DEFAULT_DRAIN PK_MILLISECONDS(100)

/*
 * How long streams that are still held when the run has ended, by members that were spared or processes that escaped,
 * are waited for (default PK_DEFAULT_DRAIN). What was written before that is read in any case, as long as whoever it is
 * passed on to takes it, or the deadline of the command has passed.
 */
PK_API void pk_command_drain(pk_command *command, pk_duration most);

/* The exit codes that are a success, instead of 0 alone; at least one. */
PK_API void pk_command_ok_codes(pk_command *command, const int *codes, size_t count);

/* Collects evidence for the result also where nothing is limited: see evidence.h. Where something is, it always is
 * collected. It costs some ten microseconds at the end of the run. */
PK_API void pk_command_evidence(pk_command *command, bool collect);

/* ---- To be shown ------------------------------------------------------------------------------------------------ */

/*
 * The command as a POSIX shell would have it, to be pasted or kept: `cd` to its directory, its changes of the
 * environment (by env(1), options -i and -u, where the shell itself has no words for them), its program and arguments,
 * quoted where needed. The shell makes the same argv, environment and directory of it, but for variables that shells
 * set themselves and for an inherited variable whose name is none in the shell; a program that it has built in, such as
 * echo, is its own. Left out is all the rest: another argv[0], directories to search, descriptors, attributes,
 * deadlines.
 *
 * Whatever secrets the arguments and the environment have are in it: for logs there is pk_command_describe. It is one
 * line if no text in it has a line feed, and its bytes are as they are: for a terminal see pk_format_text. free() it;
 * NULL if memory ran out, and of NULL.
 */
PK_API char *pk_command_display(const pk_command *command);

/*
 * The command for a log, as one line that is safe for a terminal: program, number of arguments, names of variables that
 * it changes, deadlines; never the arguments or the values. Such as "git, 3 arguments, sets LC_ALL, timeout 30.00s".
 * Returns the buffer, cut to fit.
 */
PK_API const char *pk_command_describe(const pk_command *command, char *buffer, size_t size);

PK_END_DECLS

#endif
