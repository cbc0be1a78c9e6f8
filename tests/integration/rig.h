/*
 * A rig: a reaper and its leader, started as the library does it and without the library, and the owner's end of the
 * socket.
 *
 *     struct witness *witness = rig_witness();
 *     struct rig rig = rig_start(witness, "wide 3");
 *     witness_ready(witness);
 *     rig_end_all(&rig);
 *     witness_assert_dead(witness, 0);
 *     witness_free(witness);
 */
#ifndef PK_TESTS_RIG_H
#define PK_TESTS_RIG_H

#include "contain/reaper-protocol.h"
#include "harness.h"
#include "witness.h"

#include <sys/types.h>

enum { PATIENCE_MS = 10000 };

/* How it is made, other than usual. */
struct rigging {
    void (*leader)(int report);       /* instead of an adversary; `report` is the writing end of rig.report */
    void (*surroundings)(pid_t self); /* made by the reaper for itself, after it has started the leader */
    uid_t user;                       /* who both are; 0: as the test is */
    int send_buffer;                  /* 0: as usual */
};

struct rig {
    pid_t reaper;
    pid_t owner; /* somebody whose end is the owner's */
    pid_t leader;
    int control;
    int report; /* the reading end */
};

/* Before there is anything that a skipped test would leave behind. */
struct witness *rig_witness(void);

/* Starts the reaper and its leader, which is "adversary WORDS" unless it is said otherwise. Returns when the leader has
 * reported. */
struct rig rig_start_as(struct rigging making, struct witness *witness, const char *words);
struct rig rig_start(struct witness *witness, const char *words);

/* In a child: takes this user's identity, unless it is 0. */
void rig_become(uid_t user);

/* Its state as /proc/PID/stat has it. */
char rig_state_of(pid_t pid);

/* Returns when it has done what there was to do, and waits for more. */
void rig_settle(struct rig *rig);

/* The owner's pidfd fires. */
void rig_end_owner(struct rig *rig);

/* It ends by itself, soon, and content. */
void rig_finish(struct rig *rig);

void rig_say(struct rig *rig, enum reaper_kind kind, int number);

/* The length of its next message, 0 at the end of the socket, or a negative errno. */
long rig_receive(struct rig *rig, struct reaper_message *message);

/* Its next message, which must be of this kind. */
struct reaper_message rig_hear(struct rig *rig, enum reaper_kind kind);

/* Nothing follows. */
void rig_hear_end(struct rig *rig);

/* Only one that waits for its children answers so. */
void rig_assert_waiting(struct rig *rig);

/* Ends the tree, and returns after how many milliseconds that was proved. */
long rig_end_all(struct rig *rig);

#endif
