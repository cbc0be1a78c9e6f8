/*
 * Telling what is done: to callbacks, counters and probes.
 *
 * A run notes what it does, in the middle of doing it (run_note); callbacks hear of it between two steps, when they may
 * do anything.
 */
#ifndef PK_PROCESS_TRACE_H
#define PK_PROCESS_TRACE_H

#include "process/process.h"

#include <processkit/trace.h>

/* The beginning: `r` of the call that started a process, which it returns. `process` if that is not negative. */
int trace_start(const pk_command *command, int r, pk_process *process, const pk_error *error);

/* Before a handle is freed. */
void trace_free(pk_process *process);

/* The end of run and streams, to be told. */
void trace_end(pk_process *process);

/* Tells what was noted. Between process_enter and process_leave: a callback may free the process. */
void trace_tell(pk_process *process);

/* Whether there is something to tell a loop, without that anything has happened. */
bool trace_is_due(const pk_process *process);

/* A further attempt will be made of a command whose last one failed with this error, or has ended so. */
void trace_retry(const pk_command *command, unsigned attempt, pk_duration pause, const pk_error *why);

#endif
