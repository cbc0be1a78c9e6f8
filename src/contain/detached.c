/*
 * Making, describing and listing the directories of detached commands.
 */
#include "contain/detached.h"

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "contain/cgroup.h"
#include "contain/ending.h"
#include "contain/mark.h"
#include "contain/place.h"
#include "contain/proc.h"
#include "contain/walk.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static bool is_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length < MARK_NAME_SIZE && name[0] != '.' && strspn(name, letters) == length;
}

const char *detached_name(const char *directory)
{
    size_t length = strlen(DETACHED_PREFIX);
    return strncmp(directory, DETACHED_PREFIX, length) == 0 && is_name(directory + length) ? directory + length : NULL;
}

int detached_check_name(const char *name, pk_error *error)
{
    if (name && is_name(name))
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "invalid name '%s' (1 to 64 letters, digits, '.', '_' and '-', not beginning with '.')",
                     name ? name : "");
}

/* ---- Making ----------------------------------------------------------------------------------------------------- */

static void mark_starting(struct mark *mark, const char *name)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    mark->time = (uint64_t)now.tv_sec;
    snprintf(mark->name, sizeof(mark->name), "%s", name);
}

static bool is_in_use(int fd)
{
    struct mark mark;
    if (cgroup_is_populated(fd) != 0)
        return true;
    return mark_read_detached(fd, &mark) == 0 && mark_judge(&mark, fd) != MARK_DEAD; /* it is just being started */
}

static int remove_leftover(int parent, const char *name)
{
    int fd = sys_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return cgroup_is_gone(fd) ? 0 : fd;
    bool used = is_in_use(fd);
    sys_close(fd);
    int r = used ? -EEXIST : cgroup_remove(parent, name);
    return r == -EBUSY ? -EEXIST : r;
}

/* Others may want the same name, or prune: one that goes away again is made again. */
static int make(struct detached_dir *dir)
{
    enum { MOST_TRIES = 8 };
    int r = -ENOENT;
    for (int tries = 0; r == -ENOENT && tries < MOST_TRIES; tries++) {
        r = sys_mkdirat(dir->parent, dir->name, 0755);
        if (r == -EEXIST) {
            r = remove_leftover(dir->parent, dir->name);
            if (r < 0)
                return r;
            r = -ENOENT;
            continue;
        }
        if (r < 0)
            return r;
        r = dir->fd = sys_keep(sys_openat(dir->parent, dir->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
        if (r < 0 && r != -ENOENT)
            sys_unlinkat(dir->parent, dir->name, AT_REMOVEDIR);
    }
    return r < 0 ? r : 0;
}

static int explain(const struct detached_dir *dir, const char *name, const char *own, int number, pk_error *error)
{
    if (number == -EEXIST)
        return error_set(error, number, PK_ERROR_INVALID, PK_STEP_MAKE_CGROUP, dir->path,
                         "cannot detach '%s': one of that name is running (pk stop %s ends it)", name, name);
    if (place_is_refusal(number))
        return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_MAKE_CGROUP, own,
                         "cannot detach '%s': no cgroup can be made in %s: %s (run in a cgroup that is delegated to "
                         "this user; pk doctor tells more)",
                         name, own, error_text(number));
    return error_errno(error, number, PK_STEP_MAKE_CGROUP, dir->path, "cannot detach '%s'", name);
}

static int refuse(const char *name, int number, const pk_error *why, pk_error *error)
{
    if (!place_is_refusal(number))
        return error_errno(error, number, why->step, NULL, "cannot detach '%s'", name);
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_FIND_CGROUP, NULL, "cannot detach '%s': %s",
                     name, why->message);
}

int detached_make(struct detached_dir *dir, const char *name, pk_error *error)
{
    struct place place;
    struct mark mark;
    pk_error why;
    *dir = (struct detached_dir){.parent = -1, .fd = -1};
    int r = place_find(&place, &why);
    if (r < 0)
        return refuse(name, r, &why, error);
    snprintf(dir->name, sizeof(dir->name), "%s%s", DETACHED_PREFIX, name);
    if (snprintf(dir->path, sizeof(dir->path), "%s/%s", place.own, dir->name) >= (int)sizeof(dir->path))
        return explain(dir, name, place.own, -ENAMETOOLONG, error);
    r = dir->parent = sys_keep(sys_openat(AT_FDCWD, place.own, O_RDONLY | O_DIRECTORY, 0));
    if (r >= 0)
        r = make(dir);
    if (r == 0) {
        mark_self(&mark);
        mark_starting(&mark, name);
        r = mark_write_detached(dir->fd, &mark);
        if (r < 0)
            sys_unlinkat(dir->parent, dir->name, AT_REMOVEDIR);
    }
    if (r < 0) {
        detached_close(dir);
        return explain(dir, name, place.own, r, error);
    }
    return 0;
}

void detached_settle(const struct detached_dir *dir, pid_t pid, int pidfd)
{
    struct mark mark;
    mark_process(&mark, pid, pidfd);
    mark_starting(&mark, dir->name + strlen(DETACHED_PREFIX));
    mark_write_detached(dir->fd, &mark); /* without it, it is found by the name of its directory */
}

void detached_discard(const struct detached_dir *dir)
{
    ending_kill(dir->fd);
    ending_wait(dir->fd, time_add(sys_now(), PK_SECONDS(1)));
    cgroup_remove(dir->parent, dir->name);
}

void detached_close(struct detached_dir *dir)
{
    dir->parent = sys_close_safe(dir->parent);
    dir->fd = sys_close_safe(dir->fd);
}

/* ---- Describing and listing ------------------------------------------------------------------------------------- */

void detached_describe(int fd, const char *path, pk_detached *detached)
{
    struct pids pids = {0};
    struct mark mark;
    const char *slash = strrchr(path, '/');
    *detached = (pk_detached){0};
    text_copy(detached->path, sizeof(detached->path), path);
    text_copy(detached->name, sizeof(detached->name), detached_name(slash ? slash + 1 : path));
    if (cgroup_list(fd, &pids) == 0)
        detached->members = (int)proc_count_living(&pids);
    pids_free(&pids);
    if (mark_read_detached(fd, &mark) < 0)
        return;
    detached->started = mark.time;
    if (detached->members > 0 && mark_judge(&mark, fd) == MARK_ALIVE)
        detached->pid = mark.pid;
}

struct listing {
    pk_detached_callback callback;
    void *data;
    int result;
};

static void list(struct walk *walk, int parent, const char *name, int dir)
{
    struct listing *listing = walk->data;
    pk_detached detached;
    (void)parent;
    if (!detached_name(name))
        return;
    detached_describe(dir, walk->path, &detached);
    listing->result = listing->callback(&detached, listing->data);
    walk->done = listing->result != 0;
}

int pk_detached_each(pk_detached_callback callback, void *data, pk_error *error)
{
    struct listing listing = {callback, data, 0};
    struct walk walk = {.prefix = DETACHED_PREFIX, .found = list, .data = &listing};
    int r = walk_below(&walk, NULL, error);
    if (r < 0 || listing.result != 0)
        return r < 0 ? r : listing.result;
    return walk.first;
}
