/*
 * Detaching: the blessed way out.
 *
 * A command that is started detached survives its owner by design. It has a name, by which anybody with the rights can
 * find and end it, with all that it started: it lives in a cgroup directory of its own beside that of the owner, who is
 * neither its parent nor its guard.
 *
 *     pk_auto(pk_command) server = pk_command_new("my-server", NULL);
 *     if (pk_command_detach(server, "my-server", NULL, &error) < 0) ...
 *
 * and at another time, in another process:
 *
 *     if (pk_detached_stop("my-server", NULL, NULL, &error) < 0) ...
 *
 * What contains the owner contains what it detaches: started by a member of a group, it ends with that group.
 */
#ifndef PROCESSKIT_DETACH_H
#define PROCESSKIT_DETACH_H

#include <processkit/command.h>
#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/macros.h>

#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

#define PK_DETACHED_NAME_SIZE 72
#define PK_DETACHED_PATH_SIZE 4096

typedef struct pk_detached {
    char name[PK_DETACHED_NAME_SIZE];
    pid_t pid;        /* of the leader; 0 once it has ended, and where that cannot be told (another pid namespace) */
    int members;      /* living processes, the leader included; 0: all have ended, and the directory is a leftover */
    uint64_t started; /* in seconds since 1970, by the clock of that time; 0: unknown */
    uint64_t reserved[4];
    char path[PK_DETACHED_PATH_SIZE]; /* of its directory */
} pk_detached;

/*
 * Starts a command detached. It is not a child of this process: init, or the nearest subreaper, waits for it. It has a
 * session of its own; its descriptors are the command's, which means /dev/null as 0 and the owner's 1 and 2 unless it
 * says otherwise. Returns once the program has been exec'd, with errors as pk_command_start. `detached` may be NULL.
 *
 * The name is 1 to 64 letters, digits, '.', '_' and '-', and does not begin with '.'. -EEXIST: there is one of that
 * name in this place, with living members. What an ended one has left is removed.
 *
 * -EOPNOTSUPP: no cgroup can be had here; the error says why, and what would help. -EINVAL: the name is not one, or the
 * command has what needs an owner: a pipe, a timeout, a policy for leftovers, a parent-death signal.
 */
PK_API PK_NODISCARD int pk_command_detach(const pk_command *command, const char *name, pk_detached *detached,
                                          pk_error *error);

/* Called for each; anything but 0 ends the listing, and is returned. */
typedef int (*pk_detached_callback)(const pk_detached *detached, void *data);

/* Lists what was detached by anybody, in the whole cgroup hierarchy that this process can see. Any thread. */
PK_API int pk_detached_each(pk_detached_callback callback, void *data, pk_error *error);

/*
 * Ends one with all that it started, by the ladder of pk_group_stop, and removes its directory. `name` is a name, or
 * the path of its directory, which contains a '/'. A name means the one in the caller's own cgroup, where it would
 * detach one itself; if there is none, the one that has the name anywhere. One that has ended is a success.
 *
 * -ENOENT: there is none. -ENOTUNIQ: there are several, and none in the caller's own cgroup; the error names two.
 * -EACCES: it belongs to another user. -EDEADLK: the caller, or a process it descends from, is in it. -EBUSY: members
 * were left after the hard kill. Any thread.
 */
PK_API int pk_detached_stop(const char *name, const pk_stop_options *options, pk_stop_report *report, pk_error *error);

PK_END_DECLS

#endif
