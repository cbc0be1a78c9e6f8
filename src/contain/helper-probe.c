/*
 * Finding out whether the helper can be run, by running it.
 */
#include "base/error.h"
#include "contain/grandchild.h"
#include "contain/helper-image.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

/* Without a role it ends at once, with this. */
enum { NO_ROLE = 125 };

struct probe {
    struct helper_image image;
    const char *call;
    int error;
    int status;
};

SYS_CHILD static int run_probe(void *data)
{
    struct probe *probe = data;
    char *argv[] = {(char[]){"processkit-helper"}, NULL};
    probe->call = NULL;
    probe->error = helper_exec(&probe->image, argv);
    sys_exit(NO_ROLE + 1);
}

SYS_CHILD static int await_probe(void *data, pid_t pid)
{
    struct probe *probe = data;
    int r = sys_wait_child(pid, &probe->status);
    return r < 0 ? r : 0;
}

static int probe_anew(const char *role, pk_error *error)
{
    struct probe probe = {.call = "clone"};
    struct grandchild grandchild = {.cgroup_fd = -1, .run = run_probe, .between = await_probe, .data = &probe};
    int r = helper_image_open(&probe.image);
    if (r == 0)
        r = grandchild_make(&grandchild);
    helper_image_close(&probe.image);
    if (r == 0)
        r = probe.error;
    if (r < 0)
        return helper_explain(&probe.image, probe.call, r, role, error);
    if (WIFEXITED(probe.status) && WEXITSTATUS(probe.status) == NO_ROLE)
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_GUARDIAN, NULL,
                     "no %s can be started: the helper was killed (does a seccomp filter do that?)", role);
}

int helper_probe(const char *role, pk_error *error)
{
    static atomic_bool runs; /* a refusal is asked for again: it comes before any group that would need it */
    if (runs)
        return 0;
    int r = probe_anew(role, error);
    runs = r == 0;
    return r;
}

/*
 * After unshare(CLONE_NEWPID) the next child is the first process of the new namespace, and everything there ends with
 * it. That must not be one of ours: a process between, which ends at once, or a reaper. As long as there is none, the
 * link leads nowhere.
 */
static bool makes_children_elsewhere(void)
{
    struct stat own, childrens;
    if (sys_fstatat(AT_FDCWD, "/proc/thread-self/ns/pid", &own, 0) < 0)
        return false;
    int r = sys_fstatat(AT_FDCWD, "/proc/thread-self/ns/pid_for_children", &childrens, 0);
    return r < 0 ? r == -ENOENT : own.st_ino != childrens.st_ino;
}

int helper_check_place(const char *role, pk_error *error)
{
    if (!makes_children_elsewhere())
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_GUARDIAN, NULL,
                     "no %s can be started: the children of this process are in another pid namespace (make groups "
                     "before unshare, or in a process that is in there)",
                     role);
}
