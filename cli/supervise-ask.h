/*
 * pk supervise --status and its like: what is asked of a supervisor that runs.
 */
#ifndef PK_CLI_SUPERVISE_ASK_H
#define PK_CLI_SUPERVISE_ASK_H

#include "supervise.h"

#include <jansson.h>

/* How pk ends. */
int supervise_ask(const struct supervise_request *request);

/* supervise-table.c: services, as {"name": ...} each, in columns on stdout. */
void supervise_print_table(const json_t *services);

#endif
