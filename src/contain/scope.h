/*
 * A scope: a cgroup that a service manager gives to a process that is running already, with whatever controllers the
 * manager has to give, and leaves alone from then on.
 *
 * It is the one way to controllers for who may enable none itself, and it takes nobody's rights: the manager of the own
 * user, or root's, is asked for a transient unit. That ends by itself when the last process in it does.
 */
#ifndef PK_CONTAIN_SCOPE_H
#define PK_CONTAIN_SCOPE_H

#include <processkit/error.h>
#include <processkit/time.h>

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * How long it may take in all. A manager that is well answers within some ten milliseconds, and within a second or two
 * while the machine boots. Whoever waits for a command to start takes much more for a hang.
 */
#define SCOPE_PATIENCE PK_SECONDS(5)

/* After that, or another failure: how long it may take to be rid of the message that the unit is not wanted. */
#define SCOPE_FAREWELL PK_MILLISECONDS(200)

struct scope {
    char unit[64];       /* its name: run-processkit-PID-SALT.scope */
    char path[PATH_MAX]; /* the directory, in which this process may make others and enable controllers */
    bool of_system;      /* made by the system's manager, not by the user's */
};

/*
 * Has this process, a child of ours, put into a scope of its own: it is there when this returns. Blocks for at most
 * SCOPE_PATIENCE and SCOPE_FAREWELL. Threads: any.
 *
 * -EOPNOTSUPP when it cannot be had, with the reason: no bus or library, a manager that refuses, fails, does not answer
 * in time or does something else than what it was asked for. Other errors are shortages. After a failure no descriptor
 * is left, and the unit is not wanted any more: the manager has been told, if it could be told anything. The process
 * may have been moved all the same, and is for the caller to end.
 */
int scope_make(pid_t pid, struct scope *scope, pk_error *error);

/* The same with another patience, for tests. */
int scope_make_within(pid_t pid, pk_duration patience, struct scope *scope, pk_error *error);

#endif
