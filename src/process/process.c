/*
 * Starting commands, and the handle that stands for a started one.
 */
#include "process/process.h"

#include "base/error.h"
#include "base/time.h"
#include "contain/owner.h"
#include "process/spawn.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Starting --------------------------------------------------------------------------------------------------- */

/* Starts the command and fills in the handle, which is freed by the caller if that fails. */
static int launch(pk_process *process, pk_group *group, bool private_group, const pk_command *command, pk_error *error)
{
    struct plan plan;
    int r = plan_make(&plan, command, error);
    if (r < 0)
        return r;
    struct leader *leader = leader_new();
    if (!leader) {
        plan_free(&plan);
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    }
    struct run_before before;
    run_look_before(&before, group, private_group, command);
    r = spawn(group, &plan, leader, error);
    if (r == 0) {
        run_begin(&process->run, group, private_group, leader, command, &before);
        process->pipes = plan.pipes;
        process->pipe_count = plan.pipe_count;
        plan.pipes = NULL;
        plan.pipe_count = 0;
    } else {
        leader_unref(leader);
    }
    plan_free(&plan);
    return r;
}

static int start(pk_group *group, bool private_group, const pk_command *command, pk_process **ret, pk_error *error)
{
    pk_process *process = calloc(1, sizeof(*process));
    if (!process)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    int r = launch(process, group, private_group, command, error);
    if (r < 0) {
        free(process);
        return r;
    }
    *ret = process;
    return 0;
}

int pk_group_spawn(pk_group *group, const pk_command *command, pk_process **process, pk_error *error)
{
    int r = command_check(command, error);
    if (r == 0)
        r = group_check_owner(group, error);
    return r < 0 ? r : start(group, false, command, process, error);
}

int pk_command_start(const pk_command *command, pk_process **process, pk_error *error)
{
    pk_group *group;
    int r = command_check(command, error);
    if (r == 0)
        r = pk_group_create(command->contain, &group, error);
    if (r < 0)
        return r;
    r = start(group, true, command, process, error);
    if (r < 0)
        pk_group_free(group);
    return r;
}

int pk_command_status(const pk_command *command, pk_result *result, pk_error *error)
{
    pk_process *process;
    int r = pk_command_start(command, &process, error);
    if (r < 0)
        return r;
    r = pk_process_wait(process, PK_FOREVER, result, error);
    pk_process_free(process);
    return r;
}

pk_process *pk_process_free(pk_process *process)
{
    if (!process)
        return NULL;
    pk_group *group = process->run.group;
    bool inert = group->epoch != sys_epoch();

    process_unwatch(process);
    run_end(&process->run);
    for (size_t i = 0; i < process->pipe_count; i++)
        sys_close_safe(process->pipes[i].fd);
    free(process->pipes);
    if (!inert) /* in a forked child the leader and the group belong to the parent */
        leader_unref(process->run.leader);
    if (process->run.private_group)
        pk_group_free(group);
    free(process);
    return NULL;
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

pid_t pk_process_pid(const pk_process *process)
{
    return process->run.leader->pid;
}

int pk_process_pidfd(const pk_process *process)
{
    return process->run.leader->pidfd;
}

pk_group *pk_process_group(const pk_process *process)
{
    return process->run.group;
}

static struct plan_pipe *find_pipe(const pk_process *process, int fd)
{
    for (size_t i = 0; i < process->pipe_count; i++)
        if (process->pipes[i].child_fd == fd && process->pipes[i].fd >= 0)
            return &process->pipes[i];
    return NULL;
}

int pk_process_pipe(const pk_process *process, int fd)
{
    const struct plan_pipe *pipe = find_pipe(process, fd);
    return pipe ? pipe->fd : -EBADF;
}

int pk_process_pipe_take(pk_process *process, int fd)
{
    struct plan_pipe *pipe = find_pipe(process, fd);
    if (!pipe)
        return -EBADF;
    int taken = pipe->fd;
    pipe->fd = -1;
    return taken;
}

const pk_result *pk_process_result(const pk_process *process)
{
    return process->run.phase == RUN_ENDED ? &process->run.result : NULL;
}

/* ---- Signals and stopping --------------------------------------------------------------------------------------- */

int pk_process_signal(pk_process *process, int signal_number, pk_error *error)
{
    pk_group *group = process->run.group;
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(&group->lock);
    r = process->run.leader->ended ? -ESRCH : leader_signal(process->run.leader, signal_number);
    pthread_mutex_unlock(&group->lock);
    return r < 0 ? error_errno(error, r, PK_STEP_SIGNAL, NULL, "cannot signal pid %d", process->run.leader->pid) : 0;
}

int pk_process_wait(pk_process *process, pk_time deadline, pk_result *result, pk_error *error)
{
    struct run *run = &process->run;
    int r = group_check_owner(run->group, error);
    if (r < 0)
        return r;
    if (process->watch)
        return error_set(error, -EBUSY, PK_ERROR_INVALID, PK_STEP_WAIT, NULL,
                         "cannot wait for a process that a loop watches");
    for (;;) {
        r = run_advance(run);
        if (r < 0)
            return error_errno(error, r, PK_STEP_WAIT, NULL, "cannot wait for pid %d", run->leader->pid);
        if (run->phase == RUN_ENDED)
            break;
        struct pollfd fds[RUN_FDS];
        pk_time until = time_earlier(run_interest(run, fds), deadline);
        pk_time now = sys_now();
        if (now >= deadline)
            return error_set(error, -ETIMEDOUT, PK_ERROR_TIMEOUT, PK_STEP_WAIT, NULL,
                             "pid %d has not ended: the deadline passed first", run->leader->pid);
        struct timespec timeout = time_to_timespec(time_left(until, now));
        r = sys_ppoll(fds, RUN_FDS, until == PK_FOREVER ? NULL : &timeout);
        if (r < 0 && r != -EINTR)
            return error_errno(error, r, PK_STEP_WAIT, NULL, "cannot wait for pid %d", run->leader->pid);
        if (r > 0 && fds[RUN_GUARD_FD].revents)
            owner_check_guard(run->group->site);
    }
    if (result)
        *result = run->result;
    return 0;
}
