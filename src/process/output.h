/*
 * What is to be said of a run that has ended: how, and what it wrote.
 */
#ifndef PK_PROCESS_OUTPUT_H
#define PK_PROCESS_OUTPUT_H

#include "process/process.h"

#include <processkit/run.h>

struct ended {
    const pk_result *result;
    const char *program;
    int input_error;
    struct stream *streams;
    size_t stream_count;
};

/* NULL if that descriptor was not captured. */
const pk_capture *ended_capture(const struct ended *ended, int fd);

/* 0 for a success, or with `any_code` for any exit; otherwise the error of who wanted that. */
int ended_judge(const struct ended *ended, bool any_code, pk_error *error);

/* The error for an end that was not wanted, whatever it was. */
int ended_refuse(const struct ended *ended, pk_error *error);

/* Of a process that has ended, and has nothing left to tell then. NULL without memory. */
pk_output *output_take(pk_process *process, pk_error *error);

/* Whose end counts: that of the culprit among several stages. */
const struct ended *output_ended(const pk_output *output);

/* The error if not everything of a stream was kept; of several stages, of the last. */
int output_check_whole(const pk_output *output, int fd, pk_error *error);

#endif
