/*
 * Doubles: what every runner has that stands in the place of the real one. It remembers the commands that were to be
 * started by it.
 */
#ifndef PK_TESTING_DOUBLE_H
#define PK_TESTING_DOUBLE_H

#include "process/runner.h"

#include <pthread.h>

struct double_runner {
    struct pk_runner runner; /* first */
    pthread_mutex_t lock;    /* everything below */
    int problem;             /* of what was said of it, a negative errno; 0: none */
    pk_command **calls;
    size_t call_count;
    pk_call_callback tell;
    void *tell_data;
};

typedef int runner_start_function(pk_runner *runner, const pk_command *command, enum process_stdio stdio,
                                  pk_process **process, pk_error *error);

/* A runner of that size, all zero behind what every double has. NULL, and the error, without memory. */
void *double_new(size_t size, runner_start_function *start, void (*free_it)(pk_runner *runner), pk_error *error);

/* What every double has. */
void double_close(struct double_runner *base);

/* Remembers a start, and tells it. */
int double_note(struct double_runner *base, const pk_command *command, pk_error *error);

#endif
