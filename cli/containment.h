/*
 * What pk tells of a containment once it has begun.
 */
#ifndef PK_CLI_CONTAINMENT_H
#define PK_CLI_CONTAINMENT_H

#include "request.h"

/* `who` is in it, such as "pid 12". */
void tell_containment(const struct request *request, const pk_group *group, const char *who);

#endif
