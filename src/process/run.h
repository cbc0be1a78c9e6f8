/*
 * A run: one started command on its way from running to ended.
 *
 * It is a state machine without waiting of its own, like the ladder it stands on. pk_process_wait drives it from a
 * poll, pk_process_watch from a loop.
 */
#ifndef PK_PROCESS_RUN_H
#define PK_PROCESS_RUN_H

#include "contain/group.h"
#include "contain/ladder.h"
#include "process/command.h"
#include "process/plan.h"

#include <processkit/process.h>
#include <processkit/trace.h>

enum run_phase {
    RUN_RUNNING,  /* the leader is alive, and nobody wants to end it */
    RUN_STOPPING, /* the ladder is at work */
    RUN_WAITING,  /* the leader has ended, its leftovers may finish */
    RUN_ENDED,
};

enum run_reason { REASON_NONE, REASON_TIMED_OUT, REASON_STOPPED, REASON_IDLE, REASON_CANCELLED, REASON_OVERFLOW };

/* What is known before the leader is there. */
struct run_before {
    pk_time started;
    unsigned losses;          /* of guardians */
    struct evidence evidence; /* of a group that others share */
};

/* More than there can be to tell at once: each kind comes once, but for the soft signal. */
enum { TRACE_NOTES = 12 };

struct trace_note {
    short kind; /* pk_trace_kind */
    short signal_number;
    int number;
};

/* What was done and has not been told: see trace.h. */
struct trace_notes {
    unsigned begin, end;
    struct trace_note notes[TRACE_NOTES];
};

struct run {
    enum run_phase phase;
    enum run_reason reason; /* why the ladder began, if it was not for leftovers */
    pk_group *group;
    bool private_group; /* the tree is the whole group; otherwise only the leader is ours to end */
    struct leader *leader;
    pk_time started;
    pk_time deadline;
    pk_stop_options stop;
    pk_leftovers leftovers;
    struct code_set ok_codes;
    struct ladder ladder;
    struct drain drain;    /* while RUN_WAITING */
    unsigned losses;       /* of guardians, before it began */
    unsigned reached;      /* events so far, as bits of pk_event */
    unsigned soft_signals; /* of the ladder, that were noted; and whether its hard kill was */
    bool escalated;
    struct trace_notes notes;
    struct evidence evidence_before;
    pk_result result; /* filled in on the way, valid once RUN_ENDED */
};

#define RUN_REACHED(event) (1U << (event))

/* Then the leader is started, and then it begins. */
void run_look_before(struct run_before *before, pk_group *group, bool private_group, const pk_command *command);
void run_begin(struct run *run, pk_group *group, bool private_group, struct leader *leader, const pk_command *command,
               const struct run_before *before);

/* Does what is due. 0, or a negative errno if even looking failed. */
int run_advance(struct run *run);

/* The same, before the owner does something to it: what has ended by itself by then is known to have. What cannot be
 * looked at is not. */
void run_catch_up(struct run *run);

/* Whether it is being ended already, for whatever reason, and a stop with these options (NULL: the command's own) would
 * make it neither sooner nor another signal. */
bool run_ends_as_soon(const struct run *run, const pk_stop_options *options);

/* Begins to end it for a reason, or makes that harder. */
void run_stop(struct run *run, enum run_reason reason, const pk_stop_options *options);

/* The same, by the hard kill at once. */
void run_kill(struct run *run, enum run_reason reason);

/* What to wait for: up to four descriptors, -1 for none, and a time. When the one at RUN_GUARD_FD fires, the guardian
 * or the reaper is lost: owner_check_guard. */
enum { RUN_FDS = 4, RUN_GUARD_FD = 3 };
pk_time run_interest(const struct run *run, struct pollfd fds[RUN_FDS]);

void run_end(struct run *run);

/* trace.c: fires the probe, and keeps it to be told. */
void run_note(struct run *run, pk_trace_kind kind);

#endif
