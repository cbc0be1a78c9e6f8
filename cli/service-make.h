/*
 * Plans become services.
 */
#ifndef PK_CLI_SERVICE_MAKE_H
#define PK_CLI_SERVICE_MAKE_H

#include "service-plan.h"

/*
 * Adds it to a supervisor, with all its settings. The plan must outlive the service, which looks for a text of it in
 * lines. NULL: memory ran out.
 */
pk_service *service_plan_make(const struct service_plan *plan, pk_supervisor *supervisor);

#endif
