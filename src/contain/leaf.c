/*
 * Moving this process to a leaf of its own cgroup, so that controllers can be enabled in that: a cgroup with processes
 * in it may not. The guardian of groups without limits lives where this process does, and is moved with it.
 *
 * Two owners in one cgroup are in each other's way. The lock keeps them from moving at the same time; the second finds
 * the cgroup empty of others only if the first has left, and then it is in the leaf itself, where `present` holds.
 */
#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/proc.h"
#include "contain/refusal.h"
#include "contain/site.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define LEAF_NAME "processkit-leaf"

/* Remembers a guardian that is here. */
static bool is_guardian(const struct guardians *guardians, struct site *site, pid_t pid)
{
    for (int i = 0; i < SITES; i++)
        if (guardians->pids[i] == pid) {
            site->along.pids[i] = pid;
            return true;
        }
    return false;
}

/* A process that is here beside this one and its guardians, or 0; of another pid namespace, -1. */
static int find_other(const struct guardians *guardians, struct site *site, pid_t *other)
{
    char text[4096];
    *other = 0;
    ssize_t length = sys_read_file(site->dir, "cgroup.procs", text, sizeof(text));
    if (length < 0 && length != -EFBIG)
        return (int)length;
    for (char *at = text; *at && *other == 0; at += strcspn(at, "\n"), at += *at == '\n') {
        long pid = strtol(at, NULL, 10);
        if (pid <= 0)
            *other = -1;
        else if (pid != sys_getpid() && !is_guardian(guardians, site, (pid_t)pid))
            *other = (pid_t)pid;
    }
    return 0;
}

static int refuse_other(const struct site *site, pid_t other, pk_error *error)
{
    char who[32] = "of another pid namespace";
    if (other > 0)
        snprintf(who, sizeof(who), "such as %d", other);
    return refuse_limits(error, site->path,
                         "other processes, %s, are in the own cgroup %s, and it can only be divided "
                         "when this one is alone in it (give it a service or scope of its own)",
                         who, site->path);
}

/* All of them, also after a failure. A guardian that has gone is in nobody's way. */
static int move(int dir, const struct site *site)
{
    int first = cgroup_move(dir, sys_getpid());
    for (int i = 0; i < SITES; i++) {
        int r = site->along.pids[i] ? cgroup_move(dir, site->along.pids[i]) : 0;
        if (first == 0 && r != -ESRCH)
            first = r;
    }
    return first;
}

static int move_to_leaf(const struct site *site)
{
    int r = sys_mkdirat(site->dir, LEAF_NAME, 0755);
    if (r < 0 && r != -EEXIST)
        return r;
    int leaf = sys_openat(site->dir, LEAF_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (leaf < 0)
        return leaf;
    r = move(leaf, site);
    sys_close(leaf);
    if (r < 0)
        leaf_return(site);
    return r;
}

int leaf_check(const struct guardians *guardians, struct site *site, pk_error *error)
{
    pid_t other;
    int r = find_other(guardians, site, &other);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ENABLE_LIMITS, site->path, "cannot read who is in %s", site->path);
    return other == 0 ? 0 : refuse_other(site, other, error);
}

int leaf_enter(const struct guardians *guardians, struct site *site, pk_error *error)
{
    int r = sys_flock(site->dir, LOCK_EX);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ENABLE_LIMITS, site->path, "cannot lock %s", site->path);
    r = leaf_check(guardians, site, error);
    if (r == 0) {
        r = move_to_leaf(site);
        site->moved = r == 0;
        if (r < 0)
            error_errno(error, r, PK_STEP_ENABLE_LIMITS, site->path, "cannot move this process to a leaf of %s",
                        site->path);
    }
    sys_flock(site->dir, LOCK_UN);
    return r;
}

void leaf_return(const struct site *site)
{
    if (move(site->dir, site) == 0)
        sys_unlinkat(site->dir, LEAF_NAME, AT_REMOVEDIR);
}
