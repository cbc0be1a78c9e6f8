/*
 * Ending a tree by its top: while the leader lives, everything that is still connected with it can be found.
 */
#include "contain/orphans.h"

#include "base/time.h"
#include "contain/broadcast.h"
#include "contain/descendants.h"
#include "contain/proc.h"
#include "sys/sys.h"

#include <errno.h>

/* The pidfd is looked at last: a leader that lives then had its number all the time. */
int orphans_list(const struct leader *leader, struct pids *pids)
{
    struct pids found = {0};
    struct pollfd poll = {.fd = leader->pidfd, .events = POLLIN};
    struct timespec at_once = {0};
    int r = pids_add(&found, leader->pid);
    if (r == 0)
        r = descendants_list(leader->pid, &found);
    if (r == 0 && sys_ppoll(&poll, 1, &at_once) == 0)
        for (size_t i = 0; r == 0 && i < found.count; i++)
            r = pids_add(pids, found.items[i]);
    pids_free(&found);
    return r;
}

static int list(const void *data, struct pids *pids)
{
    return orphans_list(data, pids);
}

/* What has another parent now is not ours any more, or never was. */
static void kill_child_of(const struct pids *parents, pid_t leader, pid_t pid)
{
    struct proc_stat stat;
    int pidfd = sys_pidfd_open(pid);
    if (pidfd < 0)
        return;
    if (proc_stat_read(pid, &stat) == 0 && (stat.parent == leader || pids_contains(parents, stat.parent)))
        sys_pidfd_send_signal(pidfd, SIGKILL);
    sys_close(pidfd);
}

static void wait_for(pid_t pid, pk_time deadline)
{
    struct pollfd poll = {.fd = sys_pidfd_open(pid), .events = POLLIN};
    struct timespec timeout = time_to_timespec(time_left(deadline, sys_now()));
    if (poll.fd >= 0)
        sys_ppoll(&poll, 1, &timeout);
    sys_close_safe(poll.fd);
}

/* Stopped first, so that none forks away; then killed from below, since an end disconnects all below it. */
void orphans_end(const struct leader *leader)
{
    const struct audience audience = {list, leader};
    struct pids pids = {0}, sorted = {0};
    pk_time deadline = time_add(sys_now(), PK_MILLISECONDS(100));
    broadcast_to(&audience, SIGSTOP, false, 0);
    list(leader, &pids);
    list(leader, &sorted);
    pids_sort(&sorted);
    for (size_t i = pids.count; i-- > 0;)
        if (pids.items[i] != leader->pid)
            kill_child_of(&sorted, leader->pid, pids.items[i]);
    sys_pidfd_send_signal(leader->pidfd, SIGKILL);
    for (size_t i = 0; i < pids.count; i++)
        wait_for(pids.items[i], deadline);
    pids_free(&pids);
    pids_free(&sorted);
}
