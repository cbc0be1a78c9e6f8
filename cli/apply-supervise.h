/*
 * The options of pk supervise.
 */
#ifndef PK_CLI_APPLY_SUPERVISE_H
#define PK_CLI_APPLY_SUPERVISE_H

#include "supervise.h"

extern const struct option_row supervise_options[];

/* What the given options are about: the file that they name, if any. Before they are applied. 0, or -1 after a message
 * about those that have no sense together. */
int supervise_options_check(struct supervise_request *request);

#endif
