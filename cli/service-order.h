/*
 * Whether services can be started in an order at all.
 */
#ifndef PK_CLI_SERVICE_ORDER_H
#define PK_CLI_SERVICE_ORDER_H

#include "faults.h"
#include "service-file.h"

/* Complains of what is needed and not there, of services that need each other in a circle, and of logs that two of them
 * would write to. */
void check_services(const struct service_plans *plans, struct faults *faults);

#endif
