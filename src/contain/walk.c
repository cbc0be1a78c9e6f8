/*
 * Walking the hierarchy.
 */
#include "contain/walk.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/place.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void walk_fail(struct walk *walk, int number, pk_step step)
{
    if (walk->first == 0)
        walk->first = error_errno(walk->error, number, step, walk->path, "cannot look into %s", walk->path);
}

/* What the caller may not read is not the caller's business. Deeper than what can be followed is nobody's. */
static void pass_over(struct walk *walk, int number, pk_step step)
{
    if (number == -EACCES || number == -EPERM || number == -ELOOP || number == -ENAMETOOLONG)
        walk->unreadable++;
    else if (number < 0 && !cgroup_is_gone(number))
        walk_fail(walk, number, step);
}

static bool append_name(struct walk *walk, const char *name)
{
    size_t room = sizeof(walk->path) - walk->length;
    size_t length = (size_t)snprintf(walk->path + walk->length, room, "/%s", name);
    if (length >= room)
        return false;
    walk->length += length;
    return true;
}

static void cut_path(struct walk *walk, size_t length)
{
    walk->length = length;
    walk->path[length] = '\0';
}

/* Owners may be members of living groups, so what is found is walked as well. Ends at anything but 0. */
static int visit(int parent, const char *name, int depth, void *data)
{
    struct walk *walk = data;
    size_t length = walk->length;
    int dir =
        append_name(walk, name) ? sys_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) : -ENAMETOOLONG;
    if (dir < 0) {
        pass_over(walk, dir, PK_STEP_OPEN_CGROUP);
    } else {
        if (strncmp(name, walk->prefix, strlen(walk->prefix)) == 0)
            walk->found(walk, parent, name, dir);
        if (!walk->done) {
            int r = cgroup_each(dir, depth, visit, walk);
            pass_over(walk, r, PK_STEP_LIST);
        }
        sys_close(dir);
    }
    cut_path(walk, length);
    return walk->done;
}

/* Where the walk begins: the mount point, or what the options say. */
static int find_root(struct walk *walk, const char *root, pk_error *error)
{
    struct place *place = NULL;
    if (!root) {
        place = malloc(sizeof(*place));
        if (!place)
            return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot look into the hierarchy");
        int r = place_find(place, error);
        if (r < 0) {
            free(place);
            return r;
        }
        root = place->mount;
    }
    walk->length = (size_t)snprintf(walk->path, sizeof(walk->path), "%s", root);
    free(place);
    if (walk->length >= sizeof(walk->path))
        return error_errno(error, -ENAMETOOLONG, PK_STEP_ARGUMENTS, NULL, "cannot look into so long a path");
    while (walk->length > 1 && walk->path[walk->length - 1] == '/')
        cut_path(walk, walk->length - 1);
    return 0;
}

static int open_root(struct walk *walk, pk_error *error)
{
    const long cgroup2 = 0x63677270; /* CGROUP2_SUPER_MAGIC */
    long type = 0;
    int dir = sys_openat(AT_FDCWD, walk->path, O_RDONLY | O_DIRECTORY, 0);
    int r = dir < 0 ? dir : sys_statfs_type(dir, &type);
    if (r < 0) {
        sys_close_safe(dir);
        return error_errno(error, r, PK_STEP_OPEN_CGROUP, walk->path, "cannot open %s", walk->path);
    }
    if (type != cgroup2) {
        sys_close(dir);
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, walk->path,
                         "cannot look into %s: it is not a directory of cgroup2", walk->path);
    }
    return dir;
}

int walk_below(struct walk *walk, const char *below, pk_error *error)
{
    walk->error = error;
    int r = find_root(walk, below, error);
    int root = r < 0 ? r : open_root(walk, error);
    if (root < 0)
        return root;
    pass_over(walk, cgroup_each(root, 0, visit, walk), PK_STEP_LIST);
    sys_close(root);
    return 0;
}
