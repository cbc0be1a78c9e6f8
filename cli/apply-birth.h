/*
 * The options that say what programs are born with. Their target is a struct request, for all commands of it.
 */
#ifndef PK_CLI_APPLY_BIRTH_H
#define PK_CLI_APPLY_BIRTH_H

#include "options.h"

extern const struct option_row birth_options[];

#endif
