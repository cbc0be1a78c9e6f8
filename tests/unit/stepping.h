/*
 * A machine in a world that knows better: beside it everything it promises is worked out once more, in another way, and
 * compared after each step.
 *
 *     struct world world;
 *     world_begin(&world, &options, now);
 *     world_step(&world, (struct machine_input){.event = MACHINE_WANTED});
 */
#ifndef PK_TESTS_STEPPING_H
#define PK_TESTS_STEPPING_H

#include "harness.h"
#include "supervise/machine.h"

const char *name_of_event(enum machine_event event);
const char *name_of_state(pk_service_state state);

/* ---- Chance ----------------------------------------------------------------------------------------------------- */

/* Where chance begins: PK_SEED, 1 if it is not set; printed. */
uint64_t chance_begin(void);
uint64_t chance(uint64_t *seed);
unsigned chance_below(uint64_t *seed, unsigned most);

/* ---- The world -------------------------------------------------------------------------------------------------- */

/* All times of something, the latest of them. */
struct past {
    pk_time times[2 * PK_RESTART_WINDOW];
    unsigned count;
};

struct world {
    struct machine machine;
    const pk_restart_options *options;
    pk_time now;
    uint64_t steps;

    enum { NO_TREE, ASKED_FOR, THERE } tree;
    bool wanted, failed;
    bool asked; /* that this incarnation ends */
    pk_time started;
    unsigned incarnation, streak, restarts, storms;
    struct past restarted, failures;
};

void world_begin(struct world *world, const pk_restart_options *options, pk_time now);

/* At `now` of the world. Fails the test if the machine breaks a promise. Returns the actions. */
unsigned world_step(struct world *world, struct machine_input input);

/* Whether nobody would say that there: REFUSED is an answer, and what is there was not refused. */
bool world_would_lie(const struct world *world, enum machine_event event);

/* ---- Short histories -------------------------------------------------------------------------------------------- */

/* Everything at once and for ever, without chance. */
pk_restart_options patient_options(void);

/* The same with pauses of 10, and of 1000 for a storm: 3 failures within 20. */
pk_restart_options stormy_options(void);

struct world world_started(const pk_restart_options *options);
void world_crash(struct world *world);

/* From a pause, as soon as may be, to the next start. */
void world_go_on(struct world *world);

#endif
