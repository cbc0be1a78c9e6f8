/*
 * Looking whether a group is empty, and choosing what to wait for if not.
 */
#include "contain/drain.h"

#include "base/time.h"
#include "contain/backend.h"
#include "sys/sys.h"

#include <errno.h>

/* Takes a living member as the sentinel, if there is one: the last of the list, since a kill reaches that last. */
static void choose_sentinel(struct drain *drain, pk_group *group)
{
    struct pids pids = {0};
    int r = group->backend->list(group, &pids);
    for (size_t i = pids.count; r == 0 && drain->sentinel < 0 && i-- > 0;) {
        int pidfd = sys_pidfd_open(pids.items[i]);
        if (pidfd < 0 || sys_is_readable(pidfd)) {
            sys_close_safe(pidfd);
            continue;
        }
        drain->sentinel = pidfd;
        drain->sentinel_pid = pids.items[i];
    }
    pids_free(&pids);
}

static pk_duration next_pause(struct drain *drain)
{
    static const pk_duration shortest = PK_MICROSECONDS(20), longest = PK_MILLISECONDS(100);
    drain->pause = drain->pause == 0 ? shortest : drain->pause < longest ? drain->pause * 2 : longest;
    return drain->pause;
}

static void choose_wait(struct drain *drain, pk_group *group, pk_time now)
{
    if (drain->events >= 0 && drain->mask == POLLIN) {
        drain->wake = PK_FOREVER;
        return;
    }
    if (drain->sentinel >= 0 && sys_is_readable(drain->sentinel))
        drain->sentinel = sys_close_safe(drain->sentinel);
    if (drain->sentinel < 0) {
        choose_sentinel(drain, group);
        if (drain->sentinel >= 0)
            drain->pause = 0;
    }

    /* With a living member and an event source there is nothing to look for in between. Without a member (the last one
     * is just leaving, or all are in another pid namespace) or without a source (it may leave its process group), look
     * again after a pause that grows. */
    if (drain->sentinel >= 0 && drain->events >= 0) {
        drain->wake = PK_FOREVER;
        return;
    }
    drain->wake = time_add(now, next_pause(drain));
}

/* cgroup.events reports a change once after each read; and the file of a removed directory reports nothing any more.
 * What is never late stands for one part of the group, which may have ended. */
static void arm(struct drain *drain)
{
    char text[64];
    if (drain->events >= 0 && (drain->mask == POLLIN || sys_pread(drain->events, text, sizeof(text), 0) < 0))
        drain->events = sys_close_safe(drain->events);
}

/* A few killed members are gone sooner than their list is read and a wait is set up and woken from. So the first look
 * after a kill is repeated for some 50 us; longer would only keep the processor from those who need it to end. */
static int look_for_a_moment(pk_group *group)
{
    int r = 0;
    for (int looks = 0; r == 0 && looks < 12; looks++)
        r = group->backend->is_empty(group);
    return r;
}

static void let_go(struct drain *drain)
{
    drain->events = sys_close_safe(drain->events);
    drain->sentinel = sys_close_safe(drain->sentinel);
}

int drain_look(struct drain *drain, pk_group *group, pk_time now)
{
    arm(drain);
    int r = drain->killed ? look_for_a_moment(group) : group->backend->is_empty(group);
    drain->killed = false;
    if (r == 0 && drain->events < 0) {
        drain->events = group->backend->open_events(group);
        drain->mask = group->backend->events;
        if (drain->mask == POLLPRI) {
            arm(drain);
            r = group->backend->is_empty(group); /* it may have become so just before the file was armed */
        }
    }
    bool poor = r < 0 && (drain->events >= 0 || drain->sentinel >= 0);
    if (poor) { /* what it waits with may be the last descriptors, and they are of more use for looking */
        let_go(drain);
        r = group->backend->is_empty(group);
    }
    if (r > 0)
        drain_end(drain);
    else if (r == 0 && !poor)
        choose_wait(drain, group, now);
    else
        drain->wake = time_add(now, next_pause(drain));
    return r;
}

void drain_poll(const struct drain *drain, struct pollfd fds[2])
{
    fds[0] = (struct pollfd){.fd = drain->events, .events = drain->mask};
    fds[1] = (struct pollfd){.fd = drain->sentinel, .events = POLLIN};
}

void drain_end(struct drain *drain)
{
    let_go(drain);
    drain->wake = PK_FOREVER;
    drain->pause = 0;
}
