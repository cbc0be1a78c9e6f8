/*
 * Finding a detached command by its name, and ending it.
 */
#include "base/error.h"
#include "contain/backend.h"
#include "contain/cgroup.h"
#include "contain/detached.h"
#include "contain/group.h"
#include "contain/ladder.h"
#include "contain/place.h"
#include "contain/proc.h"
#include "contain/walk.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

static int refuse_unknown(const char *name, pk_error *error)
{
    return error_set(error, -ENOENT, PK_ERROR_NOT_FOUND, PK_STEP_FIND_CGROUP, NULL,
                     "there is no detached command '%s' (pk list shows all)", name);
}

/* By the path of its directory. */
static int open_path(struct detached_dir *dir, const char *path)
{
    char parent[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= sizeof(parent))
        return -ENAMETOOLONG;
    snprintf(parent, sizeof(parent), "%.*s", (int)length, path);
    char *slash = strrchr(parent, '/');
    if (!slash || !detached_name(slash + 1))
        return -ENOENT;
    snprintf(dir->name, sizeof(dir->name), "%s", slash + 1);
    snprintf(dir->path, sizeof(dir->path), "%s", parent);
    slash[slash == parent] = '\0';
    dir->parent = sys_openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0);
    if (dir->parent < 0)
        return dir->parent;
    dir->fd = sys_openat(dir->parent, dir->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    return dir->fd < 0 ? dir->fd : 0;
}

struct search {
    const char *name;
    int count;
    char path[PATH_MAX];
    char other[PATH_MAX];
};

static void compare(struct walk *walk, int parent, const char *name, int dir)
{
    struct search *search = walk->data;
    const char *one = detached_name(name);
    (void)parent, (void)dir;
    if (!one || strcmp(one, search->name) != 0)
        return;
    snprintf(search->count == 0 ? search->path : search->other, PATH_MAX, "%s", walk->path);
    walk->done = ++search->count == 2;
}

static int search_everywhere(struct search *search, pk_error *error)
{
    struct walk walk = {.prefix = DETACHED_PREFIX, .found = compare, .data = search};
    int r = walk_below(&walk, NULL, error);
    if (r < 0)
        return r;
    if (search->count == 0)
        return walk.first < 0 ? walk.first : refuse_unknown(search->name, error);
    if (search->count > 1)
        return error_set(error, -ENOTUNIQ, PK_ERROR_INVALID, PK_STEP_FIND_CGROUP, search->path,
                         "there are several detached commands '%s' (give the path of its directory: %s, %s)",
                         search->name, search->path, search->other);
    return 0;
}

static int find(struct detached_dir *dir, const char *name, pk_error *error)
{
    struct place place;
    struct search search = {.name = name};
    int r;
    if (strchr(name, '/')) {
        r = open_path(dir, name);
        return r == -ENOENT ? refuse_unknown(name, error) : r;
    }
    r = detached_check_name(name, error);
    if (r == 0)
        r = place_find(&place, error);
    if (r < 0)
        return r;
    if (snprintf(search.path, sizeof(search.path), "%s/%s%s", place.own, DETACHED_PREFIX, name) >= PATH_MAX)
        return -ENAMETOOLONG;
    r = open_path(dir, search.path);
    if (!cgroup_is_gone(r))
        return r;
    detached_close(dir);
    r = search_everywhere(&search, error);
    if (r == 0)
        r = open_path(dir, search.path);
    return cgroup_is_gone(r) ? refuse_unknown(name, error) : r;
}

/* ---- Ending ----------------------------------------------------------------------------------------------------- */

static int check_rights(const struct detached_dir *dir, const char *name, pk_error *error)
{
    struct pids members = {0};
    const long cgroup2 = 0x63677270; /* CGROUP2_SUPER_MAGIC */
    long type = 0;
    int r = sys_statfs_type(dir->fd, &type);
    if (r == 0 && type != cgroup2)
        return refuse_unknown(name, error);
    if (r == 0)
        r = sys_faccessat(dir->parent, ".", W_OK | X_OK);
    if (r == 0)
        r = sys_faccessat(dir->fd, ".", W_OK | X_OK);
    if (r == 0)
        r = cgroup_list(dir->fd, &members);
    pids_sort(&members);
    bool held = proc_holds_caller(&members);
    pids_free(&members);
    if (r < 0)
        return error_errno(error, r, PK_STEP_KILL, dir->path, "cannot end '%s'", name);
    if (!held)
        return 0;
    return error_set(error, -EDEADLK, PK_ERROR_INVALID, PK_STEP_KILL, dir->path,
                     "cannot end '%s': this process, or one that it descends from, is in it", name);
}

/* The ladder stands on a group, so the directory becomes one for the moment: of no generation of the owner directory,
 * and so nobody's to remove but ours. */
static int run_ladder(int fd, const pk_stop_options *options, pk_stop_report *report, pk_error *error)
{
    struct cgroup_dir dir = {.entry = {.fd = fd, .events = -1, .stat = -1}};
    pk_group group = {.backend = &backend_cgroup2, .epoch = sys_epoch(), .dirs = &dir};
    struct ladder ladder;
    group_init_locks(&group);
    ladder_begin(&ladder, &group, NULL, options, true);
    int r = ladder_run(&ladder);
    if (report)
        *report = ladder.report;
    if (r < 0)
        ladder_explain(&group, r, error);
    group_destroy_locks(&group);
    return r;
}

static int stop(const struct detached_dir *dir, const char *name, const pk_stop_options *options,
                pk_stop_report *report, pk_error *error)
{
    pk_stop_report said = {0};
    int r = check_rights(dir, name, error);
    if (r == 0)
        r = run_ladder(dir->fd, options, &said, error);
    if (r == 0 && !said.spared) {
        r = cgroup_remove(dir->parent, dir->name);
        if (r < 0)
            error_errno(error, r, PK_STEP_REMOVE, dir->path, "cannot remove %s", dir->path);
    }
    if (report)
        *report = said;
    return r;
}

int pk_detached_stop(const char *name, const pk_stop_options *options, pk_stop_report *report, pk_error *error)
{
    struct detached_dir dir = {.parent = -1, .fd = -1};
    pk_stop_options checked;
    pk_error why = {0};
    if (!name)
        return detached_check_name(name, error);
    int r = group_check_stop(options, &checked, error);
    if (r < 0)
        return r;
    r = find(&dir, name, &why);
    if (r == 0)
        r = stop(&dir, name, &checked, report, &why);
    else if (why.number != r)
        error_errno(&why, r, PK_STEP_OPEN_CGROUP, NULL, "cannot find '%s'", name);
    detached_close(&dir);
    if (r < 0 && error)
        *error = why;
    return r;
}
