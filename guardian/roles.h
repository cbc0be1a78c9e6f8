/*
 * The roles of the helper. Each is told by its first argument, and finds its descriptors from 0 on.
 */
#ifndef PK_GUARDIAN_ROLES_H
#define PK_GUARDIAN_ROLES_H

/*
 * "guard NAME": outlives the owner, ends its groups and removes its directory NAME. Finds the control socket at 0, the
 * owner's pidfd at 1 and the parent of the directory at 2.
 */
int guard(const char *name);

/*
 * "reap LEADER": the parent of process LEADER, and of everything that is orphaned below it. Reaps until nobody is left;
 * ends the tree when told to, and when the owner is gone and has not spared it. Finds the control socket at 0 and the
 * owner's pidfd at 1, is the leader of a session of its own, and was a subreaper, with SIGCHLD not ignored, before the
 * leader was started.
 */
int reap(const char *leader);

/*
 * "spawn": starts commands for the owner, as its children, and guardians. Finds the control socket at 0 and the owner's
 * pidfd at 1. It is in the owner's session, and leads a process group.
 */
int spawn(void);

#endif
