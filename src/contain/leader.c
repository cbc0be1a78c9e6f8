/*
 * Waiting for leaders, by pidfd: never for a process that is not ours, never with a handler. One that has a reaper is
 * the reaper's child, and its status is what that says.
 */
#include "contain/leader.h"

#include "base/time.h"
#include "contain/late-child.h"
#include "contain/orphans.h"
#include "contain/proc.h"
#include "contain/reaper-link.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
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
    if (leader->left && !leader->reaped)
        late_child_add(leader->pidfd);
    else
        sys_close_safe(leader->pidfd);
    reaper_link_free(leader->reaper);
    if (leader->stand_in)
        leader->stand_in->free(leader->stand_in);
    free(leader);
}

static pk_duration from_timeval(const struct timeval *time)
{
    return (pk_duration)time->tv_sec * 1000000000U + (pk_duration)time->tv_usec * 1000U;
}

static void take_status(struct leader *leader, int status)
{
    leader->signalled = WIFSIGNALED(status);
    leader->core_dumped = leader->signalled && WCOREDUMP(status);
    leader->value = leader->signalled ? WTERMSIG(status) : WEXITSTATUS(status);
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

/* Who takes a zombie makes it nobody's first, and only then does the kernel note how it ended: between the two it is
 * neither waited for nor known. That takes microseconds, unless the thief has lost its processor. */
static int recall_status(const struct leader *leader, int *status)
{
    pk_time deadline = time_add(sys_now(), PK_MILLISECONDS(100));
    struct timespec pause = time_to_timespec(PK_MICROSECONDS(50));
    int r;
    while ((r = sys_pidfd_exit_status(leader->pidfd, status)) == -ENODATA && sys_now() < deadline)
        sys_ppoll(NULL, 0, &pause);
    return r;
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
    if (recall_status(leader, &status) < 0)
        leader->lost = true;
    else
        take_status(leader, status);
}

/* ---- With a reaper ---------------------------------------------------------------------------------------------- */

/* A reaper that is gone leaves the leader to init, which keeps no status for us: as if somebody had waited for it. */
static int look_at_reaper(struct leader *leader)
{
    struct reaper_link *reaper = leader->reaper;
    bool was_lost = reaper->lost;
    int r = reaper_link_read(reaper);
    if (r < 0)
        return r;
    if (reaper->lost && !was_lost && !reaper->spared)
        orphans_end(leader);
    if (reaper->leader_ended) {
        leader->ended = leader->reaped = true;
        take_status(leader, reaper->status);
        leader->cpu_user = reaper->leader_user;
        leader->cpu_system = reaper->leader_system;
    } else if (reaper->lost && sys_is_readable(leader->pidfd)) {
        take_stolen(leader);
    }
    return leader->ended;
}

/*
 * Its reaper speaks a moment after the pidfd has become readable: then the socket is polled, since the pidfd would fire
 * all the time. Not before: somebody else who looks at the group may have read what the socket had to say, and nothing
 * would fire any more. That may happen in that moment too, so it is not waited for long.
 */
pk_duration leader_interest(const struct leader *leader, struct pollfd *fd)
{
    const struct reaper_link *reaper = leader->reaper;
    *fd = (struct pollfd){.fd = leader->pidfd, .events = POLLIN};
    if (leader->stand_in)
        return leader->stand_in->interest(leader->stand_in);
    if (!reaper || reaper->lost || !sys_is_readable(leader->pidfd))
        return PK_FOREVER;
    fd->fd = reaper->control;
    return PK_MILLISECONDS(10);
}

/* ---- Without a process ------------------------------------------------------------------------------------------ */

static int look_at_stand_in(struct leader *leader)
{
    int r = leader->stand_in->look(leader->stand_in, &leader->signalled, &leader->value);
    if (r > 0)
        leader->ended = leader->reaped = true;
    return r;
}

/* ---- Either way ------------------------------------------------------------------------------------------------- */

int leader_look(struct leader *leader, bool keep)
{
    if (leader->stand_in)
        return look_at_stand_in(leader);
    if (leader->ended && (keep || leader->reaped))
        return 1;
    if (leader->reaper)
        return look_at_reaper(leader);

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
        struct pollfd poll;
        pk_duration most = leader_interest(leader, &poll);
        pk_duration left = time_left(deadline, sys_now());
        struct timespec timeout = time_to_timespec(time_earlier(left, most));
        int r = sys_ppoll(&poll, 1, &timeout);
        if (left == 0 || (r < 0 && r != -EINTR && ++failures == MOST_FAILURES))
            return;
    }
}

/* It is on its way through a few lines of the kernel: nothing tells when it has passed them. */
int leader_wait_apart(const struct leader *leader)
{
    pk_duration pause = PK_MICROSECONDS(20);
    while (!leader->ended && !leader->reaper) {
        struct proc_stat stat;
        int r = proc_stat_read(leader->pid, &stat);
        if (r < 0)
            return r == -ESRCH ? 0 : r;
        if (proc_has_execed(&stat) || !proc_is_alive(&stat))
            return 0;
        struct timespec timeout = time_to_timespec(pause);
        sys_ppoll(NULL, 0, &timeout);
        pause = time_earlier(2 * pause, PK_MILLISECONDS(1));
    }
    return 0;
}

void leader_leave(struct leader *leader)
{
    leader->left = !leader->reaped && !leader->reaper && leader->pidfd >= 0;
}

int leader_guard_fd(const struct leader *leader)
{
    const struct reaper_link *reaper = leader->reaper;
    return reaper && !reaper->empty && !reaper->lost ? reaper->pidfd : -1;
}

bool leader_lost_reaper(const struct leader *leader)
{
    return leader->reaper && leader->reaper->lost;
}

int leader_signal(const struct leader *leader, int signal_number)
{
    if (leader->reaped)
        return -ESRCH;
    if (leader->stand_in)
        return leader->stand_in->signal(leader->stand_in, signal_number);
    return sys_pidfd_send_signal(leader->pidfd, signal_number);
}

int pidfd_keep(int pidfd)
{
    int copy = pidfd < 3 ? sys_fcntl(pidfd, F_DUPFD_CLOEXEC, 3) : -1;
    if (copy < 0)
        return pidfd;
    sys_close(pidfd);
    return copy;
}
