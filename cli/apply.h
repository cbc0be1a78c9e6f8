/*
 * The options of pk run, and what each of them does to the request.
 */
#ifndef PK_CLI_APPLY_H
#define PK_CLI_APPLY_H

#include "options.h"

/* Ends with a row without a name. Their target is a struct run_request. */
extern const struct option_row run_options[];

#endif
