/*
 * Enabling controllers for the directories below one.
 */
#ifndef PK_CONTAIN_CONTROLLERS_H
#define PK_CONTAIN_CONTROLLERS_H

#include <processkit/error.h>

#include <stdbool.h>
#include <stddef.h>

/* Whether a list of words separated by spaces has this one. */
bool controllers_has(const char *list, const char *controller);

/* Those that are available in a directory, as words separated by spaces. */
int controllers_read(int dir, char *buffer, size_t size);

/* -EOPNOTSUPP when one of these is not available there. `path` is the directory as people know it,
 * `remedy` what would make one available. */
int controllers_check(int dir, const char *path, const char *remedy, const char *const *controllers, size_t count,
                      pk_error *error);

/*
 * Writes those of the controllers that are not enabled yet to the directory's cgroup.subtree_control, in one write: a
 * redundant one can fail with EBUSY. They are never disabled again, since siblings share them. -EOPNOTSUPP when one is
 * not available here or the kernel refuses.
 */
int controllers_enable(int dir, const char *path, const char *remedy, const char *const *controllers, size_t count,
                       pk_error *error);

#endif
