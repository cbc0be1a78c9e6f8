/*
 * A play: what an actor is inside, for those who take its steps.
 */
#ifndef PK_TESTING_PLAY_H
#define PK_TESTING_PLAY_H

#include "contain/leader.h"
#include "io/room.h"
#include "loop/loop.h"
#include "testing/part.h"
#include "testing/script.h"

#include <processkit/group.h>

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

/* What comes of a step: it is over, or has to wait for something that was said. */
enum outcome { OVER, WAITS };

enum outcome play_step(struct actor *actor, const struct step *step);

/* ---- For steps -------------------------------------------------------------------------------------------------- */

/* Goes on. */
void play_on_ready(struct loop_watch *watch, int fd, uint32_t events, void *data);

/* The leader gets a signal, or has ended. */
void play_signal(struct actor *actor, int signal_number);
void play_end(struct actor *actor, bool signalled, int value);

/* When the next child ends of itself; PK_FOREVER: none does. */
pk_time play_next_end(const struct actor *actor);

#endif
