/*
 * Starting a guardian: the helper that outlives this process and ends what it leaves behind.
 */
#ifndef PK_CONTAIN_GUARDIAN_H
#define PK_CONTAIN_GUARDIAN_H

#include "contain/guardian-protocol.h"

#include <processkit/error.h>

#include <stdbool.h>
#include <sys/types.h>

struct guardian {
    int control; /* our end of the socket; -1: no guardian */
    pid_t pid;
};

/* What it is given: its end of the socket and a pidfd of this process. All are above 2; -1: not open. */
struct guardian_ends {
    int ours;
    int theirs;
    int owner;
};

/* On failure *call is what failed, and what is open is still to be closed. */
int guardian_open_ends(struct guardian_ends *ends, const char **call);

/* The guardian has its own of these. */
void guardian_close_given(struct guardian_ends *ends);

/*
 * Starts one for the directory `name` in `parent`, which must be above 2. With `make` the directory is made, by the one
 * who will guard it, so that at no moment it would be left behind; after a failure there is none. -EEXIST: the name is
 * taken. -EOPNOTSUPP: no guardian can be had here, and the error says why and what would help.
 */
int guardian_start(struct guardian *guardian, int parent, const char *name, bool make, pk_error *error);

/* Tells it. -EPIPE if it is gone, or has not read for so long that it is as good as that. */
int guardian_tell(const struct guardian *guardian, enum guardian_kind kind, const char *name);

/* True once it is gone. */
bool guardian_is_lost(const struct guardian *guardian);

/*
 * Kills one that does not read, and returns when it is gone. It must not be let go of alive: whenever it went on, it
 * would take the end of the socket for the end of the owner, and kill what is left running. Without effect where that
 * is not permitted, because the owner has changed its user: then it is kept, and may come to itself.
 */
void guardian_kill(const struct guardian *guardian);

/* A pidfd of it, which is the caller's. -ESRCH if it is gone. */
int guardian_open(const struct guardian *guardian);

#endif
