/*
 * What this host gives, found out by trying.
 */
#include "base/error.h"
#include "base/text.h"
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/group.h"
#include "contain/limits.h"
#include "contain/place.h"
#include "contain/refusal.h"
#include "sys/sys.h"

#include <processkit/host.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void set_text(char *place, const char *text)
{
    text_copy(place, PK_HOST_TEXT_SIZE, text);
}

/* Splits "what failed: why (what to do)" into what a rung says. */
static void split_reason(const char *message, char *reason, char *remedy)
{
    set_text(reason, message);
    size_t length = strlen(reason);
    char *open = strrchr(reason, '(');
    if (!open || length == 0 || reason[length - 1] != ')')
        return;
    reason[length - 1] = '\0';
    set_text(remedy, open + 1);
    while (open > reason && open[-1] == ' ')
        open--;
    *open = '\0';
}

static void take_reason(pk_rung *rung, const char *message)
{
    split_reason(message, rung->reason, rung->remedy);
}

static void remedy_by_step(pk_rung *rung, const pk_error *error)
{
    if (rung->remedy[0] != '\0')
        return;
    if (error->number == -EROFS)
        set_text(rung->remedy, "give the container a writable cgroup: a cgroup namespace of its own and /sys/fs/cgroup "
                               "mounted read-write");
    else if (error->number == -EACCES || error->number == -EPERM)
        set_text(rung->remedy,
                 "run in a cgroup that is delegated to this user: in a user session, or a service or scope "
                 "with Delegate=yes");
}

/* Failures that say nothing about the host. */
static bool says_nothing(int number)
{
    return number == -ENOMEM || number == -EMFILE || number == -ENFILE;
}

static int examine_rung(pk_host *host, const char *name, pk_mechanism mechanism, unsigned require, pk_group **keep,
                        pk_error *error)
{
    pk_rung *rung = &host->rungs[host->rung_count++];
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_error why = {0};

    *rung = (pk_rung){.name = name};
    options.mechanism = mechanism;
    options.require = require;
    pk_group *group = NULL;
    int r = pk_group_create(&options, &group, &why);
    if (r == 0) {
        rung->available = true;
        rung->guarantees = pk_group_guarantees(group);
        if (pk_group_refusal(group)) /* what it lacks: a guardian */
            take_reason(rung, pk_group_refusal(group));
        if (require == 0 && host->mechanism == PK_MECHANISM_AUTO) { /* the first that nothing was asked of */
            host->mechanism = mechanism;
            host->guarantees = rung->guarantees;
        }
        *keep = group;
        return 0;
    }
    if (says_nothing(r)) {
        if (error)
            *error = why;
        return r;
    }
    if (require != 0 && why.step == PK_STEP_ENABLE_LIMITS)
        set_text(rung->reason, "there is no way to have controllers, see below");
    else
        take_reason(rung, why.message);
    remedy_by_step(rung, &why);
    return 0;
}

/* ---- Ways to have controllers ----------------------------------------------------------------------------------- */

static int look_at_leaf(pk_way *way, pk_error *error)
{
    struct site site;
    int r = owner_look_at_leaf(&site, error);
    if (r == 0)
        controllers_read(site.dir, way->controllers, sizeof(way->controllers));
    if (r == 0)
        r = controllers_check(site.dir, site.path, site_remedy(&site), limits_all, LIMITS_REQUIRED, error);
    site_close(&site);
    return r;
}

static int try_way(enum site_kind site, pk_way *way, pk_error *error)
{
    bool had = owner_has_home(site);
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_CGROUP2;
    options.require = PK_GUARANTEE_LIMITS;
    options.delegations = way->delegation;
    pk_group *group = NULL;
    int r = pk_group_create(&options, &group, error);
    if (r == 0)
        owner_read_controllers(site, way->controllers, sizeof(way->controllers));
    pk_group_free(group);
    if (!had)
        owner_give_up(site);
    return r;
}

static int examine_way(pk_host *host, enum site_kind site, pk_error *error)
{
    pk_way *way = &host->ways[host->way_count++];
    pk_error why = {0};

    *way = (pk_way){.delegation = site_delegation(site)};
    int r = site == SITE_LEAF ? look_at_leaf(way, &why) : try_way(site, way, &why);
    if (says_nothing(r)) {
        if (error)
            *error = why;
        return r;
    }
    way->available = r == 0;
    if (r < 0)
        split_reason(refusal_reason(why.message), way->reason, way->remedy);
    if (r == 0 && host->delegation == 0 && way->delegation & PK_DELEGATION_DEFAULT)
        host->delegation = way->delegation;
    return 0;
}

static int examine_ways(pk_host *host, pk_error *error)
{
    int r = 0;
    for (int site = SITE_ROOT; site < SITES && r == 0; site++)
        r = examine_way(host, (enum site_kind)site, error);
    return r;
}

static void examine_place(pk_host *host)
{
    struct place place;
    if (place_find(&place, NULL) < 0)
        return;
    set_text(host->cgroup_mount, place.mount);
    set_text(host->cgroup_own, place.own);
    int dir = sys_openat(AT_FDCWD, place.own, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return;
    char text[PK_HOST_TEXT_SIZE];
    if (sys_read_file(dir, "cgroup.controllers", text, sizeof(text)) >= 0) {
        text[strcspn(text, "\n")] = '\0';
        set_text(host->controllers, text);
    }
    sys_close(dir);
}

/* ---- Features --------------------------------------------------------------------------------------------------- */

static void add_feature(pk_host *host, const char *name, bool available, const char *without)
{
    host->features[host->feature_count++] = (pk_feature){name, available, without};
}

static bool has_file(pk_group *group, const char *name)
{
    return group && group->dirs && sys_faccessat(group->dirs->entry.fd, name, 0) == 0;
}

/* Calls that cannot work tell whether they exist: the kernel looks at their arguments only if it knows them. */
static bool knows_clone3(void)
{
    struct clone_args nothing = {0};
    return sys_clone3(&nothing, 1, NULL, NULL) == -EINVAL;
}

static bool knows_clone_into_cgroup(void)
{
    struct clone_args args = {.flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)INT32_MAX};
    return sys_clone3(&args, CLONE_ARGS_SIZE_VER2, NULL, NULL) == -EBADF;
}

static bool knows_close_range(void)
{
    return sys_close_range(2, 1, 0) == -EINVAL;
}

static bool knows_exit_status(void)
{
    int self = sys_pidfd_open(sys_getpid());
    if (self < 0)
        return false;
    int status;
    bool known = sys_pidfd_exit_status(self, &status) == -ENODATA;
    sys_close(self);
    return known;
}

static void examine_features(pk_host *host, pk_group *cgroup)
{
    add_feature(host, "clone3", knows_clone3(), "children are made by clone");
    add_feature(host, "clone-into-cgroup", knows_clone_into_cgroup(),
                "children enter their cgroup by a write, which is slower");
    add_feature(host, "close_range", knows_close_range(), "descriptors are closed one by one");
    add_feature(host, "pidfd-exit-status", knows_exit_status(), "a status taken by a foreign wait is reported as lost");
    if (!cgroup)
        return;
    add_feature(host, "cgroup.kill", has_file(cgroup, "cgroup.kill"), "members are frozen and killed one by one");
    add_feature(host, "cgroup.freeze", has_file(cgroup, "cgroup.freeze"),
                "a group is suspended by SIGSTOP, which members see");
    add_feature(host, "memory.peak", has_file(cgroup, "memory.peak"), "peak memory is known of living members only");
    add_feature(host, "pids.peak", has_file(cgroup, "pids.peak"), "the peak number of processes is not known");
}

/* ---- Everything ------------------------------------------------------------------------------------------------- */

static int examine_rungs(pk_host *host, pk_group **limited, pk_group **plain, pk_error *error)
{
    pk_group *fallback = NULL, *reaper = NULL;
    int r = examine_rung(host, "cgroup2 with limits", PK_MECHANISM_CGROUP2, PK_GUARANTEE_LIMITS, limited, error);
    if (r == 0)
        r = examine_rung(host, "cgroup2", PK_MECHANISM_CGROUP2, 0, plain, error);
    if (r == 0)
        r = examine_rung(host, "reaper", PK_MECHANISM_REAPER, 0, &reaper, error);
    if (r == 0)
        r = examine_rung(host, "process_group", PK_MECHANISM_PROCESS_GROUP, 0, &fallback, error);
    pk_group_free(reaper);
    pk_group_free(fallback);
    return r;
}

int pk_host_examine(pk_host *ret, pk_error *error)
{
    pk_host host = {0};
    pk_group *limited = NULL, *plain = NULL;

    int r = examine_rungs(&host, &limited, &plain, error);
    if (r == 0)
        r = examine_ways(&host, error);
    if (r == 0) {
        examine_place(&host);
        examine_features(&host, limited ? limited : plain);
        *ret = host;
    }
    pk_group_free(limited);
    pk_group_free(plain);
    return r;
}
