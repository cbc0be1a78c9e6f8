/*
 * The options of pk supervise that say how one service is kept alive.
 */
#ifndef PK_CLI_APPLY_SERVICE_H
#define PK_CLI_APPLY_SERVICE_H

#include "supervise.h"

/* Their target is a struct supervise_request with a plan. */
extern const struct option_row restart_options[], ready_options[], alive_options[], service_options[];

/* After all of them, but before what is about runs of the service: whether they make sense together, and what takes
 * more than one of them. 0, or -1 after a message. */
int service_options_finish(const struct supervise_request *request);

#endif
