/*
 * An actor plays a script: it is the leader of a run without being a process, and the children that it leaves.
 *
 * Whoever waits for the run makes it go on: the descriptor of the leader becomes readable whenever something is to be
 * done, and each look does it. All functions need the lock of the group.
 */
#ifndef PK_TESTING_ACTOR_H
#define PK_TESTING_ACTOR_H

#include "contain/leader.h"
#include "process/plan.h"

#include <processkit/group.h>
#include <processkit/script.h>

struct actor;

/* Takes over copies of the descriptors that the plan has for the child, and begins to play. The script, which has no
 * failure in it, is copied. */
int actor_new(const pk_script *script, const struct plan *plan, struct actor **ret);

/* Makes it the leader, with a descriptor of its own. */
int actor_lead(struct actor *actor, struct leader *leader);
struct actor *actor_of(const struct leader *leader);
void actor_free(struct actor *actor);

/* Plays as far as can be without waiting. 0, or a negative errno for a step that could not be tried: it will be again.
 */
int actor_look(struct actor *actor);

/* How many of leader and children are alive; at most `capacity` of them are described. */
size_t actor_members(struct actor *actor, pk_member *members, size_t capacity);

/* To all of them. */
void actor_signal(struct actor *actor, int signal_number);
void actor_freeze(struct actor *actor, bool freeze);

bool actor_ran_out_of_memory(const struct actor *actor);

#endif
