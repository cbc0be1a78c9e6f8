/*
 * Asking a process for lines, with everything else going on meanwhile (process-streams.c).
 */
#ifndef PK_PROCESS_PULL_H
#define PK_PROCESS_PULL_H

#include "process/process.h"

/* What is asked of the stream at that descriptor, or of any if it is -1. `look` returns 1: here it is; 0: it is not
 * there now; or a negative errno. */
struct pull {
    int fd;
    int (*look)(struct stream *stream, void *data);
    void *data;
};

/* From now on they are read only as far as they are asked. Whether there are any, or a negative errno. */
int pull_begin(pk_process *process, int fd, pk_error *error);

/* 1: here it is; 0: it is not there now, and *more whether it may be later. Between process_enter and process_leave. */
int pull_look(pk_process *process, const struct pull *pull, bool *more);

/* Waits until something has happened. 0, -ETIMEDOUT, another negative errno, or -ECANCELED: the process is gone. */
int pull_wait(pk_process *process, int fd, pk_time deadline, pk_error *error);

#endif
