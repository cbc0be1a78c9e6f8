/*
 * The options of pk pipe, and what each of them does to the request.
 */
#ifndef PK_CLI_APPLY_PIPE_H
#define PK_CLI_APPLY_PIPE_H

#include "options.h"

/* Their target is a struct pipe_request whose stages are known: see stages.h. */
extern const struct option_row pipe_options[];

#endif
