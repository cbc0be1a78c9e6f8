/*
 * Putting a spawner into a scope.
 *
 * The scope and what is in it belong to this user, so this process makes the leaf and moves the spawner there by
 * itself; only the way into the scope is the manager's to open.
 */
#include "contain/outpost.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/place.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_NAME "processkit-spawner"

/* ---- Into the leaf ---------------------------------------------------------------------------------------------- */

static int enter_leaf(const struct outpost *outpost, int dir)
{
    int r = sys_mkdirat(dir, LEAF_NAME, 0755);
    int leaf = r < 0 ? r : sys_openat(dir, LEAF_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (leaf < 0)
        return leaf;
    r = cgroup_move(leaf, outpost->spawner.pid);
    sys_close(leaf);
    return r;
}

static int settle(const struct outpost *outpost, int *dir, pk_error *error)
{
    const char *path = outpost->scope.path;
    int opened = *dir = sys_keep(sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0));
    int r = opened < 0 ? opened : enter_leaf(outpost, opened);
    if (r == 0)
        return 0;
    *dir = sys_close_safe(*dir);
    return error_errno(error, r, PK_STEP_ENABLE_LIMITS, path, "cannot divide the scope %s", path);
}

/* ---- Who starts ------------------------------------------------------------------------------------------------- */

/* How much of two paths is the same, in whole names. */
static size_t common(const char *a, const char *b)
{
    size_t i = 0, slash = 0;
    for (; a[i] != '\0' && a[i] == b[i]; i++)
        if (a[i] == '/')
            slash = i;
    bool whole = (a[i] == '\0' || a[i] == '/') && (b[i] == '\0' || b[i] == '/');
    return whole ? i : slash;
}

/* To clone into another cgroup takes the right to move processes in the one where the ways to both part. */
static bool may_start(const char *own, const char *scope)
{
    char procs[PATH_MAX + 16];
    snprintf(procs, sizeof(procs), "%.*s/cgroup.procs", (int)common(own, scope), scope);
    return cgroup_may_write(AT_FDCWD, procs) == 0;
}

static int decide(struct outpost *outpost, pk_error *error)
{
    struct place place;
    int r = place_find(&place, error);
    outpost->needed = r == 0 && !may_start(place.own, outpost->scope.path);
    return r;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

int outpost_make(struct outpost **ret, int *dir, pk_error *error)
{
    struct outpost *outpost = calloc(1, sizeof(*outpost));
    if (!outpost)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot ask for a scope");
    int r = spawner_start(&outpost->spawner, error);
    if (r < 0) {
        free(outpost);
        return r;
    }
    r = scope_make(outpost->spawner.pid, &outpost->scope, error);
    if (r == 0)
        r = decide(outpost, error);
    if (r == 0)
        r = settle(outpost, dir, error);
    if (r < 0) {
        outpost_close(outpost);
        return r;
    }
    *ret = outpost;
    return 0;
}

static void release(struct outpost *outpost)
{
    if (outpost->users > 0)
        return;
    spawner_stop(&outpost->spawner);
    free(outpost);
}

void outpost_close(struct outpost *outpost)
{
    if (!outpost)
        return;
    outpost->closed = true;
    release(outpost);
}

bool outpost_is_lost(const struct outpost *outpost)
{
    return spawner_is_lost(&outpost->spawner);
}

struct spawner *outpost_enter(struct outpost *outpost, bool apart)
{
    bool wanted = outpost && (outpost->needed || (apart && !outpost_is_lost(outpost)));
    if (!wanted)
        return NULL;
    outpost->users++;
    return &outpost->spawner;
}

void outpost_leave(struct spawner *spawner)
{
    struct outpost *outpost = (struct outpost *)((char *)spawner - offsetof(struct outpost, spawner));
    outpost->users--;
    if (outpost->closed)
        release(outpost);
}

/* Those who use it are threads of the parent, which are not here. */
void outpost_forget(struct outpost *outpost)
{
    if (!outpost)
        return;
    spawner_forget(&outpost->spawner);
    free(outpost);
}
