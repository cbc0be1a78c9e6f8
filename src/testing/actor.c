/*
 * Playing a script, step by step, as far as that is possible without waiting.
 */
#include "testing/actor.h"

#include "base/time.h"
#include "io/room.h"
#include "loop/loop.h"
#include "sys/sys.h"
#include "testing/part.h"
#include "testing/script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 4096, MOST_AT_ONCE = 64 };

/* What the leader has left, the youngest first. */
struct child {
    struct part part; /* first */
    struct child *older;
};

struct actor {
    struct stand_in stand_in; /* first */
    pk_script *script;
    char name[sizeof(((pk_member *)0)->name)];
    struct part leader;
    struct child *children;

    size_t step;      /* that is being played */
    size_t done;      /* bytes of it */
    pk_time until;    /* a pause lasts; 0: it has not begun */
    struct room read; /* from stdin, and not used yet */
    size_t read_length;
    bool read_ended;

    bool signalled; /* how the leader has ended */
    int value;
    bool ran_out;

    int problem; /* why a step could not be tried, a negative errno, until somebody was told; 0: none */

    pk_loop *loop; /* its own: whatever a step waits for, */
    struct loop_watch watch;
    struct loop_timer timer;
    struct loop_timer child_timer; /* the end of a child, */
    struct loop_watch over_watch;
    int over; /* and that the leader has ended, which is written once and never read */
};

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

static void end_leader(struct actor *actor, bool signalled, int value)
{
    uint64_t one = 1;
    loop_watch_remove(&actor->watch);
    actor->signalled = signalled;
    actor->value = value;
    part_end(&actor->leader);
    (void)sys_write(actor->over, &one, sizeof(one));
}

/* PK_FOREVER: none does of itself. */
static pk_time next_end(const struct actor *actor)
{
    pk_time next = PK_FOREVER;
    for (const struct child *child = actor->children; child; child = child->older)
        if (child->part.alive && !part_is_halted(&child->part) && child->part.ends < next)
            next = child->part.ends;
    return next;
}

static void look_at_children(struct actor *actor)
{
    pk_time now = actor->children ? sys_now() : 0;
    for (struct child *child = actor->children; child; child = child->older)
        if (child->part.alive && !part_is_halted(&child->part) && now >= child->part.ends)
            part_end(&child->part);
    if (actor->children)
        loop_timer_set(&actor->child_timer, next_end(actor));
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

/* What comes of one: it is over, or has to wait for something that was said. */
enum outcome { OVER, WAITS };

static void on_ready(struct loop_watch *watch, int fd, uint32_t events, void *data);

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
    int r = loop_watch_add(actor->loop, &actor->watch, descriptor->fd, events, on_ready, actor);
    return r < 0 ? try_later(actor, r) : WAITS;
}

static void raise_signal(struct actor *actor, int signal_number);

/* All of it, from where it was left off. */
static enum outcome write_out(struct actor *actor, int fd, const char *bytes, size_t length)
{
    const struct part_descriptor *descriptor = part_find(&actor->leader, fd);
    while (descriptor && actor->done < length) {
        ssize_t n = part_write(descriptor, bytes + actor->done, length - actor->done);
        if (n == -EAGAIN)
            return wait_for(actor, descriptor, POLLOUT);
        if (n == -EPIPE)
            raise_signal(actor, SIGPIPE);
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
            end_leader(actor, false, 1);
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
    loop_timer_set(&actor->child_timer, next_end(actor));
    return OVER;
}

static enum outcome perform(struct actor *actor, const struct step *step)
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
        end_leader(actor, false, step->number);
        break;
    case STEP_DIE:
        end_leader(actor, true, step->number);
        break;
    case STEP_RUN_OUT:
        actor->ran_out = true;
        end_leader(actor, true, SIGKILL);
        break;
    case STEP_FAIL: /* then it is not played */
        break;
    }
    return OVER;
}

static void play(struct actor *actor)
{
    loop_watch_remove(&actor->watch);
    while (actor->leader.alive && !part_is_halted(&actor->leader) && actor->step < actor->script->count) {
        if (perform(actor, &actor->script->steps[actor->step]) == WAITS)
            return;
        actor->step++;
    }
    if (actor->leader.alive && !part_is_halted(&actor->leader))
        end_leader(actor, false, 0);
}

static void on_ready(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events;
    play(data);
}

static void on_time(struct loop_timer *timer, void *data)
{
    (void)timer;
    play(data);
}

static void on_child_time(struct loop_timer *timer, void *data)
{
    (void)timer;
    look_at_children(data);
}

/* Somebody is to look, and does. */
static void on_over(struct loop_watch *watch, int fd, uint32_t events, void *data)
{
    (void)watch, (void)fd, (void)events, (void)data;
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void end_part(struct actor *actor, struct part *part, bool signalled, int value)
{
    if (part == &actor->leader)
        end_leader(actor, signalled, value);
    else
        part_end(part);
}

static void obey(struct actor *actor, struct part *part, int signal_number)
{
    short answer = part->answers[signal_number];
    if (answer >= 0)
        end_part(actor, part, false, answer);
    else
        end_part(actor, part, true, signal_number);
}

/* It is halted no more, or not in that way: what it could not obey is obeyed now. */
static void go_on(struct actor *actor, struct part *part)
{
    for (int number = 1; number < PART_SIGNALS && part->alive; number++)
        if ((part->pending >> (number - 1) & 1) && !part_defers(part, number))
            obey(actor, part, number);
    look_at_children(actor);
    loop_timer_set(&actor->timer, sys_now()); /* whoever waits for the leader goes on with it */
}

static void signal_part(struct actor *actor, struct part *part, int signal_number)
{
    if (!part->alive)
        return;
    switch (part_judge(part, signal_number)) {
    case PART_GOES_ON:
        break;
    case PART_STOPS:
        part->stopped = true;
        break;
    case PART_CONTINUES:
        part->stopped = false;
        if (part->answers[signal_number] >= 0)
            part->pending |= UINT64_C(1) << (signal_number - 1);
        go_on(actor, part);
        break;
    case PART_EXITS:
    case PART_DIES:
        if (part_defers(part, signal_number))
            part->pending |= UINT64_C(1) << (signal_number - 1);
        else
            obey(actor, part, signal_number);
        break;
    }
}

static void raise_signal(struct actor *actor, int signal_number)
{
    signal_part(actor, &actor->leader, signal_number);
}

void actor_signal(struct actor *actor, int signal_number)
{
    signal_part(actor, &actor->leader, signal_number);
    for (struct child *child = actor->children; child; child = child->older)
        signal_part(actor, &child->part, signal_number);
}

static void freeze_part(struct actor *actor, struct part *part, bool freeze)
{
    part->frozen = freeze;
    if (!freeze)
        go_on(actor, part);
}

void actor_freeze(struct actor *actor, bool freeze)
{
    freeze_part(actor, &actor->leader, freeze);
    for (struct child *child = actor->children; child; child = child->older)
        freeze_part(actor, &child->part, freeze);
}

/* ---- As a leader ------------------------------------------------------------------------------------------------ */

int actor_look(struct actor *actor)
{
    look_at_children(actor);
    if (!actor->leader.alive)
        return 0;
    int r = pk_loop_dispatch(actor->loop, 0, NULL);
    int problem = actor->problem;
    actor->problem = 0;
    if (!actor->leader.alive)
        return 0;
    return problem < 0 ? problem : r < 0 ? r : 0;
}

static int look(struct stand_in *stand_in, bool *signalled, int *value)
{
    struct actor *actor = (struct actor *)stand_in;
    int r = actor_look(actor);
    if (r < 0 || actor->leader.alive)
        return r;
    *signalled = actor->signalled;
    *value = actor->value;
    return 1;
}

/* Whoever waits keeps the time as well, since a timer that could not be set would never fire. */
static pk_duration interest(const struct stand_in *stand_in)
{
    const struct actor *actor = (const struct actor *)stand_in;
    return actor->leader.alive ? pk_loop_timeout(actor->loop) : time_left(next_end(actor), sys_now());
}

static int signal_leader(struct stand_in *stand_in, int signal_number)
{
    struct actor *actor = (struct actor *)stand_in;
    if (!actor->leader.alive)
        return -ESRCH;
    raise_signal(actor, signal_number);
    return 0;
}

static void free_stand_in(struct stand_in *stand_in)
{
    actor_free((struct actor *)stand_in);
}

int actor_lead(struct actor *actor, struct leader *leader)
{
    int fd = sys_fcntl(pk_loop_fd(actor->loop), F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return fd;
    leader->pid = actor->leader.pid;
    leader->pidfd = fd;
    leader->stand_in = &actor->stand_in;
    return 0;
}

struct actor *actor_of(const struct leader *leader)
{
    return (struct actor *)leader->stand_in;
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

static int open_loop(struct actor *actor)
{
    actor->over = sys_keep(sys_eventfd());
    if (actor->over < 0)
        return actor->over;
    int r = pk_loop_create(&actor->loop, NULL);
    if (r == 0)
        r = loop_watch_add(actor->loop, &actor->over_watch, actor->over, POLLIN, on_over, actor);
    if (r == 0)
        r = loop_timer_add(actor->loop, &actor->child_timer, PK_FOREVER, on_child_time, actor);
    if (r == 0) /* with a time, so that it has its descriptor from now on */
        r = loop_timer_add(actor->loop, &actor->timer, sys_now(), on_time, actor);
    return r;
}

static void keep_name(struct actor *actor, const char *program)
{
    const char *slash = strrchr(program, '/');
    strncpy(actor->name, slash ? slash + 1 : program, sizeof(actor->name) - 1);
}

int actor_new(const pk_script *script, const struct plan *plan, struct actor **ret)
{
    struct actor *actor = calloc(1, sizeof(*actor));
    if (!actor)
        return -ENOMEM;
    actor->stand_in = (struct stand_in){look, interest, signal_leader, free_stand_in};
    actor->over = -1;
    keep_name(actor, plan->command->argv[0]);
    actor->script = script_copy(script);
    int r = actor->script ? part_begin(&actor->leader, plan) : -ENOMEM;
    if (r == 0)
        r = open_loop(actor);
    if (r < 0) {
        actor_free(actor);
        return r;
    }
    *ret = actor;
    return 0;
}

void actor_free(struct actor *actor)
{
    loop_watch_remove(&actor->watch);
    part_free(&actor->leader);
    while (actor->children) {
        struct child *child = actor->children;
        actor->children = child->older;
        part_free(&child->part);
        free(child);
    }
    loop_watch_remove(&actor->over_watch);
    loop_timer_remove(&actor->timer);
    loop_timer_remove(&actor->child_timer);
    pk_loop_free(actor->loop);
    sys_close_safe(actor->over);
    room_free(&actor->read);
    pk_script_free(actor->script);
    free(actor);
}

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

static void describe(const struct actor *actor, const struct part *part, pk_member *members, size_t capacity,
                     size_t *count)
{
    if (!part->alive)
        return;
    if (*count < capacity) {
        members[*count].pid = part->pid;
        memcpy(members[*count].name, actor->name, sizeof(actor->name));
    }
    ++*count;
}

size_t actor_members(struct actor *actor, pk_member *members, size_t capacity)
{
    size_t count = 0;
    look_at_children(actor);
    describe(actor, &actor->leader, members, capacity, &count);
    for (const struct child *child = actor->children; child; child = child->older)
        describe(actor, &child->part, members, capacity, &count);
    return count;
}

bool actor_ran_out_of_memory(const struct actor *actor)
{
    return actor->ran_out;
}
