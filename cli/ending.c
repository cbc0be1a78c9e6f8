/*
 * Ending as the child did.
 */
#include "ending.h"

#include "message.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int status_of_error(const pk_error *error)
{
    if (error->kind == PK_ERROR_NOT_FOUND)
        return STATUS_NOT_FOUND;
    bool refused = error->kind == PK_ERROR_RESOURCE_LIMIT; /* it could be executed, given more */
    return error->step == PK_STEP_EXEC && !refused ? STATUS_NOT_EXECUTABLE : STATUS_FAILED;
}

static int ending_of_leader(const pk_result *result, int received)
{
    if (result->leader_ending == PK_ENDING_EXITED)
        return result->exit_code;
    /* Killed because it did not obey the signal that pk was asked to end by: that signal is the reason. */
    if (result->verdict == PK_VERDICT_STOPPED && received && result->signal_number == SIGKILL)
        return -received;
    return -result->signal_number;
}

int ending_of(const pk_result *result, int received)
{
    switch (result->verdict) {
    case PK_VERDICT_TIMED_OUT:
    case PK_VERDICT_IDLE:
        return STATUS_TIMED_OUT;
    case PK_VERDICT_LEFTOVERS:
    case PK_VERDICT_UNKILLABLE:
    case PK_VERDICT_LOST:
        return STATUS_FAILED;
    default:
        return result->leader_ending == PK_ENDING_LOST ? STATUS_FAILED : ending_of_leader(result, received);
    }
}

int ending_of_pipeline(const pk_process *process, int received)
{
    size_t stage = pk_process_culprit(process);
    if (stage == PK_NO_STAGE)
        return 0;
    const pk_result *result = pk_process_stage_result(process, stage);
    int ending = ending_of(result, received);
    while (ending == 0 && (result = pk_process_stage_result(process, ++stage)))
        if (result->verdict == PK_VERDICT_STOPPED)
            ending = ending_of(result, received);
    return ending;
}

static void die_by(int number)
{
    /* The child's core is the one that matters. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
    signal(number, SIG_DFL);
    kill(getpid(), number);

    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL); /* here it ends */
}

void end_as(int ending)
{
    if (ending < 0) {
        pk_leave(); /* a signal skips what exit does */
        die_by(-ending);
        ending = 128 - ending; /* pid 1 of a namespace survives its own signals */
    }
    exit(ending);
}
