/*
 * Cancelling: one word from any thread that ends runs.
 *
 *     pk_cancel *cancel;
 *     if (pk_cancel_create(&cancel, &error) < 0) ...
 *     pk_command_cancel(command, cancel);
 *     ... elsewhere: pk_cancel_now(cancel);
 *
 * A command with a token is not started any more once that has been cancelled. A run is ended by the command's own
 * ladder, with the verdict `cancelled`, unless it was about to end for another reason, and not tried again (retry.h).
 * There is no way back.
 */
#ifndef PROCESSKIT_CANCEL_H
#define PROCESSKIT_CANCEL_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/macros.h>

#include <stdbool.h>

PK_BEGIN_DECLS

typedef struct pk_cancel pk_cancel;

/* A token: one descriptor. */
PK_API PK_NODISCARD int pk_cancel_create(pk_cancel **cancel, pk_error *error);

/* The last one to free it frees it: commands and runs that have it keep it alive. Takes NULL; returns NULL. Any
 * thread. */
PK_API pk_cancel *pk_cancel_free(pk_cancel *cancel);

PK_DEFINE_CLEANUP(pk_cancel);

/* Cancels. Any thread, also from a signal handler. Once more does nothing. */
PK_API void pk_cancel_now(pk_cancel *cancel);

/* Whether it was. Any thread. */
PK_API bool pk_cancel_is_set(const pk_cancel *cancel);

/* Readable once it was. It stays the token's, and is never read from. */
PK_API int pk_cancel_fd(const pk_cancel *cancel);

/* Ends runs of this command when the token is cancelled; NULL: not any more. */
PK_API void pk_command_cancel(pk_command *command, pk_cancel *cancel);

PK_END_DECLS

#endif
