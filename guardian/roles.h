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

#endif
