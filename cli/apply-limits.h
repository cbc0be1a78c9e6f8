/*
 * The options that limit the tree. Their target is a struct request.
 */
#ifndef PK_CLI_APPLY_LIMITS_H
#define PK_CLI_APPLY_LIMITS_H

#include "options.h"

extern const struct option_row limit_options[];

#endif
