/*
 * The spawner: the helper as a child of this process that starts commands for it.
 *
 * It lives in a cgroup that this process itself may not clone from into the cgroups of its groups, such as a scope that
 * a service manager has made, while the spawner may. What it starts are the children of this process all the same. It
 * stays in the session of this process, in a process group of its own, and ends when its socket does, or this process.
 */
#ifndef PK_CONTAIN_SPAWNER_H
#define PK_CONTAIN_SPAWNER_H

#include "contain/guardian.h"
#include "contain/heritage.h"
#include "contain/spawner-protocol.h"

#include <processkit/error.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <sys/types.h>

struct spawner {
    int control; /* our end of the socket; -1: no spawner */
    int pidfd;
    pid_t pid;
    _Atomic int way; /* how it makes children: the best way that has worked so far (enum way in process/spawn.h) */
    struct heritage heritage;
};

#define SPAWNER_INIT               \
    {                              \
        .control = -1, .pidfd = -1 \
    }

/*
 * Starts one, in the cgroup of this process; whoever wants it elsewhere moves it. -EOPNOTSUPP: none can be had here,
 * and the error says why and what would help. No fork may come between this and spawner_forget's being able to find the
 * spawner: both are for an owner who holds an eager fork lock.
 */
int spawner_start(struct spawner *spawner, pk_error *error);

/* Hangs up, and takes the spawner away when it is gone: now, or, if it takes longer than a moment, later. Not while
 * another thread uses it. What it has started is not touched. Does nothing without a spawner. */
void spawner_stop(struct spawner *spawner);

/* In a forked child: closes the copies, which would hide from the spawner that its owner has become another program. */
void spawner_forget(struct spawner *spawner);

/* True once it is gone, and without one. Any thread. */
bool spawner_is_lost(const struct spawner *spawner);

/* As guardian_start, but the guardian is born where the spawner lives. -EPIPE: the spawner is lost; -ETIMEDOUT: it does
 * not answer. */
int spawner_start_guardian(struct spawner *spawner, struct guardian *guardian, int parent, const char *name, bool make,
                           pk_error *error);

/* ---- One request ------------------------------------------------------------------------------------------------ */

/* How long a spawner may take to answer. Once, before that, it is told to go on, if somebody has stopped it. */
#define SPAWNER_PATIENCE PK_SECONDS(5)

/*
 * Sends the request with its descriptors, whose first becomes the socket to answer on; *answer is our end of that. Any
 * thread. An errno of the sending, -EPIPE and -ETIMEDOUT as above.
 */
int spawner_ask(const struct spawner *spawner, const struct spawner_request *request, int *fds, size_t count,
                int *answer);

/* The same, for a socket that the caller has made, both ends of which no forked child may get. */
int spawner_ask_on(const struct spawner *spawner, const struct spawner_request *request, const int *fds, size_t count);

/*
 * Waits for the answer. *pidfd is what came with it, or -1. -EPIPE: it will never come, because the spawner is lost;
 * -EPROTO: because it did not understand; -ETIMEDOUT: it has not come so far.
 */
int spawner_hear(const struct spawner *spawner, int socket, struct spawner_answer *answer, int *pidfd);

/* Ends one that took a request and does not answer it. Returns when it is gone: but not later than after a second. */
void spawner_kill(const struct spawner *spawner);

/* One line for what came of a request. Takes -EPIPE and so on; what: "a process". */
int spawner_explain(int number, const char *what, pk_error *error);

#endif
