/*
 * The summary of a pipeline.
 */
#ifndef PK_CLI_PIPE_STATS_H
#define PK_CLI_PIPE_STATS_H

#include "stages.h"

/* On stderr, for one that is over and took this long. */
void print_pipe_stats(const struct pipe_request *request, const pk_process *process, pk_duration wall);

#endif
