/*
 * The homes of this process, and the lock that keeps threads and forks apart.
 */
#include "contain/owner.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/fork-lock.h"
#include "contain/home.h"
#include "contain/mark.h"
#include "contain/outpost.h"
#include "sys/sys.h"

#include <processkit/guardian.h>

#include <errno.h>
#include <stdio.h>

static void let_go(void);

static struct {
    struct fork_lock lock;
    struct home homes[SITES];
} owner = {
    .lock = FORK_LOCK_INIT(let_go, true),
    .homes = {HOME_INIT, HOME_INIT, HOME_INIT, HOME_INIT, HOME_INIT},
};

/* In a forked child. */
static void let_go(void)
{
    for (int i = 0; i < SITES; i++)
        home_let_go(&owner.homes[i]);
}

static void lock_owner(void)
{
    fork_lock_take(&owner.lock);
}

static void unlock_owner(void)
{
    fork_lock_release(&owner.lock);
}

/* Limits in the root of the hierarchy need no home of their own: where the own cgroup is the root, there is one. */
static struct home *home_at(enum site_kind site)
{
    return &owner.homes[site == SITE_ROOT ? SITE_OWN : site];
}

static struct home *home_of(const struct owner_entry *entry)
{
    return home_at(entry->site);
}

static bool is_guarded(const struct home *home)
{
    return home->dir >= 0 && guardian_link_is_up(&home->guardian);
}

/* Those that live: the number of another may be somebody else's by now. */
static struct guardians find_guardians(void)
{
    struct guardians found = {0};
    for (int i = 0; i < SITES; i++)
        if (is_guarded(&owner.homes[i]) && !guardian_is_lost(&owner.homes[i].guardian.guardian))
            found.pids[i] = owner.homes[i].guardian.guardian.pid;
    return found;
}

static int ensure_home(enum site_kind site, pk_error *error)
{
    struct guardians guardians = {0};
    if (site == SITE_LEAF) /* no other moves anybody */
        guardians = find_guardians();
    return home_ensure(home_at(site), site, &guardians, error);
}

/* ---- Entries ---------------------------------------------------------------------------------------------------- */

int owner_make_entry(enum site_kind site, struct owner_entry *entry, pk_error *error)
{
    struct home *home = home_at(site);
    lock_owner();
    int r = ensure_home(site, error);
    if (r == 0) {
        r = home_make_entry(home, entry);
        if (r == -ENOENT) { /* deleted under us: begin anew, once */
            home_lose(home);
            r = ensure_home(site, error);
            if (r == 0)
                r = home_make_entry(home, entry);
        }
        if (r < 0)
            error_errno(error, r, PK_STEP_MAKE_CGROUP, home->site.path, "cannot make a cgroup in %s/%s",
                        home->site.path, home->name);
        entry->site = site;
    }
    unlock_owner();
    return r;
}

int owner_make_entry_in(const struct owner_entry *outer, unsigned number, struct owner_entry *entry, pk_error *error)
{
    struct home *home = home_of(outer);
    lock_owner();
    int r = home_has(home, outer) ? home_make_entry_in(home, outer, number, entry) : -ENOENT;
    if (r < 0)
        error_errno(error, r, PK_STEP_MAKE_CGROUP, home->site.path, "cannot make a cgroup in %s/%s/%s", home->site.path,
                    home->name, outer->name);
    entry->site = outer->site;
    unlock_owner();
    return r;
}

bool owner_take_idle(enum site_kind site, struct owner_entry *entry)
{
    struct home *home = home_at(site);
    lock_owner();
    bool taken = home->dir >= 0 && ensure_home(site, NULL) == 0 && idle_take(&home->idle, entry);
    unlock_owner();
    return taken;
}

bool owner_keeps_entries(const struct owner_entry *entry)
{
    const struct home *home = home_of(entry);
    lock_owner();
    bool keeps = home_has(home, entry) && home->idle.count < IDLE_MOST;
    unlock_owner();
    return keeps;
}

bool owner_park_entry(const struct owner_entry *entry)
{
    struct home *home = home_of(entry);
    lock_owner();
    bool parked = home_has(home, entry) && idle_park(&home->idle, entry);
    unlock_owner();
    return parked;
}

void owner_close_entry(const struct owner_entry *entry)
{
    sys_close_safe(entry->fd);
    sys_close_safe(entry->events);
    sys_close_safe(entry->stat);
}

bool owner_tidy(void)
{
    bool any = false;
    lock_owner();
    for (int i = 0; i < SITES; i++) {
        any |= owner.homes[i].idle.count > 0;
        idle_drop(&owner.homes[i].idle, owner.homes[i].dir);
    }
    unlock_owner();
    return any;
}

int owner_remove_entry(const struct owner_entry *entry)
{
    struct home *home = home_of(entry);
    lock_owner();
    bool present = home_has(home, entry);
    int r = present ? cgroup_remove(home->dir, entry->name) : 0;
    if (present && r == 0)
        guardian_link_forget(&home->guardian, home->site.dir, home->name, entry->name);
    unlock_owner();
    return r;
}

bool owner_has_outpost(enum site_kind site)
{
    lock_owner();
    bool has = home_at(site)->site.outpost;
    unlock_owner();
    return has;
}

struct spawner *owner_enter(const struct owner_entry *entry, bool apart)
{
    struct home *home = home_of(entry);
    lock_owner();
    struct spawner *spawner = home_has(home, entry) ? outpost_enter(home->site.outpost, apart) : NULL;
    unlock_owner();
    return spawner;
}

void owner_quit(struct spawner *spawner)
{
    if (!spawner)
        return;
    lock_owner();
    outpost_leave(spawner);
    unlock_owner();
}

/* ---- The guardians ---------------------------------------------------------------------------------------------- */

void owner_spare_entry(const struct owner_entry *entry, bool spare)
{
    lock_owner();
    home_tell(home_of(entry), entry, spare ? GUARDIAN_SPARE : GUARDIAN_UNSPARE);
    mark_spared(entry->fd, spare); /* for whoever finds the directory when owner and guardian are both gone */
    unlock_owner();
}

void owner_hand_over(const struct owner_entry *entry)
{
    lock_owner();
    home_tell(home_of(entry), entry, GUARDIAN_TAKE);
    unlock_owner();
}

static void check_guard(struct home *home)
{
    if (home->dir >= 0)
        guardian_link_check(&home->guardian, home->site.dir, home->name);
}

bool owner_is_guarded(enum site_kind site)
{
    lock_owner();
    bool guarded = is_guarded(home_at(site));
    unlock_owner();
    return guarded;
}

unsigned owner_guard_losses(enum site_kind site)
{
    lock_owner();
    unsigned losses = home_at(site)->guardian.losses;
    unlock_owner();
    return losses;
}

void owner_check_guard(enum site_kind site)
{
    lock_owner();
    check_guard(home_at(site));
    unlock_owner();
}

int owner_guard_fd(enum site_kind site)
{
    const struct home *home = home_at(site);
    lock_owner();
    int fd = home->dir >= 0 ? home->guardian.guardian.control : -1;
    unlock_owner();
    return fd;
}

int owner_open_guard(enum site_kind site)
{
    struct home *home = home_at(site);
    int pidfd = -ESRCH;
    lock_owner();
    if (is_guarded(home))
        pidfd = guardian_open(&home->guardian.guardian);
    if (pidfd == -ESRCH) {
        check_guard(home);
        if (is_guarded(home))
            pidfd = guardian_open(&home->guardian.guardian);
    }
    unlock_owner();
    return pidfd;
}

const char *owner_guard_refusal(enum site_kind site, char *buffer, size_t size)
{
    lock_owner();
    snprintf(buffer, size, "%s", home_at(site)->guardian.refusal);
    unlock_owner();
    return buffer;
}

static bool has_home(void)
{
    for (int i = 0; i < SITES; i++)
        if (owner.homes[i].dir >= 0)
            return true;
    return false;
}

int pk_guardian_enable(bool enable, pk_error *error)
{
    int r = 0;
    lock_owner();
    if (has_home() && owner.homes[0].guardian.off == enable)
        r = error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_GUARDIAN, NULL,
                      "cannot switch the guardian %s: this process has groups already (do it before the first)",
                      enable ? "on" : "off");
    for (int i = 0; i < SITES && r == 0; i++)
        owner.homes[i].guardian.off = !enable;
    unlock_owner();
    return r;
}

pid_t pk_guardian_pid(void)
{
    pid_t pid = 0;
    lock_owner();
    for (int i = 0; i < SITES && pid == 0; i++)
        pid = owner.homes[i].guardian.guardian.pid;
    unlock_owner();
    return pid;
}

unsigned pk_guardian_losses(void)
{
    unsigned losses = 0;
    lock_owner();
    for (int i = 0; i < SITES; i++)
        losses += owner.homes[i].guardian.losses;
    unlock_owner();
    return losses;
}

/* ---- For limits and for people ---------------------------------------------------------------------------------- */

bool owner_has_home(enum site_kind site)
{
    const struct home *home = home_at(site);
    lock_owner();
    bool has = home->dir >= 0 && (site != SITE_ROOT || site_is_root(home->site.dir));
    unlock_owner();
    return has;
}

int owner_enable(enum site_kind site, const char *const *controllers, size_t count, pk_error *error)
{
    struct home *home = home_at(site);
    lock_owner();
    bool fresh = home->dir < 0;
    int r = ensure_home(site, error);
    if (r == 0 && site == SITE_ROOT)
        r = site_check_root(&home->site, error);
    if (r == 0)
        r = home_enable(home, controllers, count, error);
    if (r < 0 && fresh && home->dir >= 0)
        home_give_up(home);
    unlock_owner();
    return r;
}

int owner_read_controllers(enum site_kind site, char *buffer, size_t size)
{
    const struct home *home = home_at(site);
    lock_owner();
    int r = home->dir < 0 ? -ENOENT : controllers_read(home->site.dir, buffer, size);
    unlock_owner();
    return r;
}

int owner_look_at_leaf(struct site *site, pk_error *error)
{
    lock_owner();
    struct guardians guardians = find_guardians();
    int r = site_look_at_leaf(&guardians, site, error);
    unlock_owner();
    return r;
}

void owner_give_up(enum site_kind site)
{
    struct home *home = home_at(site);
    lock_owner();
    if (home->dir >= 0)
        home_give_up(home);
    unlock_owner();
}

const char *owner_format_path(const struct owner_entry *entry, char *buffer, size_t size)
{
    const struct home *home = home_of(entry);
    lock_owner();
    snprintf(buffer, size, "%s/%s/%s", home->site.path, home->name, entry->name);
    unlock_owner();
    return buffer;
}

void owner_leave(void)
{
    if (!fork_lock_is_used(&owner.lock))
        return; /* never used, or the copy of a forked child */
    lock_owner();
    for (int i = 0; i < SITES; i++)
        home_leave(&owner.homes[i]);
    unlock_owner();
}
