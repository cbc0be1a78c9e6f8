/*
 * Taking down one run: a script of what its process does.
 */
#ifndef PK_TESTING_TAKING_H
#define PK_TESTING_TAKING_H

#include "testing/cassette.h"

struct recorder;
struct taking;

/* NULL for want of memory. One of the three that follow ends it. */
struct taking *taking_new(struct recorder *recorder, const pk_command *command, struct cassette_run *run, bool timing);

/* Of a process that nothing was read of: it is put on the cassette when the process is over. */
void taking_begin(struct taking *taking, pk_process *process);

/* There is no process: that is what is put there; or nothing at all. */
void taking_fail(struct taking *taking, int number, pk_step step);
void taking_drop(struct taking *taking);

/* ---- recorder.c -------------------------------------------------------------------------------------------------- */

/* Whether so many bytes more may be kept. */
bool recorder_has_room(struct recorder *recorder, size_t length);

/* The script is the recorder's from now on. A problem, a negative errno, is told when the cassette is to be saved. Lets
 * go of the recorder, as does the other one. */
void recorder_put(struct recorder *recorder, struct cassette_run *run, pk_script *script, int problem);
void recorder_drop(struct recorder *recorder);

#endif
