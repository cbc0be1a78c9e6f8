/*
 * The options of pk init. Their target is a struct init_request.
 */
#ifndef PK_CLI_APPLY_INIT_H
#define PK_CLI_APPLY_INIT_H

#include "options.h"

extern const struct option_row init_options[];

#endif
