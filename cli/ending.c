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
