/*
 * Retries: trying a command again that failed for a reason that may pass.
 *
 *     pk_retry_options options = PK_RETRY_OPTIONS_INIT;
 *     options.again = is_network_trouble;
 *     pk_command_retry(fetch, &options);
 *     if (pk_command_check(fetch, &error) < 0)
 *         return fail(error.message);         // "tried 4 times: git exited with 128: fatal: ..."
 *
 * The verbs that want success or an exit status try again: pk_command_run, _check, _parse, _exit_code and _probe, and
 * the same as tasks of a loop. Those that only tell what happened, and pk_command_start, do not.
 *
 * What is reported is the last attempt: its error, its output. The message says how often it was tried if that was more
 * than once. Callbacks of the command, and pk_parse_callback, are called in each attempt.
 *
 * Whatever the options say, it is over
 *
 *   - when the run was cancelled or stopped, or a callback has freed its process. A pause ends at once when the
 *     command's token is cancelled: -ECANCELED, kind PK_ERROR_CANCELLED;
 *   - when the command makes no sense (PK_ERROR_INVALID);
 *   - when the command had been started and its input can be given only once: that of a callback, and at descriptor 0
 *     pk_command_fd and pk_command_inherit. What was read of it is gone. Other descriptors that are passed on are the
 *     caller's to judge.
 *
 * A timeout is that of one attempt. For all of them together, cancel a token.
 */
#ifndef PROCESSKIT_RETRY_H
#define PROCESSKIT_RETRY_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>

PK_BEGIN_DECLS

/* Whether to try again after that error of that attempt, which counts from 1. Called by the thread that runs the verb,
 * or dispatches its loop, when no process of the command is left; not after the last attempt. */
typedef bool (*pk_retry_callback)(const pk_error *error, unsigned attempt, void *data);

typedef struct pk_retry_options {
    size_t size;             /* PK_RETRY_OPTIONS_INIT sets it */
    unsigned attempts;       /* in all, the first included; at least 1, which is no retry */
    unsigned factor;         /* each pause is so many times as long as the one before; at least 1 */
    pk_duration first_pause; /* before the second attempt */
    pk_duration most_pause;  /* no pause is longer than this */
    bool jitter; /* each pause is a random part of that: those who failed together do not come back together */
    pk_retry_callback again; /* NULL: pk_error_is_transient */
    void *data;
} pk_retry_options;

#define PK_RETRY_OPTIONS_INIT                                                                                       \
    {                                                                                                               \
        sizeof(pk_retry_options), 4, 2, PK_MILLISECONDS(100), PK_SECONDS(30), true, (pk_retry_callback)0, (void *)0 \
    }

/* Tries this command again when it has failed. `options` NULL: as PK_RETRY_OPTIONS_INIT has it. */
PK_API void pk_command_retry(pk_command *command, const pk_retry_options *options);

/*
 * Whether this is the failure of a start for a reason that may pass by itself: -EAGAIN, -EMFILE, -ENFILE or -ENOMEM of
 * the kernel (no process, descriptor or memory could be had), -EINTR (a signal came), -ETXTBSY (the program is still
 * being written); but not the limits of the command's own group. Nothing has run then. How a program ended is never
 * transient: who knows what its exit codes mean, or that one more timeout does no harm, says so in a callback. Any
 * thread.
 */
PK_API bool pk_error_is_transient(const pk_error *error);

PK_END_DECLS

#endif
