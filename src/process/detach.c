/*
 * Starting a command that outlives its owner.
 */
#include "base/error.h"
#include "contain/detached.h"
#include "contain/grandchild.h"
#include "process/child.h"
#include "process/runner.h"
#include "process/spawn.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>

/* ---- What needs an owner ---------------------------------------------------------------------------------------- */

static const char *find_need(const pk_command *command)
{
    for (size_t i = 0; i < command->descriptor_count; i++)
        if (command->descriptors[i].kind == DESCRIPTOR_PIPE)
            return "a pipe to its owner";
    if (command->cancel)
        return "a token to cancel it";
    if (command->idle_timeout != 0)
        return "an idle timeout";
    if (command->pty)
        return "a terminal";
    if (command->timeout != 0)
        return "a timeout";
    if (command->leftovers != PK_LEFTOVERS_KILL)
        return "a policy for leftovers";
    return command->parent_death ? "a parent-death signal" : NULL;
}

static int check_command(const pk_command *command, pk_error *error)
{
    int r = command_check(command, error);
    if (r == 0)
        r = runner_refuse(command, "detach", error);
    if (r < 0)
        return r;
    const char *need = find_need(command);
    if (!need)
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "cannot detach a command with %s: nobody is there for it", need);
}

/* ---- The birth -------------------------------------------------------------------------------------------------- */

struct detachment {
    struct birth birth; /* the first: what the child runs on */
    int pidfd;
};

SYS_CHILD static bool became_program(const struct birth *birth)
{
    return birth->error == 0 && birth->step == PK_STEP_EXEC;
}

/* Its pid cannot be recycled before this: nobody has waited for it. One that did not become the program is waited for,
 * so that no stranger finds it; without a pidfd its start will not be known, which is no reason to end it. */
SYS_CHILD static int take_hold(void *data, pid_t pid)
{
    struct detachment *detachment = data;
    if (became_program(&detachment->birth))
        detachment->pidfd = sys_pidfd_open(pid);
    else
        sys_wait_child(pid, NULL);
    return 0;
}

static int give_birth(struct detachment *detachment, const struct plan *plan, int cgroup_fd, bool join, pid_t *pid)
{
    struct grandchild grandchild = {
        .cgroup_fd = join ? -1 : cgroup_fd,
        .run = child_run,
        .data = detachment,
        .between = take_hold,
    };
    *detachment = (struct detachment){
        .birth = {.plan = plan,
                  .join_fd = -1,
                  .count_fd = -1,
                  .lease_fd = -1,
                  .own_session = true,
                  .owner_pid = sys_getpid()},
        .pidfd = -1,
    };
    if (join) {
        detachment->birth.join_fd = sys_openat(cgroup_fd, "cgroup.procs", O_WRONLY, 0);
        if (detachment->birth.join_fd < 0)
            return detachment->birth.join_fd;
    }
    int r = grandchild_make(&grandchild);
    sys_close_safe(detachment->birth.join_fd);
    *pid = grandchild.pid;
    return r;
}

/* Whether another attempt should join by a write: no CLONE_INTO_CGROUP here, or it is killed at birth because this
 * process lives in a cgroup that was once killed. */
static bool is_for_joining(int number, const struct birth *birth)
{
    if (number == -E2BIG || number == -EINVAL || number == -ENOSYS || number == -EPERM)
        return true;
    return number == 0 && birth->error == 0 && birth->step == PK_STEP_NONE;
}

static int start_in(const struct detached_dir *dir, const struct plan *plan, pk_detached *ret, pk_error *error)
{
    struct detachment detachment;
    pid_t pid = 0;
    bool join = !spawn_uses_clone_into_cgroup();
    int r = give_birth(&detachment, plan, dir->fd, join, &pid);
    if (!join && is_for_joining(r, &detachment.birth))
        r = give_birth(&detachment, plan, dir->fd, true, &pid);

    const struct birth *birth = &detachment.birth;
    if (r < 0) {
        error_errno(error, r, PK_STEP_CLONE, NULL, "cannot start a process");
    } else if (birth->error < 0) {
        r = spawn_explain(plan, birth->step, birth->error, birth->candidate, error);
    } else if (!became_program(birth)) {
        r = error_set(error, -ECANCELED, PK_ERROR_SPAWN, birth->step, NULL,
                      "cannot start a process: it was killed before it could become the program");
    } else {
        detached_settle(dir, pid, detachment.pidfd);
        detached_describe(dir->fd, dir->path, ret);
    }
    sys_close_safe(detachment.pidfd);
    return r;
}

static int detach(const struct plan *plan, const char *name, pk_detached *ret, pk_error *error)
{
    enum { MOST_TRIES = 4 };
    int r = -ENOENT;
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        struct detached_dir dir;
        r = detached_make(&dir, name, error);
        if (r < 0)
            return r;
        pk_error why;
        r = start_in(&dir, plan, ret, &why);
        if (r < 0)
            detached_discard(&dir);
        detached_close(&dir);
        bool deleted = (r == -ENODEV || r == -ENOENT) && why.step == PK_STEP_CLONE; /* under us */
        if (r < 0 && error)
            *error = why;
        if (!deleted)
            break;
    }
    return r;
}

int pk_command_detach(const pk_command *command, const char *name, pk_detached *detached, pk_error *error)
{
    struct plan plan;
    pk_detached made;
    int r = check_command(command, error);
    if (r == 0)
        r = detached_check_name(name, error);
    if (r == 0)
        r = plan_make(&plan, command, false, error);
    if (r < 0)
        return r;
    r = detach(&plan, name, &made, error);
    plan_free(&plan);
    if (r == 0 && detached)
        *detached = made;
    return r;
}
