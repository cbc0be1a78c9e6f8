/*
 * Making, marking and removing the owner directory and its entries.
 */
#include "contain/owner.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/fork-lock.h"
#include "contain/guardian-link.h"
#include "contain/mark.h"
#include "contain/place.h"
#include "sys/sys.h"

#include <processkit/guardian.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

enum { MOST_TRIES = 32 }; /* for a name that is taken; any other error counts at once */

static void let_go(void);

static struct {
    struct fork_lock lock;
    uint64_t generation; /* changes with each owner directory */
    uint64_t salt;       /* tells apart owners with a recycled pid: the wall clock of the first use */
    unsigned names;      /* given out so far */
    unsigned entries;    /* likewise */
    int dir;             /* -1: not made */
    int parent;
    char name[64];
    struct place place;
    struct guardian_link guardian;
} owner = {.lock = FORK_LOCK_INIT(let_go, true), .dir = -1, .parent = -1, .guardian = GUARDIAN_LINK_INIT};

/* In a forked child. An open copy would keep the parent's lock alive after its death, and hide from the guardian that
 * the parent has become another program. */
static void let_go(void)
{
    owner.dir = sys_close_safe(owner.dir);
    owner.parent = sys_close_safe(owner.parent);
    guardian_link_end(&owner.guardian);
    owner.guardian.losses = 0;
    owner.salt = 0;
}

static void lock_owner(void)
{
    fork_lock_take(&owner.lock);
}

static void unlock_owner(void)
{
    fork_lock_release(&owner.lock);
}

/* ---- The owner directory ---------------------------------------------------------------------------------------- */

static int make_name(pk_error *error)
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
        r = guardian_link_begin(&owner.guardian, owner.parent, owner.name, error);
    }
    return r;
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
        r = mark_write(owner.dir); /* after the lock: who sees the mark may judge by the lock */
    if (r == 0)
        r = check_type();
    return r;
}

static int make_directory(pk_error *error)
{
    pk_error why = {0};
    int r = place_find(&owner.place, error);
    if (r < 0)
        return r;
    owner.parent = sys_keep(sys_openat(AT_FDCWD, owner.place.own, O_RDONLY | O_DIRECTORY, 0));
    if (owner.parent < 0)
        return error_errno(error, owner.parent, PK_STEP_OPEN_CGROUP, owner.place.own, "cannot open the own cgroup %s",
                           owner.place.own);
    r = sys_may_write(owner.parent); /* cheaper to ask than to let a guardian find out */
    r = r == -EACCES || r == -EROFS ? r : make_name(&why);
    if (r < 0 && why.step == PK_STEP_GUARDIAN) {
        if (error)
            *error = why;
        return r;
    }
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
    guardian_link_end(&owner.guardian);
    return r;
}

static int ensure_directory(pk_error *error)
{
    if (owner.dir >= 0) {
        guardian_link_check(&owner.guardian, owner.parent, owner.name);
        return 0;
    }
    guardian_link_end(&owner.guardian); /* of a directory that was deleted under us */
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
    bool present = owner.dir >= 0 && entry->generation == owner.generation;
    int r = present ? cgroup_remove(owner.dir, entry->name) : 0;
    if (present && r == 0)
        guardian_link_forget(&owner.guardian, owner.parent, owner.name, entry->name);
    unlock_owner();
    return r;
}

/* ---- The guardian ----------------------------------------------------------------------------------------------- */

static void tell(const struct owner_entry *entry, enum guardian_kind kind)
{
    if (owner.dir >= 0 && entry->generation == owner.generation)
        guardian_link_tell(&owner.guardian, owner.parent, owner.name, kind, entry->name);
}

void owner_spare_entry(const struct owner_entry *entry, bool spare)
{
    lock_owner();
    tell(entry, spare ? GUARDIAN_SPARE : GUARDIAN_UNSPARE);
    mark_spared(entry->fd, spare); /* for whoever finds the directory when owner and guardian are both gone */
    unlock_owner();
}

void owner_hand_over(const struct owner_entry *entry)
{
    lock_owner();
    tell(entry, GUARDIAN_TAKE);
    unlock_owner();
}

bool owner_is_guarded(void)
{
    lock_owner();
    bool guarded = owner.dir >= 0 && guardian_link_is_up(&owner.guardian);
    unlock_owner();
    return guarded;
}

unsigned owner_guard_losses(void)
{
    lock_owner();
    unsigned losses = owner.guardian.losses;
    unlock_owner();
    return losses;
}

void owner_check_guard(void)
{
    lock_owner();
    if (owner.dir >= 0)
        guardian_link_check(&owner.guardian, owner.parent, owner.name);
    unlock_owner();
}

int owner_guard_fd(void)
{
    lock_owner();
    int fd = owner.dir >= 0 ? owner.guardian.guardian.control : -1;
    unlock_owner();
    return fd;
}

int owner_open_guard(void)
{
    int pidfd = -ESRCH;
    lock_owner();
    if (owner.dir >= 0 && guardian_link_is_up(&owner.guardian))
        pidfd = guardian_open(&owner.guardian.guardian);
    if (pidfd == -ESRCH && owner.dir >= 0) {
        guardian_link_check(&owner.guardian, owner.parent, owner.name);
        if (guardian_link_is_up(&owner.guardian))
            pidfd = guardian_open(&owner.guardian.guardian);
    }
    unlock_owner();
    return pidfd;
}

const char *owner_guard_refusal(char *buffer, size_t size)
{
    lock_owner();
    snprintf(buffer, size, "%s", owner.guardian.refusal);
    unlock_owner();
    return buffer;
}

int pk_guardian_enable(bool enable, pk_error *error)
{
    int r = 0;
    lock_owner();
    if (owner.dir >= 0 && owner.guardian.off == enable)
        r = error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_GUARDIAN, NULL,
                      "cannot switch the guardian %s: this process has groups already (do it before the first)",
                      enable ? "on" : "off");
    else
        owner.guardian.off = !enable;
    unlock_owner();
    return r;
}

pid_t pk_guardian_pid(void)
{
    lock_owner();
    pid_t pid = owner.guardian.guardian.pid;
    unlock_owner();
    return pid;
}

unsigned pk_guardian_losses(void)
{
    return owner_guard_losses();
}

/* ---- For limits and for people ---------------------------------------------------------------------------------- */

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
    if (!fork_lock_is_used(&owner.lock))
        return; /* never used, or the copy of a forked child */
    lock_owner();
    if (owner.dir >= 0) {
        owner.dir = sys_close_safe(owner.dir);
        if (sys_unlinkat(owner.parent, owner.name, AT_REMOVEDIR) == 0)
            guardian_link_dismiss(&owner.guardian);
        else
            guardian_link_end(&owner.guardian); /* something lives in it: the guardian's now */
        owner.parent = sys_close_safe(owner.parent);
    }
    unlock_owner();
}
