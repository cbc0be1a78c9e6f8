/*
 * Finding sites.
 */
#include "contain/site.h"

#include "base/error.h"
#include "base/text.h"
#include "contain/outpost.h"
#include "contain/place.h"
#include "contain/refusal.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

pk_delegation site_delegation(enum site_kind kind)
{
    static const pk_delegation bits[SITES] = {
        [SITE_ROOT] = PK_DELEGATION_ROOT,
        [SITE_PRESENT] = PK_DELEGATION_PRESENT,
        [SITE_LEAF] = PK_DELEGATION_LEAF,
        [SITE_SCOPE] = PK_DELEGATION_SCOPE,
    };
    return bits[kind];
}

/* ---- Whose a cgroup is ------------------------------------------------------------------------------------------ */

static bool has_mark(int dir, const char *name)
{
    char value[8];
    return sys_fgetxattr(dir, name, value, sizeof(value)) == 1 && value[0] == '1';
}

/* What has no type is the root of the hierarchy. */
bool site_is_root(int dir)
{
    return sys_faccessat(dir, "cgroup.type", 0) == -ENOENT;
}

/* Ours, in a directory that is not: somebody gave it to us. In a user's own tree everything belongs to the user. */
static bool was_given(int dir)
{
    struct stat own, above;
    return sys_geteuid() != 0 && sys_fstat(dir, &own) == 0 && own.st_uid == sys_geteuid() &&
           sys_fstatat(dir, "..", &above, 0) == 0 && above.st_uid != sys_geteuid();
}

/*
 * A service manager marks what it has delegated: one mark for everybody to see, and before systemd 251 one that only
 * the privileged see. The root of a cgroup namespace is for who lives in it.
 */
bool site_is_delegated(int dir, bool is_mount)
{
    if (site_is_root(dir))
        return false;
    return is_mount || has_mark(dir, "user.delegate") || has_mark(dir, "trusted.delegate") || was_given(dir);
}

/* ---- One after the other ---------------------------------------------------------------------------------------- */

static int find_own(struct site *site, struct place *place, pk_error *error)
{
    int r = place_find(place, error);
    if (r < 0)
        return r;
    text_copy(site->path, sizeof(site->path), place->own);
    site->dir = sys_keep(sys_openat(AT_FDCWD, place->own, O_RDONLY | O_DIRECTORY, 0));
    if (site->dir < 0)
        return error_errno(error, site->dir, PK_STEP_OPEN_CGROUP, place->own, "cannot open the own cgroup %s",
                           place->own);
    return 0;
}

int site_check_root(const struct site *site, pk_error *error)
{
    if (site_is_root(site->dir))
        return 0;
    return refuse_limits(error, site->path, "this process is not in the root of the cgroup hierarchy");
}

/* -ENOENT where nothing can be seen above. */
static int go_up(struct site *site, const struct place *place)
{
    char *slash = strrchr(site->path, '/');
    if (strcmp(place->mount, place->own) == 0 || !slash || slash == site->path)
        return -ENOENT;
    int parent = sys_keep(sys_openat(site->dir, "..", O_RDONLY | O_DIRECTORY, 0));
    if (parent < 0)
        return parent;
    *slash = '\0';
    sys_close(site->dir);
    site->dir = parent;
    return 0;
}

static bool is_delegated(const struct site *site, const struct place *place)
{
    return site_is_delegated(site->dir, strcmp(place->mount, site->path) == 0);
}

static int find_present(struct site *site, const struct place *place, pk_error *error)
{
    int r = go_up(site, place);
    if (r < 0 && r != -ENOENT)
        return error_errno(error, r, PK_STEP_OPEN_CGROUP, site->path, "cannot open the cgroup above %s", site->path);
    if (r == 0 && is_delegated(site, place))
        return 0;
    return refuse_limits(error, site->path, "this process is not in a leaf of a cgroup that was delegated to it");
}

/* A refusal may leave the site at the cgroup above. */
static int check_leaf(struct site *site, const struct place *place, pk_error *error)
{
    if (site_is_root(site->dir))
        return refuse_limits(error, site->path,
                             "this process is in the root of the cgroup hierarchy, which has no need of a leaf");
    int writable = sys_may_write(site->dir);
    if (writable == -EROFS)
        return refuse_limits(error, site->path,
                             "the own cgroup %s is read-only (give the container a writable cgroup: "
                             "a cgroup namespace of its own and /sys/fs/cgroup mounted read-write)",
                             site->path);
    if (is_delegated(site, place))
        return 0;
    if (go_up(site, place) == 0 && is_delegated(site, place))
        return refuse_limits(error, place->own, "the own cgroup is a leaf of %s already (allow the way present)",
                             site->path);
    return refuse_limits(error, place->own,
                         "the own cgroup %s is not delegated to this process (set Delegate=yes in "
                         "its unit)",
                         place->own);
}

static int find_scope(struct site *site, pk_error *error)
{
    int r = outpost_make(&site->outpost, &site->dir, error);
    if (r == 0)
        text_copy(site->path, sizeof(site->path), site->outpost->scope.path);
    return r;
}

static int find(enum site_kind kind, const struct guardians *guardians, struct site *site, pk_error *error)
{
    struct place place;
    int r = find_own(site, &place, error);
    if (r < 0)
        return r;
    switch (kind) {
    case SITE_ROOT:
        return site_check_root(site, error);
    case SITE_PRESENT:
        return find_present(site, &place, error);
    case SITE_LEAF:
        r = check_leaf(site, &place, error);
        return r < 0 ? r : leaf_enter(guardians, site, error);
    default:
        return 0;
    }
}

int site_find(enum site_kind kind, const struct guardians *guardians, struct site *site, pk_error *error)
{
    *site = (struct site){.kind = kind, .dir = -1};
    int r = kind == SITE_SCOPE ? find_scope(site, error) : find(kind, guardians, site, error);
    if (r < 0)
        site->dir = sys_close_safe(site->dir);
    return r;
}

int site_look_at_leaf(const struct guardians *guardians, struct site *site, pk_error *error)
{
    struct place place;
    *site = (struct site){.kind = SITE_LEAF, .dir = -1};
    int r = find_own(site, &place, error);
    if (r == 0)
        r = check_leaf(site, &place, error);
    if (r == 0)
        r = leaf_check(guardians, site, error);
    if (r < 0)
        site->dir = sys_close_safe(site->dir);
    return r;
}

void site_abandon(struct site *site)
{
    if (site->moved)
        leaf_return(site);
    site_close(site);
}

void site_close(struct site *site)
{
    site->dir = sys_close_safe(site->dir);
    site->moved = false;
    outpost_close(site->outpost);
    site->outpost = NULL;
}

void site_forget(struct site *site)
{
    site->dir = sys_close_safe(site->dir);
    site->moved = false;
    outpost_forget(site->outpost);
    site->outpost = NULL;
}

const char *site_remedy(const struct site *site)
{
    if (site->kind == SITE_SCOPE && !site->outpost->scope.of_system)
        return "systemctl edit user@.service, and there: [Service] Delegate=cpu cpuset io memory pids";
    if (site->kind == SITE_PRESENT || site->kind == SITE_LEAF)
        return "enable it in the cgroups above";
    return "boot with the unified hierarchy: systemd.unified_cgroup_hierarchy=1";
}
