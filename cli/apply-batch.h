/*
 * The options of pk batch, and what each of them does to the request.
 */
#ifndef PK_CLI_APPLY_BATCH_H
#define PK_CLI_APPLY_BATCH_H

#include "options.h"

/* Their target is a struct batch_request. */
extern const struct option_row batch_options[];

#endif
