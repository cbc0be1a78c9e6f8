/*
 * Waiting for leaders, by pidfd: never for a process that is not ours, never with a handler.
 */
#include "contain/leader.h"

#include "base/time.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

struct leader *leader_new(void)
{
    struct leader *leader = calloc(1, sizeof(*leader));
    if (leader) {
        leader->references = 1;
        leader->pidfd = -1;
    }
    return leader;
}

struct leader *leader_ref(struct leader *leader)
{
    leader->references++;
    return leader;
}

void leader_unref(struct leader *leader)
{
    if (!leader || --leader->references > 0)
        return;
    sys_close_safe(leader->pidfd);
    free(leader);
}

static pk_duration from_timeval(const struct timeval *time)
{
    return (pk_duration)time->tv_sec * 1000000000U + (pk_duration)time->tv_usec * 1000U;
}

static void take_info(struct leader *leader, const siginfo_t *info, const struct rusage *usage)
{
    leader->ended = true;
    leader->signalled = info->si_code != CLD_EXITED;
    leader->core_dumped = info->si_code == CLD_DUMPED;
    leader->value = info->si_status;
    leader->cpu_user = from_timeval(&usage->ru_utime);
    leader->cpu_system = from_timeval(&usage->ru_stime);
}

/*
 * Somebody else in the program waited for every child, or ignores SIGCHLD, so that the kernel kept no zombie. From
 * Linux 6.15 on the pidfd still knows how the process ended; before, nobody does, and nothing is invented.
 */
static void take_stolen(struct leader *leader)
{
    int status;
    leader->ended = true;
    leader->reaped = true;
    if (sys_pidfd_exit_status(leader->pidfd, &status) < 0) {
        leader->lost = true;
        return;
    }
    leader->signalled = WIFSIGNALED(status);
    leader->core_dumped = leader->signalled && WCOREDUMP(status);
    leader->value = leader->signalled ? WTERMSIG(status) : WEXITSTATUS(status);
}

int leader_look(struct leader *leader, bool keep)
{
    if (leader->ended && (keep || leader->reaped))
        return 1;

    siginfo_t info;
    struct rusage usage;
    int r = sys_waitid_pidfd(leader->pidfd, &info, WEXITED | WNOHANG | (keep ? WNOWAIT : 0), &usage);
    if (r == -ECHILD) {
        if (leader->ended)
            leader->reaped = true; /* the status was read before somebody else took the zombie */
        else
            take_stolen(leader);
        return 1;
    }
    if (r < 0)
        return r;
    if (info.si_pid == 0)
        return 0;
    if (!leader->ended)
        take_info(leader, &info, &usage);
    leader->reaped = !keep;
    return 1;
}

void leader_reap(struct leader *leader)
{
    if (leader->ended && !leader->reaped)
        leader_look(leader, false);
}

void leader_collect(struct leader *leader, pk_time deadline)
{
    enum { MOST_FAILURES = 3 }; /* a zombie would stay: worth asking again */

    int failures = 0;
    for (;;) {
        int looked = leader_look(leader, false);
        if (leader->reaped || (looked < 0 && ++failures == MOST_FAILURES))
            return;
        struct pollfd poll = {.fd = leader->pidfd, .events = POLLIN};
        pk_duration left = time_left(deadline, sys_now());
        struct timespec timeout = time_to_timespec(left);
        int r = sys_ppoll(&poll, 1, &timeout);
        if (left == 0 || (r < 0 && r != -EINTR && ++failures == MOST_FAILURES))
            return;
    }
}

int leader_signal(const struct leader *leader, int signal_number)
{
    return leader->reaped ? -ESRCH : sys_pidfd_send_signal(leader->pidfd, signal_number);
}
