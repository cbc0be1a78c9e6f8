/*
 * Services and what happens to them, as JSON.
 */
#ifndef PK_CLI_SUPERVISE_JSON_H
#define PK_CLI_SUPERVISE_JSON_H

#include "json-value.h"

#include <processkit.h>
#include <processkit/service.h>
#include <processkit/supervisor.h>

/* NULL: memory ran out. */
json_t *json_event(const pk_service_event *event);
json_t *json_service(const pk_service *service);

#endif
