/*
 * What a pk_process is inside.
 */
#ifndef PK_PROCESS_PROCESS_H
#define PK_PROCESS_PROCESS_H

#include "loop/loop.h"
#include "process/run.h"

struct process_watch;

struct pk_process {
    struct run run;
    struct plan_pipe *pipes;
    size_t pipe_count;
    struct process_watch *watch; /* NULL: not watched by a loop */
};

/* watch.c: stops watching. Safe inside the callback. */
void process_unwatch(pk_process *process);

#endif
