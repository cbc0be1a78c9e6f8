/*
 * How a service tells that it is ready, and what it is asked to learn whether it is well.
 */
#ifndef PK_CLI_SERVICE_QUESTION_H
#define PK_CLI_SERVICE_QUESTION_H

#include "service-reading.h"

extern const struct setting ready_settings[], alive_settings[];

/* After all that is in the table: whether it is one question. */
int check_ready(struct reading *reading, const struct setting *setting, struct toml_node *table);
int check_alive(struct reading *reading, const struct setting *setting, struct toml_node *table);

#endif
