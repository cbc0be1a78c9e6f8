/*
 * Starting commands, and the handle that stands for a started one.
 */
#include "process/process.h"

#include "base/error.h"
#include "contain/owner.h"
#include "process/cancel.h"
#include "process/company.h"
#include "process/runner.h"
#include "process/spawn.h"
#include "process/trace.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Starting --------------------------------------------------------------------------------------------------- */

/* Who wants the output of a command has it kept, whatever else becomes of it. */
static int open_stream(pk_process *process, int fd, const struct plan_pipe *pipe, bool captures, pk_error *error)
{
    struct stream *stream = &process->streams[process->stream_count++];
    struct stream_uses uses = {0};
    if (pipe->uses) {
        uses = *pipe->uses;
        uses.captured |= captures && pipe->child_fd <= 2;
    }
    int r = stream_open(stream, fd, pipe->child_fd, pipe->uses ? &uses : NULL, error);
    stream->is_terminal = pipe->is_terminal;
    stream->process = process;
    stream->freed = &process->freed;
    return r;
}

/* The owner's ends of pipes are the process's from now on, whatever comes of this. */
static int take_pipes(pk_process *process, struct plan *plan, bool captures, pk_error *error)
{
    const pk_command *command = plan->command;
    process->streams = plan->pipe_count ? calloc(plan->pipe_count, sizeof(*process->streams)) : NULL;
    if (plan->pipe_count && !process->streams)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    int r = 0;
    for (size_t i = 0; r == 0 && i < plan->pipe_count; i++) {
        struct plan_pipe *pipe = &plan->pipes[i];
        int fd = pipe->fd;
        pipe->fd = -1;
        if (pipe->child_fd != 0) {
            r = open_stream(process, fd, pipe, captures, error);
        } else if (!command->has_input) {
            process->input = fd;
            process->input_is_terminal = pipe->is_terminal;
        } else {
            process->input_bytes = shared_ref(command->input_bytes);
            r = feed_open(&process->feed, fd, pipe->is_terminal, &command->input);
            if (r < 0)
                error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot prepare the input");
        }
    }
    return r;
}

/* Before anything is made or emptied for it. */
static int check_cancel(const pk_command *command, pk_error *error)
{
    if (!command->cancel || !pk_cancel_is_set(command->cancel))
        return 0;
    return error_set(error, -ECANCELED, PK_ERROR_CANCELLED, PK_STEP_ARGUMENTS, NULL,
                     "cannot start %s: it was cancelled before", command->argv[0]);
}

static bool is_terminal_at(const pk_command *command, int fd)
{
    const struct descriptor *descriptor = command_find_descriptor(command, fd);
    return descriptor && descriptor->kind == DESCRIPTOR_TERMINAL;
}

/* Its other end is there, but only for who gets the process. A terminal is read at the first descriptor it is at. */
static bool is_unattended(const pk_command *command, const struct descriptor *descriptor, bool captures)
{
    if (descriptor->fd == 0)
        return descriptor->kind == DESCRIPTOR_PIPE && !command->has_input;
    if (descriptor->kind == DESCRIPTOR_TERMINAL)
        return !captures && !descriptor->uses && !(descriptor->fd == 2 && is_terminal_at(command, 1));
    return descriptor->kind == DESCRIPTOR_PIPE && !descriptor->uses;
}

/* The child would wait for nobody until its deadline. */
static int check_attended(const pk_command *command, enum process_stdio stdio, pk_error *error)
{
    for (size_t i = 0; stdio != STDIO_AS_SAID && i < command->descriptor_count; i++) {
        const struct descriptor *descriptor = &command->descriptors[i];
        bool reads = descriptor->fd == 0;
        if (is_unattended(command, descriptor, stdio == STDIO_CAPTURED))
            return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                             "cannot run %s to its end: nobody would %s its descriptor %d (%s, or use "
                             "pk_command_start)",
                             command->argv[0], reads ? "write to" : "read from", descriptor->fd,
                             reads ? "say what its input is" : "capture it");
    }
    return 0;
}

/* Whether the silence that the command does not want can be heard. */
static int check_streams(const pk_process *process, const pk_command *command, pk_error *error)
{
    bool any = !command->idle_timeout;
    for (size_t i = 0; i < process->stream_count; i++)
        any |= process->streams[i].driven;
    return any ? 0
               : error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                           "invalid command: an idle timeout, but no output that is read");
}

static void keep_settings(pk_process *process, const pk_command *command)
{
    process->cancel = command->cancel ? cancel_ref(command->cancel) : NULL;
    process->idle_timeout = command->idle_timeout;
    process->drain = command->drain;
    process->last_output = process->run.started;
}

static int spawn_leader(pk_process *process, pk_group *group, bool private_group, struct plan *plan, pk_error *error)
{
    struct leader *leader = leader_new();
    if (!leader)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    struct run_before before;
    run_look_before(&before, group, private_group, plan->command);
    int r =
        group->stage ? group->stage->bear(group->stage, group, plan, leader, error) : spawn(group, plan, leader, error);
    if (r < 0) {
        leader_unref(leader);
        return r;
    }
    run_begin(&process->run, group, private_group, leader, plan->command, &before);
    keep_settings(process, plan->command);
    return 0;
}

static void close_pipes(pk_process *process)
{
    for (size_t i = 0; i < process->stream_count; i++)
        stream_close(&process->streams[i]);
    free(process->streams);
    feed_close(&process->feed);
    shared_unref(process->input_bytes);
    sys_close_safe(process->input);
}

static int launch(pk_process *process, pk_group *group, bool private_group, enum process_stdio stdio,
                  const pk_command *command, pk_error *error)
{
    struct plan plan;
    int r = plan_make(&plan, command, stdio == STDIO_CAPTURED, error);
    if (r < 0)
        return r;
    r = take_pipes(process, &plan, stdio == STDIO_CAPTURED, error);
    if (r == 0)
        r = check_streams(process, command, error);
    if (r == 0)
        r = spawn_leader(process, group, private_group, &plan, error);
    plan_free(&plan);
    if (r < 0)
        close_pipes(process);
    return r;
}

static int start(pk_group *group, bool private_group, enum process_stdio stdio, const pk_command *command,
                 pk_process **ret, pk_error *error)
{
    pk_process *process = calloc(1, sizeof(*process));
    if (!process)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    process->feed = FEED_NONE;
    process->input = -1;
    process->drained = PK_FOREVER;
    process->program = strdup(command->argv[0]);
    int r = process->program ? launch(process, group, private_group, stdio, command, error)
                             : error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a process");
    if (r < 0) {
        free(process->program);
        free(process);
        return r;
    }
    *ret = process;
    return 0;
}

static int start_shared(pk_group *group, const pk_command *command, pk_process **process, pk_error *error)
{
    int r = command_check(command, error);
    if (r == 0)
        r = check_cancel(command, error);
    if (r == 0)
        r = runner_refuse(command, "spawn in a group", error);
    if (r == 0)
        r = group_check_owner(group, error);
    return r < 0 ? r : start(group, false, STDIO_AS_SAID, command, process, error);
}

int pk_group_spawn(pk_group *group, const pk_command *command, pk_process **process, pk_error *error)
{
    pk_error why; /* for those who trace */
    error = error ? error : &why;
    int r = start_shared(group, command, process, error);
    return trace_start(command, r, r < 0 ? NULL : *process, error);
}

int process_start_in(pk_group *group, const pk_command *command, enum process_stdio stdio, pk_process **process,
                     pk_error *error)
{
    int r = start(group, true, stdio, command, process, error);
    if (r < 0)
        pk_group_free(group);
    return r;
}

static int start_in_own_group(const pk_command *command, enum process_stdio stdio, pk_process **process,
                              pk_error *error)
{
    pk_group *group;
    int r = group_create_for_run(command->contain, command->evidence, &group, error);
    return r < 0 ? r : process_start_in(group, command, stdio, process, error);
}

/* What is kept for the next groups must not be what is missing. */
int process_start_real(const pk_command *command, enum process_stdio stdio, pk_process **process, pk_error *error)
{
    int r = start_in_own_group(command, stdio, process, error);
    bool scarce = r == -EMFILE || r == -ENFILE;
    return scarce && owner_tidy() ? start_in_own_group(command, stdio, process, error) : r;
}

static int start_private(const pk_command *command, enum process_stdio stdio, pk_process **process, pk_error *error)
{
    int r = command_check(command, error);
    if (r == 0)
        r = check_attended(command, stdio, error);
    if (r == 0)
        r = check_cancel(command, error);
    return r < 0 ? r : runner_start(command->runner, command, stdio, process, error);
}

int process_start(const pk_command *command, enum process_stdio stdio, pk_process **process, pk_error *error)
{
    pk_error why;
    error = error ? error : &why;
    int r = start_private(command, stdio, process, error);
    return trace_start(command, r, r < 0 ? NULL : *process, error);
}

int pk_command_start(const pk_command *command, pk_process **process, pk_error *error)
{
    return process_start(command, STDIO_AS_SAID, process, error);
}

/* ---- Taps ------------------------------------------------------------------------------------------------------- */

static void set_taps(pk_process *process, struct stream_tap *taps)
{
    process->taps = taps;
    for (size_t i = 0; i < process->stream_count; i++)
        process->streams[i].taps = taps;
}

void process_tap(pk_process *process, struct process_tap *tap)
{
    tap->stream.next = process->taps;
    set_taps(process, &tap->stream);
}

void process_end_taps(pk_process *process)
{
    struct stream_tap *next, *tap = process->taps;
    set_taps(process, NULL);
    for (; tap; tap = next) {
        next = tap->next;
        ((struct process_tap *)tap)->over((struct process_tap *)tap, process);
    }
}

/* ---- Freeing ---------------------------------------------------------------------------------------------------- */

static void release(pk_process *process)
{
    if (process->company)
        process->company->free(process->company);
    close_pipes(process);
    pk_cancel_free(process->cancel);
    free(process->program);
    free(process);
}

static void release_unused(pk_process *process)
{
    if (process->freed && process->busy == 0 && process->held == 0)
        release(process);
}

void process_enter(pk_process *process)
{
    process->busy++;
}

bool process_leave(pk_process *process)
{
    bool stays = !process->freed;
    process->busy--;
    release_unused(process);
    return stays;
}

void process_hold(pk_process *process)
{
    process->held++;
}

void process_unhold(pk_process *process)
{
    process->held--;
    release_unused(process);
}

pk_process *pk_process_free(pk_process *process)
{
    static const pk_stop_options at_once = {.size = sizeof(at_once)};
    if (!process || process->freed)
        return NULL;
    if (process->whole && !process->whole->freed) { /* who has others to answer for it */
        process_stop_alone(process, &at_once, NULL);
        return NULL;
    }
    pk_group *group = process->run.group;
    bool inert = group->epoch != sys_epoch();

    process->freed = true;
    if (!inert)
        trace_free(process);
    if (process->on_free)
        process->on_free(process->free_data);
    if (process->company) /* while its loop can still be told what becomes of them */
        process->company->end(process->company);
    process_unwatch(process);
    if (!inert)
        process_end_taps(process);
    run_end(&process->run);
    if (!inert) /* in a forked child the leader and the group belong to the parent */
        leader_unref(process->run.leader);
    if (process->run.private_group)
        pk_group_free(group);
    release_unused(process);
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

struct stream *process_stream(const pk_process *process, int fd)
{
    for (size_t i = 0; i < process->stream_count; i++)
        if (process->streams[i].child_fd == fd)
            return &process->streams[i];
    return NULL;
}

/* Where it is kept; NULL and a negative errno in *why if it is not the caller's to have. */
static int *find_pipe(const pk_process *process, int fd, int *why)
{
    pk_process *mutable = fd == 0 ? company_first(process) : (pk_process *)process;
    process = mutable;
    struct stream *stream = process_stream(process, fd);
    bool ours = fd == 0 ? process->feed.fd >= 0 : stream && stream->driven;
    int *place = fd == 0 ? &mutable->input : stream ? &stream->fd : NULL;
    *why = ours ? -EBUSY : -EBADF;
    return ours || !place || *place < 0 ? NULL : place;
}

int pk_process_pipe(const pk_process *process, int fd)
{
    int why;
    const int *pipe = find_pipe(process, fd, &why);
    return pipe ? *pipe : why;
}

int pk_process_pipe_take(pk_process *process, int fd)
{
    int why;
    int *pipe = find_pipe(process, fd, &why);
    if (!pipe)
        return why;
    int taken = *pipe;
    *pipe = -1;
    return taken;
}

const pk_result *pk_process_result(const pk_process *process)
{
    return process->finished ? &company_judged(process)->run.result : NULL;
}

/* ---- Signals and stopping --------------------------------------------------------------------------------------- */

int pk_process_signal(pk_process *process, int signal_number, pk_error *error)
{
    pk_group *group = process->run.group;
    int r = group_check_owner(group, error);
    if (r < 0)
        return r;
    pthread_mutex_lock(group->lock);
    r = process->run.leader->ended ? -ESRCH : leader_signal(process->run.leader, signal_number);
    pthread_mutex_unlock(group->lock);
    return r < 0 ? error_errno(error, r, PK_STEP_SIGNAL, NULL, "cannot signal pid %d", process->run.leader->pid) : 0;
}
