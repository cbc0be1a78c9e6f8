/*
 * Making, marking and removing the owner directory and its entries.
 */
#include "contain/home.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/mark.h"
#include "contain/outpost.h"
#include "contain/refusal.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

enum { MOST_TRIES = 32 }; /* for a name that is taken; any other error counts at once */

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static struct {
    uint64_t salt; /* tells apart owners with a recycled pid: the wall clock of the first use */
    unsigned names;
} given;

static void format_name(char *name, size_t size)
{
    if (given.salt == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        given.salt = (uint64_t)now.tv_sec << 20 | (uint64_t)now.tv_nsec >> 10;
    }
    snprintf(name, size, "processkit-%d-%llx-%u", sys_getpid(), (unsigned long long)given.salt, given.names++);
}

/* ---- The owner directory ---------------------------------------------------------------------------------------- */

static int begin(struct home *home, pk_error *error)
{
    int r = -EEXIST;
    for (int tries = 0; r == -EEXIST && tries < MOST_TRIES; tries++) {
        format_name(home->name, sizeof(home->name));
        r = guardian_link_begin(&home->guardian, home->site.dir, home->name, error);
    }
    return r;
}

/* In a threaded part of the hierarchy new directories are "domain invalid": no process can be put into them. */
static int check_type(int dir)
{
    char type[32];
    ssize_t length = sys_read_file(dir, "cgroup.type", type, sizeof(type));
    if (length < 0)
        return (int)length;
    return strncmp(type, "domain\n", 7) == 0 ? 0 : -EOPNOTSUPP;
}

static int open_and_mark(struct home *home)
{
    home->dir = sys_keep(sys_openat(home->site.dir, home->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    if (home->dir < 0)
        return home->dir;
    int r = sys_flock(home->dir, LOCK_EX | LOCK_NB);
    if (r == 0)
        r = mark_write(home->dir); /* after the lock: who sees the mark may judge by the lock */
    if (r == 0)
        r = check_type(home->dir);
    return r;
}

static int make_directory(struct home *home, pk_error *error)
{
    pk_error why = {0};
    const char *path = home->site.path;
    int r = sys_may_write(home->site.dir); /* cheaper to ask than to let a guardian find out */
    r = r == -EACCES || r == -EROFS ? r : begin(home, &why);
    if (r < 0 && why.step == PK_STEP_GUARDIAN) {
        if (error)
            *error = why;
        return r;
    }
    if (r < 0)
        return error_errno(error, r, PK_STEP_MAKE_CGROUP, path, "cannot make a cgroup in %s", path);
    r = open_and_mark(home);
    if (r == 0)
        return 0;
    error_errno(error, r, PK_STEP_MAKE_CGROUP, path,
                r == -EOPNOTSUPP ? "cannot use a cgroup in %s, which is threaded" : "cannot set up a cgroup in %s",
                path);
    home->dir = sys_close_safe(home->dir);
    cgroup_remove(home->site.dir, home->name);
    guardian_link_end(&home->guardian);
    return r;
}

/*
 * Without its outpost a scope takes nothing new where this process may not start anything itself. It is left as it is
 * while somebody lives in it; when nobody does, the next home is in another scope.
 */
static int check_outpost(struct home *home, pk_error *error)
{
    struct site *site = &home->site;
    if (!site->outpost || !outpost_is_lost(site->outpost))
        return 0;
    if (cgroup_is_populated(home->dir) == 0) {
        idle_drop(&home->idle, -1);
        home->dir = sys_close_safe(home->dir);
        return 0;
    }
    if (!site->outpost->needed)
        return 0;
    return refuse_limits(error, site->path,
                         "the helper that starts processes in %s was lost, and there are still "
                         "some (end them first)",
                         site->path);
}

int home_ensure(struct home *home, enum site_kind kind, const struct guardians *guardians, pk_error *error)
{
    int lost = home->dir >= 0 ? check_outpost(home, error) : 0;
    if (lost < 0)
        return lost;
    if (home->dir >= 0) {
        guardian_link_check(&home->guardian, home->site.dir, home->name);
        return 0;
    }
    guardian_link_end(&home->guardian); /* of a directory that was deleted under us */
    site_close(&home->site);
    int r = site_find(kind, guardians, &home->site, error);
    if (r < 0)
        return r;
    home->guardian.spawner = home->site.outpost ? &home->site.outpost->spawner : NULL;
    r = make_directory(home, error);
    if (r < 0) {
        site_abandon(&home->site);
        return r;
    }
    home->has_controllers = false;
    home->generation++;
    return 0;
}

/* One look each time: once enabled they stay so, unless a member that may do so takes them away. That they are enabled
 * above follows, since nobody can take them away there before. */
static bool has_all(const struct home *home, const char *const *controllers, size_t count)
{
    char enabled[256];
    if (sys_read_attribute(home->dir, "cgroup.subtree_control", enabled, sizeof(enabled)) < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!controllers_has(enabled, controllers[i]))
            return false;
    return true;
}

static int enable(const struct home *home, const char *const *controllers, size_t count, pk_error *error)
{
    const char *remedy = site_remedy(&home->site);
    int r = controllers_enable(home->site.dir, home->site.path, remedy, controllers, count, error);
    return r < 0 ? r : controllers_enable(home->dir, home->name, remedy, controllers, count, error);
}

int home_enable(struct home *home, const char *const *controllers, size_t count, pk_error *error)
{
    if (home->has_controllers && has_all(home, controllers, count))
        return 0;
    int r = enable(home, controllers, count, error);
    for (size_t i = 0; r == 0 && !home->has_controllers && i < LIMITS_REQUIRED; i++)
        enable(home, &limits_all[i], 1, NULL);
    home->has_controllers = home->has_controllers || r == 0;
    return r;
}

void home_give_up(struct home *home)
{
    idle_drop(&home->idle, home->dir);
    if (sys_unlinkat(home->site.dir, home->name, AT_REMOVEDIR) < 0)
        return;
    home->dir = sys_close_safe(home->dir);
    guardian_link_dismiss(&home->guardian);
    site_abandon(&home->site);
}

void home_lose(struct home *home)
{
    idle_drop(&home->idle, -1);
    home->dir = sys_close_safe(home->dir);
}

void home_leave(struct home *home)
{
    if (home->dir < 0)
        return;
    idle_drop(&home->idle, home->dir);
    home->dir = sys_close_safe(home->dir);
    if (sys_unlinkat(home->site.dir, home->name, AT_REMOVEDIR) == 0)
        guardian_link_dismiss(&home->guardian);
    else
        guardian_link_end(&home->guardian); /* something lives in it: the guardian's now */
    site_close(&home->site);
}

/* An open copy would keep the parent's lock alive after its death, and hide from the guardian that the parent has
 * become another program. */
void home_let_go(struct home *home)
{
    idle_drop(&home->idle, -1);
    home->dir = sys_close_safe(home->dir);
    site_forget(&home->site);
    guardian_link_end(&home->guardian);
    home->guardian.losses = 0;
    given.salt = 0;
}

/* ---- Entries ---------------------------------------------------------------------------------------------------- */

static int open_entry(const struct home *home, struct owner_entry *entry)
{
    entry->generation = home->generation;
    entry->events = entry->stat = -1;
    entry->base = (pk_usage){0};
    entry->fd = sys_keep(sys_openat(home->dir, entry->name, O_RDONLY | O_DIRECTORY, 0));
    if (entry->fd >= 0)
        return 0;
    cgroup_remove(home->dir, entry->name);
    return entry->fd;
}

int home_make_entry(struct home *home, struct owner_entry *entry)
{
    int r = -EEXIST;
    for (int tries = 0; r == -EEXIST && tries < MOST_TRIES; tries++) {
        snprintf(entry->name, sizeof(entry->name), "g%u", home->entries++);
        r = sys_mkdirat(home->dir, entry->name, 0755);
    }
    return r < 0 ? r : open_entry(home, entry);
}

int home_make_entry_in(struct home *home, const struct owner_entry *outer, unsigned number, struct owner_entry *entry)
{
    snprintf(entry->name, sizeof(entry->name), "%.11s/b%u", outer->name, number);
    int r = sys_mkdirat(home->dir, entry->name, 0755);
    return r < 0 ? r : open_entry(home, entry);
}

bool home_has(const struct home *home, const struct owner_entry *entry)
{
    return home->dir >= 0 && entry->generation == home->generation;
}

void home_tell(struct home *home, const struct owner_entry *entry, enum guardian_kind kind)
{
    bool is_inner = strchr(entry->name, '/'); /* it goes with the outer one */
    if (home_has(home, entry) && !is_inner)
        guardian_link_tell(&home->guardian, home->site.dir, home->name, kind, entry->name);
}
