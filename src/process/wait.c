/*
 * Waiting for one process, or for several.
 */
#include "base/error.h"
#include "base/time.h"
#include "process/carry.h"
#include "process/company.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

/* ---- One -------------------------------------------------------------------------------------------------------- */

static int begin(pk_process *process)
{
    carry_unpull(process);
    return carry_look(process, NULL);
}

static int pump_to_end(pk_process *process, pk_time deadline, pk_error *error)
{
    pid_t pid = process->run.leader->pid;
    int r = 0;
    while (r == 0 && !process->finished) {
        if (sys_now() >= deadline)
            return error_set(error, -ETIMEDOUT, PK_ERROR_TIMEOUT, PK_STEP_WAIT, NULL,
                             "pid %d has not ended: the deadline passed first", pid);
        r = carry_pump(process, NULL, deadline);
    }
    return r < 0 ? carry_explain(r, error) : 0;
}

int pk_process_wait(pk_process *process, pk_time deadline, pk_result *result, pk_error *error)
{
    int r = carry_check(process, error);
    if (r < 0)
        return r;
    r = begin(process);
    r = r < 0 ? carry_explain(r, error) : pump_to_end(process, deadline, error);
    if (r == 0 && result)
        *result = company_judged(process)->run.result;
    return r;
}

/* Looking first would find nothing: three calls for the usual capture. */
int process_wait_started(pk_process *process, pk_error *error)
{
    return process->feed.fd >= 0 ? pk_process_wait(process, PK_FOREVER, NULL, error)
                                 : pump_to_end(process, PK_FOREVER, error);
}

/* ---- Several ---------------------------------------------------------------------------------------------------- */

/* What all of them wait for: one after the other in one array. */
struct crowd {
    pk_process **processes; /* a copy */
    size_t count;
    size_t living; /* that are not NULL */
    struct pollfd *fds;
    size_t fd_count;
};

/* A callback of one may free another, and change the caller's array. */
static int hold_all(struct crowd *crowd, pk_process *const *processes)
{
    crowd->fds = calloc(crowd->fd_count, sizeof(*crowd->fds));
    crowd->processes = calloc(crowd->count, sizeof(*crowd->processes));
    if (!crowd->fds || !crowd->processes)
        return -ENOMEM;
    for (size_t i = 0; i < crowd->count; i++) {
        crowd->processes[i] = processes[i];
        if (processes[i])
            process_hold(processes[i]);
    }
    return 0;
}

static void close_crowd(struct crowd *crowd)
{
    for (size_t i = 0; crowd->processes && i < crowd->count; i++)
        if (crowd->processes[i])
            process_unhold(crowd->processes[i]);
    free(crowd->processes);
    free(crowd->fds);
}

static int begin_all(const struct crowd *crowd, pk_error *error)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < crowd->count; i++) {
        pk_process *process = crowd->processes[i];
        r = process ? begin(process) : 0;
        if (r < 0)
            carry_explain(r, error);
    }
    return r;
}

static int open_crowd(struct crowd *crowd, pk_process *const *processes, size_t count, bool all, pk_error *error)
{
    *crowd = (struct crowd){.count = count};
    for (size_t i = 0; i < count; i++) {
        int r = processes[i] ? carry_check(processes[i], error) : 0;
        if (r < 0)
            return r;
        crowd->fd_count += processes[i] ? carry_most(processes[i]) : 0;
        crowd->living += processes[i] != NULL;
    }
    if (crowd->living == 0 && all)
        return 0;
    if (crowd->living == 0)
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_WAIT, NULL, "there is no process to wait for");
    int r = hold_all(crowd, processes);
    return r < 0 ? error_errno(error, r, PK_STEP_ALLOCATE, NULL, "cannot wait for processes") : begin_all(crowd, error);
}

static int pump(struct crowd *crowd, pk_time until, pk_error *error)
{
    struct pollfd *fds = crowd->fds;
    for (size_t i = 0; i < crowd->count; i++) {
        if (!crowd->processes[i])
            continue;
        if (crowd->processes[i]->freed) /* by a callback of one that came after it */
            return carry_explain(-ECANCELED, error);
        pk_time wake = carry_interest(crowd->processes[i], fds);
        until = time_earlier(until, wake);
        fds += carry_most(crowd->processes[i]);
    }
    struct timespec timeout = time_to_timespec(time_left(until, sys_now()));
    int r = sys_ppoll(crowd->fds, crowd->fd_count, until == PK_FOREVER ? NULL : &timeout);
    if (r < 0 && r != -EINTR)
        return error_errno(error, r, PK_STEP_WAIT, NULL, "cannot wait for processes");
    fds = crowd->fds;
    for (size_t i = 0; i < crowd->count; i++) {
        pk_process *process = crowd->processes[i];
        if (!process)
            continue;
        size_t own = carry_most(process);
        r = carry_look(process, fds);
        if (r < 0)
            return carry_explain(r, error);
        fds += own;
    }
    return 0;
}

static size_t count_ended(const struct crowd *crowd, size_t *first)
{
    size_t ended = 0;
    for (size_t i = crowd->processes ? crowd->count : 0; i-- > 0;) {
        if (!crowd->processes[i] || !crowd->processes[i]->finished)
            continue;
        *first = i;
        ended++;
    }
    return ended;
}

static int wait_for(pk_process *const *processes, size_t count, bool all, pk_time deadline, pk_error *error)
{
    struct crowd crowd = {0};
    size_t first = 0;
    int r = open_crowd(&crowd, processes, count, all, error);
    while (r == 0 && count_ended(&crowd, &first) < (all ? crowd.living : 1)) {
        if (sys_now() >= deadline)
            r = error_set(error, -ETIMEDOUT, PK_ERROR_TIMEOUT, PK_STEP_WAIT, NULL, "%s: the deadline passed first",
                          all ? "not all have ended" : "none has ended");
        else
            r = pump(&crowd, deadline, error);
    }
    close_crowd(&crowd);
    return r < 0 || all ? r : (int)first;
}

int pk_process_wait_any(pk_process *const *processes, size_t count, pk_time deadline, pk_error *error)
{
    return wait_for(processes, count, false, deadline, error);
}

int pk_process_wait_all(pk_process *const *processes, size_t count, pk_time deadline, pk_error *error)
{
    return wait_for(processes, count, true, deadline, error);
}
