/*
 * Reading where cgroup2 is from the texts of /proc/self/mountinfo and /proc/self/cgroup. Pure functions on text that a
 * kernel wrote, but which may carry any name a user gave a directory.
 */
#ifndef PK_CONTAIN_MOUNTINFO_H
#define PK_CONTAIN_MOUNTINFO_H

#include <stddef.h>

/*
 * The path of this process in the cgroup2 hierarchy: the "0::" line, "/" if there is none. -ENAMETOOLONG, or -ENOENT if
 * its cgroup has been deleted.
 */
int mountinfo_own_path(const char *cgroup_text, char *path, size_t size);

/*
 * The directory at which `own_path` can be seen: the first cgroup2 mount below whose root it lies, and where it lies
 * there. `mount` receives the mount point. -ENOENT: cgroup2 is not mounted. -EXDEV: it is, but shows another part of
 * the hierarchy (a cgroup namespace or a bind mount).
 */
int mountinfo_find_directory(const char *mountinfo_text, const char *own_path, char *mount, char *directory,
                             size_t size);

#endif
