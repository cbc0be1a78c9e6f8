/*
 * What pk tells of a run of one command that has ended.
 */
#ifndef PK_CLI_TELLING_H
#define PK_CLI_TELLING_H

#include "request.h"

bool result_is_out_of_time(const pk_result *result);

/* Nothing, where the exit status says it all. */
void tell_result(const struct request *request, const pk_result *result);

#endif
