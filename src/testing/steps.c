/*
 * The steps of a script: each does what can be done without waiting, and says what it waits for.
 */
#include "sys/sys.h"
#include "testing/play.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 4096, MOST_AT_ONCE = 64 };

/* For want of memory or descriptors: whoever looks is told, since the outcome would be another one without that step.
 * It is tried again shortly, if they go on. */
static enum outcome try_later(struct actor *actor, int number)
{
    actor->problem = number;
    loop_timer_set(&actor->timer, pk_deadline(PK_MILLISECONDS(10)));
    return WAITS;
}

static enum outcome wait_for(struct actor *actor, const struct part_descriptor *descriptor, uint32_t events)
{
    int r = loop_watch_add(actor->loop, &actor->watch, descriptor->fd, events, play_on_ready, actor);
    return r < 0 ? try_later(actor, r) : WAITS;
}

/* All of it, from where it was left off. */
static enum outcome write_out(struct actor *actor, int fd, const char *bytes, size_t length)
{
    const struct part_descriptor *descriptor = part_find(&actor->leader, fd);
    while (descriptor && actor->done < length) {
        ssize_t n = part_write(descriptor, bytes + actor->done, length - actor->done);
        if (n == -EAGAIN)
            return wait_for(actor, descriptor, POLLOUT);
        if (n == -EPIPE)
            play_signal(actor, SIGPIPE);
        if (n < 0)
            break; /* a program that does not look at errors */
        actor->done += (size_t)n;
    }
    actor->done = 0;
    return OVER;
}

/* Reads some more of stdin; OVER: look at it. */
static enum outcome read_in(struct actor *actor)
{
    const struct part_descriptor *descriptor = part_find(&actor->leader, 0);
    if (!descriptor) {
        actor->read_ended = true;
        return OVER;
    }
    int r = room_reserve(&actor->read, actor->read_length + READ_SIZE, SIZE_MAX);
    if (r < 0)
        return try_later(actor, r);
    ssize_t n = part_read(descriptor, actor->read.bytes + actor->read_length, READ_SIZE);
    if (n == -EAGAIN)
        return wait_for(actor, descriptor, POLLIN);
    if (n <= 0)
        actor->read_ended = true;
    else
        actor->read_length += (size_t)n;
    return OVER;
}

static void use_up(struct actor *actor, size_t length)
{
    actor->read_length -= length;
    if (actor->read_length > 0) /* there may be no memory for any yet */
        memmove(actor->read.bytes, actor->read.bytes + length, actor->read_length);
}

static enum outcome expect(struct actor *actor, const struct step *step)
{
    for (;;) {
        const char *found =
            actor->read_length > 0 ? memmem(actor->read.bytes, actor->read_length, step->bytes, step->length) : NULL;
        if (found || step->length == 0) {
            use_up(actor, found ? (size_t)(found - actor->read.bytes) + step->length : 0);
            return OVER;
        }
        if (actor->read_ended) {
            play_end(actor, false, 1);
            return OVER;
        }
        if (actor->read_length >= step->length) /* the text can begin in its last bytes only */
            use_up(actor, actor->read_length - step->length + 1);
        if (read_in(actor) == WAITS)
            return WAITS;
    }
}

static enum outcome copy(struct actor *actor, const struct step *step)
{
    for (int i = 0; i < MOST_AT_ONCE && actor->leader.alive; i++) {
        if (write_out(actor, step->fd, actor->read.bytes, actor->read_length) == WAITS)
            return WAITS;
        use_up(actor, actor->read_length);
        if (actor->read_ended)
            return OVER;
        if (read_in(actor) == WAITS)
            return WAITS;
    }
    loop_timer_set(&actor->timer, sys_now()); /* others have their turn */
    return actor->leader.alive ? WAITS : OVER;
}

static enum outcome pause_for(struct actor *actor, const struct step *step)
{
    if (actor->until == 0)
        actor->until = pk_deadline(step->duration);
    if (sys_now() < actor->until) {
        loop_timer_set(&actor->timer, actor->until);
        return WAITS;
    }
    actor->until = 0;
    return OVER;
}

static enum outcome leave_child(struct actor *actor, const struct step *step)
{
    struct child *child = malloc(sizeof(*child));
    int r = child ? part_fork(&child->part, &actor->leader) : -ENOMEM;
    if (r < 0) {
        free(child);
        return try_later(actor, r);
    }
    child->part.ends = pk_deadline(step->duration);
    child->older = actor->children;
    actor->children = child;
    loop_timer_set(&actor->child_timer, play_next_end(actor));
    return OVER;
}

enum outcome play_step(struct actor *actor, const struct step *step)
{
    struct part_descriptor *descriptor;
    switch (step->kind) {
    case STEP_WRITE:
        return write_out(actor, step->fd, step->bytes, step->length);
    case STEP_PAUSE:
        return pause_for(actor, step);
    case STEP_EXPECT:
        return expect(actor, step);
    case STEP_COPY:
        return copy(actor, step);
    case STEP_HANG:
        return WAITS;
    case STEP_CLOSE:
        descriptor = part_find(&actor->leader, step->fd);
        if (descriptor)
            part_close(descriptor);
        break;
    case STEP_ON_SIGNAL:
        actor->leader.answers[step->number] = (short)step->answer;
        break;
    case STEP_LEAVE:
        return leave_child(actor, step);
    case STEP_EXIT:
        play_end(actor, false, step->number);
        break;
    case STEP_DIE:
        play_end(actor, true, step->number);
        break;
    case STEP_RUN_OUT:
        actor->ran_out = true;
        play_end(actor, true, SIGKILL);
        break;
    case STEP_FAIL: /* then it is not played */
        break;
    }
    return OVER;
}
