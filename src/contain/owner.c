/*
 * Making, marking and removing the owner directory and its entries.
 */
#include "contain/owner.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/place.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

enum { MOST_TRIES = 32 }; /* for a name that is taken; any other error counts at once */

static struct {
    pthread_mutex_t lock;
    _Atomic uint64_t epoch; /* of the process it belongs to; 0 before the first use */
    uint64_t generation;    /* changes with each owner directory */
    uint64_t salt;          /* tells apart owners with a recycled pid: the wall clock of the first use */
    unsigned names;         /* given out so far */
    unsigned entries;       /* likewise */
    int dir;                /* -1: not made */
    int parent;
    char name[64];
    struct place place;
} owner = {.lock = PTHREAD_MUTEX_INITIALIZER, .dir = -1, .parent = -1};

/* A forked child has a copy that is the parent's: it must not remove anything there, and begins anew. The lock may have
 * been held by a thread that does not exist in the child. */
static void lock_owner(void)
{
    uint64_t now = sys_epoch();
    uint64_t then = owner.epoch;
    if (then != now &&
        __atomic_compare_exchange_n((uint64_t *)&owner.epoch, &then, now, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
        then != 0) {
        owner.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        owner.dir = sys_close_safe(owner.dir); /* an open copy would keep the parent's lock alive after its death */
        owner.parent = sys_close_safe(owner.parent);
        owner.salt = 0;
    }
    pthread_mutex_lock(&owner.lock);
}

static void unlock_owner(void)
{
    pthread_mutex_unlock(&owner.lock);
}

/* ---- The owner directory ---------------------------------------------------------------------------------------- */

static int make_name(void)
{
    if (owner.salt == 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        owner.salt = (uint64_t)now.tv_sec << 20 | (uint64_t)now.tv_nsec >> 10;
    }
    int r = -EEXIST;
    for (int tries = 0; r == -EEXIST && tries < MOST_TRIES; tries++) {
        snprintf(owner.name, sizeof(owner.name), "processkit-%d-%llx-%u", sys_getpid(), (unsigned long long)owner.salt,
                 owner.names++);
        r = sys_mkdirat(owner.parent, owner.name, 0755);
    }
    return r;
}

/* Whoever finds the directory later learns whose it is. A file system without user attributes on cgroups (before Linux
 * 5.7) leaves only the lock and the name to tell. */
static int mark(void)
{
    struct proc_stat self;
    char text[64];
    int r = proc_stat_read(sys_getpid(), &self);
    if (r < 0)
        return r == -ESRCH ? 0 : r; /* /proc may be hidden */
    snprintf(text, sizeof(text), "pid=%d start=%lu", sys_getpid(), self.start_ticks);
    r = sys_fsetxattr(owner.dir, "user.processkit.owner", text, strlen(text));
    return r == -EOPNOTSUPP || r == -EPERM ? 0 : r;
}

/* In a threaded part of the hierarchy new directories are "domain invalid": no process can be put into them. */
static int check_type(void)
{
    char type[32];
    ssize_t length = sys_read_file(owner.dir, "cgroup.type", type, sizeof(type));
    if (length < 0)
        return (int)length;
    return strncmp(type, "domain\n", 7) == 0 ? 0 : -EOPNOTSUPP;
}

static int open_and_mark(void)
{
    owner.dir = sys_keep(sys_openat(owner.parent, owner.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    if (owner.dir < 0)
        return owner.dir;
    int r = sys_flock(owner.dir, LOCK_EX | LOCK_NB);
    if (r == 0)
        r = mark();
    if (r == 0)
        r = check_type();
    return r;
}

static int make_directory(pk_error *error)
{
    int r = place_find(&owner.place, error);
    if (r < 0)
        return r;
    owner.parent = sys_keep(sys_openat(AT_FDCWD, owner.place.own, O_RDONLY | O_DIRECTORY, 0));
    if (owner.parent < 0)
        return error_errno(error, owner.parent, PK_STEP_OPEN_CGROUP, owner.place.own, "cannot open the own cgroup %s",
                           owner.place.own);
    r = make_name();
    if (r < 0)
        return error_errno(error, r, PK_STEP_MAKE_CGROUP, owner.place.own, "cannot make a cgroup in %s",
                           owner.place.own);
    r = open_and_mark();
    if (r == 0)
        return 0;
    error_errno(error, r, PK_STEP_MAKE_CGROUP, owner.place.own,
                r == -EOPNOTSUPP ? "cannot use a cgroup in %s, which is threaded" : "cannot set up a cgroup in %s",
                owner.place.own);
    owner.dir = sys_close_safe(owner.dir);
    cgroup_remove(owner.parent, owner.name);
    return r;
}

static int ensure_directory(pk_error *error)
{
    if (owner.dir >= 0)
        return 0;
    owner.parent = sys_close_safe(owner.parent);
    int r = make_directory(error);
    if (r < 0) {
        owner.dir = sys_close_safe(owner.dir);
        owner.parent = sys_close_safe(owner.parent);
        return r;
    }
    owner.generation++;
    return 0;
}

/* ---- Entries ---------------------------------------------------------------------------------------------------- */

static int make_entry(struct owner_entry *entry)
{
    int r = -EEXIST;
    for (int tries = 0; r == -EEXIST && tries < MOST_TRIES; tries++) {
        snprintf(entry->name, sizeof(entry->name), "g%u", owner.entries++);
        r = sys_mkdirat(owner.dir, entry->name, 0755);
    }
    if (r < 0)
        return r;
    entry->generation = owner.generation;
    entry->fd = sys_keep(sys_openat(owner.dir, entry->name, O_RDONLY | O_DIRECTORY, 0));
    if (entry->fd < 0) {
        cgroup_remove(owner.dir, entry->name);
        return entry->fd;
    }
    return 0;
}

int owner_make_entry(struct owner_entry *entry, pk_error *error)
{
    lock_owner();
    int r = ensure_directory(error);
    if (r == 0) {
        r = make_entry(entry);
        if (r == -ENOENT) { /* deleted under us: begin anew, once */
            owner.dir = sys_close_safe(owner.dir);
            r = ensure_directory(error);
            if (r == 0)
                r = make_entry(entry);
        }
        if (r < 0)
            error_errno(error, r, PK_STEP_MAKE_CGROUP, owner.place.own, "cannot make a cgroup in %s/%s",
                        owner.place.own, owner.name);
    }
    unlock_owner();
    return r;
}

int owner_remove_entry(const struct owner_entry *entry)
{
    lock_owner();
    /* An entry of an earlier generation was deleted together with its owner directory. */
    int r = owner.dir >= 0 && entry->generation == owner.generation ? cgroup_remove(owner.dir, entry->name) : 0;
    unlock_owner();
    return r;
}

int owner_enable(const char *const *controllers, size_t count, pk_error *error)
{
    lock_owner();
    int r = ensure_directory(error);
    if (r == 0)
        r = controllers_enable(owner.parent, owner.place.own, controllers, count, error);
    if (r == 0)
        r = controllers_enable(owner.dir, owner.name, controllers, count, error);
    unlock_owner();
    return r;
}

const char *owner_format_path(const struct owner_entry *entry, char *buffer, size_t size)
{
    lock_owner();
    snprintf(buffer, size, "%s/%s/%s", owner.place.own, owner.name, entry->name);
    unlock_owner();
    return buffer;
}

void owner_leave(void)
{
    if (owner.epoch != sys_epoch())
        return; /* never used, or the copy of a forked child */
    lock_owner();
    if (owner.dir >= 0) {
        owner.dir = sys_close_safe(owner.dir);
        sys_unlinkat(owner.parent, owner.name, AT_REMOVEDIR); /* stays if spared members live in it */
        owner.parent = sys_close_safe(owner.parent);
    }
    unlock_owner();
}
