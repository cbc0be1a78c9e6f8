/*
 * Where somebody else gets what goes from one stage to the next: a relay that a loop carries.
 */
#include "base/error.h"
#include "pipeline/chain.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdlib.h>

static void on_fd(struct loop_watch *watch, int fd, uint32_t events, void *data);

static void unfollow(struct joint *joint)
{
    for (int i = 0; i < RELAY_FDS; i++) {
        loop_watch_remove(&joint->watches[i]);
        joint->watched[i].fd = -1;
    }
}

/* Nothing more comes, or nobody takes it. What waits for the other side learns that by the end of its pipe. */
static void give_up(struct joint *joint)
{
    unfollow(joint);
    loop_timer_remove(&joint->again);
    relay_close(&joint->relay);
}

static int follow(struct joint *joint)
{
    struct pollfd wanted[RELAY_FDS];
    relay_interest(&joint->relay, wanted);
    for (int i = 0; i < RELAY_FDS; i++) {
        if (wanted[i].fd == joint->watched[i].fd && wanted[i].events == joint->watched[i].events)
            continue;
        loop_watch_remove(&joint->watches[i]);
        joint->watched[i].fd = -1;
        int r = wanted[i].fd < 0 ? 0
                                 : loop_watch_add(joint->chain->loop, &joint->watches[i], wanted[i].fd,
                                                  (uint32_t)wanted[i].events, on_fd, joint);
        if (r < 0)
            return r;
        joint->watched[i] = wanted[i];
    }
    return 0;
}

/* What cannot be read or watched now, for want of memory, is tried again shortly: to end here would look like the end
 * of what was written. */
static void carry(struct joint *joint)
{
    if (!relay_advance(&joint->relay)) {
        give_up(joint);
        return;
    }
    if (joint->relay.error == 0 && follow(joint) == 0)
        return;
    unfollow(joint);
    loop_timer_set(&joint->again, pk_deadline(PK_MILLISECONDS(10)));
}

static void on_fd(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    carry(data);
}

static void on_time(struct loop_timer *timer, void *data)
{
    (void)timer;
    carry(data);
}

int joint_make(struct chain *chain, size_t stage, int from, int to, int tee, pk_error *error)
{
    struct joint *joint = calloc(1, sizeof(*joint));
    if (!joint) {
        sys_close_safe(from);
        sys_close_safe(to);
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot start a pipeline");
    }
    joint->chain = chain;
    for (int i = 0; i < RELAY_FDS; i++)
        joint->watched[i].fd = -1;
    chain->links[stage].joint = joint;
    int r = relay_open(&joint->relay, from, to, tee);
    if (r == 0)
        r = loop_timer_add(chain->loop, &joint->again, PK_FOREVER, on_time, joint);
    if (r == 0)
        r = follow(joint);
    return r < 0 ? error_errno(error, r, PK_STEP_OPEN_STDIO, NULL, "cannot pass on what goes to descriptor %d", tee)
                 : 0;
}

struct joint *joint_free(struct joint *joint)
{
    if (!joint)
        return NULL;
    give_up(joint);
    free(joint);
    return NULL;
}
