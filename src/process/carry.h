/*
 * Carrying a process on: its run, its streams, its input, its token, and when it is over.
 *
 * Nothing here waits. Who does, polls what carry_interest says, and then lets carry_look look at it; a loop watches
 * the parts by itself (watch.c).
 */
#ifndef PK_PROCESS_CARRY_H
#define PK_PROCESS_CARRY_H

#include "process/process.h"

/* Parts follow the descriptors of the run; CARRY_USUAL is room for those of most processes, and one more. */
enum { CARRY_FEED = RUN_FDS, CARRY_CANCEL, CARRY_COMPANY, CARRY_STREAMS, CARRY_USUAL = CARRY_STREAMS + 4 };

/* How many descriptors carry_interest gives at most. */
size_t carry_most(const pk_process *process);

/* Returns when to look again, even if nothing fires. */
pk_time carry_interest(pk_process *process, struct pollfd *fds);

/* What one part waits for. */
struct pollfd carry_part(const pk_process *process, size_t index);

/* Looks at what has fired (`fds` NULL: at everything), and does what is due. 0, or a negative errno if the run cannot
 * be looked at; -ECANCELED if a callback has freed the process, and then it is gone. */
int carry_look(pk_process *process, const struct pollfd *fds);

/* Whether this call may wait for it, and what it says if that was not possible. */
int carry_check(const pk_process *process, pk_error *error);
int carry_explain(int number, pk_error *error);

/* The parts of it, for a loop, between process_enter and process_leave. */
void carry_stream(pk_process *process, struct stream *stream);

/* Ends the run if more was read than is to be kept, and that is to be its end. */
void carry_judge(pk_process *process, struct stream *stream);
int carry_run(pk_process *process);

/* Passes on what was written before now; when a run has ended, carry_run has done so. Not what somebody holds up. */
void carry_owed(pk_process *process);

/* From now on streams whose lines were asked for are read without that. Whether there were any: carry_stream passes on
 * what was read of them. */
bool carry_unpull(pk_process *process);

/* Closes descriptors that are not needed any more. They must not be watched. */
void carry_settle(pk_process *process);

/*
 * Waits until something happened, `extra` (which may be NULL) has fired or the time has come, and carries on. 0, or a
 * negative errno; -ECANCELED if a callback has freed it, and then it is gone. carry_look(process, NULL) comes before
 * the first time, unless it has only just been started.
 */
int carry_pump(pk_process *process, struct pollfd *extra, pk_time until);

#endif
