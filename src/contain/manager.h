/*
 * The service manager that can give this process something: where its message bus is.
 */
#ifndef PK_CONTAIN_MANAGER_H
#define PK_CONTAIN_MANAGER_H

#include <processkit/error.h>

#include <stdbool.h>

/*
 * Connects to the bus of the service manager: root's is the system's, everybody else has one of its own. Returns a
 * descriptor above 2; `of_system` says whose it is. Waits for nobody.
 *
 * -EOPNOTSUPP with the reason where there is none, or where it runs in another pid namespace: asked about a pid it
 * would take another process for it.
 *
 * Who runs with more rights than its caller has is not led elsewhere by that caller's environment.
 */
int manager_connect(bool *of_system, pk_error *error);

/* Whether a user's manager cannot reach the system's, which has to help it with processes that are not below it. */
bool manager_is_alone(void);

#endif
