/*
 * Playing a script as a leader, as far as that is possible without waiting.
 */
#include "testing/actor.h"

#include "base/text.h"
#include "base/time.h"
#include "sys/sys.h"
#include "testing/play.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

void play_end(struct actor *actor, bool signalled, int value)
{
    uint64_t one = 1;
    loop_watch_remove(&actor->watch);
    actor->signalled = signalled;
    actor->value = value;
    part_end(&actor->leader);
    (void)sys_write(actor->over, &one, sizeof(one));
}

pk_time play_next_end(const struct actor *actor)
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
        loop_timer_set(&actor->child_timer, play_next_end(actor));
}

/* ---- Playing ----------------------------------------------------------------------------------------------------- */

static void play(struct actor *actor)
{
    loop_watch_remove(&actor->watch);
    while (actor->leader.alive && !part_is_halted(&actor->leader) && actor->step < actor->script->count) {
        if (play_step(actor, &actor->script->steps[actor->step]) == WAITS)
            return;
        actor->step++;
    }
    if (actor->leader.alive && !part_is_halted(&actor->leader))
        play_end(actor, false, 0);
}

void play_on_ready(struct loop_watch *watch, int fd, uint32_t events, void *data)
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
        play_end(actor, signalled, value);
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

void play_signal(struct actor *actor, int signal_number)
{
    signal_part(actor, &actor->leader, signal_number);
}

void actor_signal(struct actor *actor, int signal_number)
{
    play_signal(actor, signal_number);
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
    return actor->leader.alive ? pk_loop_timeout(actor->loop) : time_left(play_next_end(actor), sys_now());
}

static int signal_leader(struct stand_in *stand_in, int signal_number)
{
    struct actor *actor = (struct actor *)stand_in;
    if (!actor->leader.alive)
        return -ESRCH;
    play_signal(actor, signal_number);
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
    text_copy(actor->name, sizeof(actor->name), slash ? slash + 1 : program);
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
    if (r == 0 && script->raw)
        r = part_make_raw(&actor->leader);
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
