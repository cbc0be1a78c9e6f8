/*
 * Walking the hierarchy in search of owner directories.
 */
#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/place.h"
#include "contain/remains.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const action_names[] = {
    [PK_PRUNE_REMOVED] = "removed",
    [PK_PRUNE_WOULD_REMOVE] = "would-remove",
    [PK_PRUNE_SPARED] = "spared",
    [PK_PRUNE_GONE] = "gone",
    [PK_PRUNE_ALIVE] = "alive",
    [PK_PRUNE_IN_USE] = "in-use",
    [PK_PRUNE_UNMARKED] = "unmarked",
    [PK_PRUNE_HOLDS_CALLER] = "holds-caller",
    [PK_PRUNE_NOT_PERMITTED] = "not-permitted",
    [PK_PRUNE_FAILED] = "failed",
};

const char *pk_prune_action_name(pk_prune_action action)
{
    return (size_t)action < sizeof(action_names) / sizeof(action_names[0]) ? action_names[action] : "unknown";
}

struct walk {
    pk_prune_options options;
    pk_prune_callback callback;
    void *data;
    pk_prune_report report;
    int first; /* error */
    pk_error *error;
    size_t length; /* of the path */
    char path[PATH_MAX];
};

/* ---- One directory ---------------------------------------------------------------------------------------------- */

static void fail(struct walk *walk, int number, pk_step step)
{
    if (walk->first == 0)
        walk->first = error_errno(walk->error, number, step, walk->path, "cannot prune %s", walk->path);
}

/* What the caller may not read is not the caller's to prune. Deeper than what can be followed is nobody's. */
static void pass_over(struct walk *walk, int number, pk_step step)
{
    if (number == -EACCES || number == -EPERM || number == -ELOOP || number == -ENAMETOOLONG)
        walk->report.unreadable++;
    else if (number < 0 && !cgroup_is_gone(number))
        fail(walk, number, step);
}

static void examine(struct walk *walk, int parent, const char *name, int dir)
{
    struct remains remains = {
        .parent = parent,
        .name = name,
        .dir = dir,
        .dry_run = walk->options.dry_run,
        .patience = walk->options.patience,
    };
    remains_clear(&remains);
    remains.found.path = walk->path;
    walk->report.count[remains.found.action]++;
    walk->report.killed += remains.found.killed;
    if (remains.found.action == PK_PRUNE_FAILED)
        fail(walk, remains.found.number, remains.step);
    if (walk->callback)
        walk->callback(&remains.found, walk->data);
}

/* ---- The walk --------------------------------------------------------------------------------------------------- */

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

/* Owners may be members of living groups, and so are found below the directories of others. */
static int visit(int parent, const char *name, int depth, void *data)
{
    static const char prefix[] = "processkit-";
    struct walk *walk = data;
    size_t length = walk->length;
    int dir =
        append_name(walk, name) ? sys_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) : -ENAMETOOLONG;
    if (dir >= 0) {
        if (strncmp(name, prefix, strlen(prefix)) == 0)
            examine(walk, parent, name, dir);
        pass_over(walk, cgroup_each(dir, depth, visit, walk), PK_STEP_LIST);
        sys_close(dir);
    } else {
        pass_over(walk, dir, PK_STEP_OPEN_CGROUP);
    }
    cut_path(walk, length);
    return 0;
}

/* Where the walk begins: the mount point, or what the options say. */
static int find_root(struct walk *walk, pk_error *error)
{
    const char *root = walk->options.below;
    struct place *place = NULL;
    if (!root) {
        place = malloc(sizeof(*place));
        if (!place)
            return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot prune");
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
        return error_errno(error, -ENAMETOOLONG, PK_STEP_ARGUMENTS, NULL, "cannot prune in so long a path");
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
                         "cannot prune in %s: it is not a directory of cgroup2", walk->path);
    }
    return dir;
}

/* ---- The public function ---------------------------------------------------------------------------------------- */

static int copy_options(const pk_prune_options *given, pk_prune_options *options, pk_error *error)
{
    *options = (pk_prune_options)PK_PRUNE_OPTIONS_INIT;
    if (given && (given->size == 0 || given->size > sizeof(*options)))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid prune options: start from PK_PRUNE_OPTIONS_INIT of this version");
    if (given)
        memcpy(options, given, given->size);
    if (options->patience == 0)
        options->patience = PK_SECONDS(5);
    return 0;
}

int pk_prune(const pk_prune_options *options, pk_prune_callback callback, void *data, pk_prune_report *report,
             pk_error *error)
{
    struct walk walk = {.callback = callback, .data = data, .error = error};
    int r = copy_options(options, &walk.options, error);
    if (r == 0)
        r = find_root(&walk, error);
    int root = r < 0 ? r : open_root(&walk, error);
    if (root == -EINVAL)
        return root;
    if (root >= 0) {
        pass_over(&walk, cgroup_each(root, 0, visit, &walk), PK_STEP_LIST);
        sys_close(root);
    }
    if (report)
        *report = walk.report;
    return root < 0 ? root : walk.first;
}
