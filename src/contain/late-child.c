/*
 * Taking away children that have outlasted their group.
 */
#include "contain/late-child.h"

#include "base/time.h"
#include "contain/fork-lock.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

enum { MOST_FAILURES = 3 }; /* a zombie would stay: worth asking again */

struct late_child {
    struct late_child *next;
    int pidfd;
};

static void let_go(void);

static struct {
    struct fork_lock lock;
    struct late_child *first;
} late = {.lock = FORK_LOCK_INIT(let_go, true)};

/* In a forked child: they are its parent's. */
static void let_go(void)
{
    for (struct late_child *one = late.first; one; one = one->next)
        sys_close(one->pidfd);
    late.first = NULL;
}

bool late_child_has_ended(int pidfd, pk_duration patience)
{
    pk_time deadline = time_add(sys_now(), patience);
    int r = -EAGAIN;
    for (int failures = 0; r < 0 && failures < MOST_FAILURES; failures++) {
        struct pollfd poll = {.fd = pidfd, .events = POLLIN};
        struct timespec timeout = time_to_timespec(time_left(deadline, sys_now()));
        r = sys_ppoll(&poll, 1, &timeout);
    }
    return r > 0;
}

void late_child_take(int pidfd)
{
    siginfo_t info;
    int r = -EAGAIN;
    for (int failures = 0; r < 0 && r != -ECHILD && failures < MOST_FAILURES; failures++)
        r = sys_waitid_pidfd(pidfd, &info, WEXITED | WNOHANG | __WALL, NULL);
    sys_close(pidfd);
}

/* Without memory it stays a zombie until this process ends. */
void late_child_add(int pidfd)
{
    struct late_child *one = calloc(1, sizeof(*one));
    if (!one) {
        sys_close(pidfd);
        return;
    }
    fork_lock_take(&late.lock);
    *one = (struct late_child){late.first, pidfd};
    late.first = one;
    fork_lock_release(&late.lock);
}

void late_child_tidy(void)
{
    if (!fork_lock_is_used(&late.lock))
        return; /* there never was one, or it was our parent's */
    fork_lock_take(&late.lock);
    for (struct late_child **at = &late.first; *at;) {
        struct late_child *one = *at;
        if (!late_child_has_ended(one->pidfd, 0)) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        late_child_take(one->pidfd);
        free(one);
    }
    fork_lock_release(&late.lock);
}
