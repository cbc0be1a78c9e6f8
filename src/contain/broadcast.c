/*
 * Freeze, list, signal by pidfd, thaw.
 */
#include "contain/broadcast.h"

#include "base/pids.h"
#include "base/time.h"
#include "contain/cgroup.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>

/* A freeze takes microseconds per member, unless one is in an uninterruptible sleep: then it is not waited for. */
#define FREEZE_BOUND PK_MILLISECONDS(100)

enum { MOST_PASSES = 50, BATCH = 32 };

static int wait_frozen(int dir)
{
    pk_time deadline = time_add(sys_now(), FREEZE_BOUND);
    pk_duration pause = PK_MICROSECONDS(20);
    int events = sys_openat(dir, "cgroup.events", O_RDONLY, 0);
    if (events < 0)
        return events;

    int r;
    for (;;) {
        char text[64];
        ssize_t length = sys_pread(events, text, sizeof(text) - 1, 0); /* also arms POLLPRI */
        uint64_t frozen = 0;
        if (length >= 0)
            text[length] = '\0';
        r = length < 0 ? (int)length : cgroup_parse_key(text, "frozen", &frozen);
        pk_time now = sys_now();
        if (r < 0 || frozen || now >= deadline)
            break;
        /* The kernel may hold the notification back for 10 ms, so the file is also looked at in growing steps. */
        struct pollfd poll = {.fd = events, .events = POLLPRI};
        struct timespec timeout = time_to_timespec(time_earlier(pause, time_left(deadline, now)));
        sys_ppoll(&poll, 1, &timeout);
        pause *= 2;
    }
    sys_close(events);
    return r < 0 ? r : cgroup_is_frozen(dir);
}

int broadcast_freeze(int dir)
{
    int r = cgroup_freeze(dir, true);
    return r < 0 ? r : wait_frozen(dir);
}

struct recipient {
    pid_t pid;
    int pidfd;
};

/* Asked of the kernel: /proc may be missing. What the caller's own group (-1) is called inside of a pid namespace that
 * it is outside of, the kernel knows as well: 0, for all its members. */
bool broadcast_skips(pid_t pid, pid_t skip_pgid)
{
    return skip_pgid != 0 && sys_getpgid(pid) == (skip_pgid < 0 ? sys_getpgrp() : skip_pgid);
}

/* The pid may have been recycled between the list and the opening of the pidfd; a pid that is listed *after* that is a
 * member, and the one the pidfd stands for. */
static int send_batch(const struct audience *audience, struct recipient *batch, size_t count, int signal_number,
                      pid_t skip_pgid)
{
    struct pids confirmed = {0};
    int first = audience->list(audience->data, &confirmed);
    pids_sort(&confirmed);
    for (size_t i = 0; i < count; i++) {
        if (first == 0 && pids_contains(&confirmed, batch[i].pid) && !broadcast_skips(batch[i].pid, skip_pgid)) {
            int r = sys_pidfd_send_signal(batch[i].pidfd, signal_number);
            if (r < 0 && r != -ESRCH)
                first = r;
        }
        sys_close(batch[i].pidfd);
    }
    pids_free(&confirmed);
    return first;
}

/* One pass over those not in `done`, which they are added to. Returns how many were new; the first error in *first. */
static int send_pass(const struct audience *audience, struct pids *done, int signal_number, pid_t skip_pgid, int *first)
{
    struct pids listed = {0};
    struct recipient batch[BATCH];
    size_t filled = 0;
    int new = 0;

    int r = audience->list(audience->data, &listed);
    for (size_t i = 0; r >= 0 && i < listed.count; i++) {
        pid_t pid = listed.items[i];
        if (pids_contains(done, pid))
            continue;
        new ++;
        int pidfd = sys_pidfd_open(pid);
        if (pidfd >= 0)
            batch[filled++] = (struct recipient){pid, pidfd};
        else if (pidfd != -ESRCH && *first == 0)
            *first = pidfd;
        if (filled == BATCH) {
            int sent = send_batch(audience, batch, filled, signal_number, skip_pgid);
            *first = *first ? *first : sent;
            filled = 0;
        }
    }
    if (filled > 0) {
        int sent = send_batch(audience, batch, filled, signal_number, skip_pgid);
        *first = *first ? *first : sent;
    }
    for (size_t i = 0; r >= 0 && i < listed.count; i++)
        r = pids_add(done, listed.items[i]);
    pids_sort(done);
    pids_free(&listed);
    return r < 0 ? r : new;
}

static bool needs_standstill(int signal_number)
{
    return signal_number != SIGSTOP && signal_number != SIGCONT && signal_number != SIGKILL && signal_number != 0;
}

int broadcast_to(const struct audience *audience, int signal_number, bool still, pid_t skip_pgid)
{
    struct pids done = {0};
    int first = 0, new = 1;
    for (int pass = 0; new > 0 && pass < (still ? 1 : MOST_PASSES); pass++)
        new = send_pass(audience, &done, signal_number, skip_pgid, &first);
    pids_free(&done);
    return new < 0 ? new : first;
}

static int list_cgroup(const void *dir, struct pids *pids)
{
    return cgroup_list(*(const int *)dir, pids);
}

int broadcast(int dir, int signal_number, bool frozen, pid_t skip_pgid)
{
    const struct audience audience = {list_cgroup, &dir};
    bool freeze = !frozen && needs_standstill(signal_number);

    bool still = freeze ? broadcast_freeze(dir) == 1 : frozen;
    int first = broadcast_to(&audience, signal_number, still, skip_pgid);
    if (freeze) {
        int thawed = cgroup_freeze(dir, false);
        if (thawed < 0 && thawed != -ENOENT && first == 0)
            first = thawed; /* a tree left frozen would be a downgrade nobody sees */
    }
    return first;
}
