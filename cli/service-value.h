/*
 * Values of service files: how they may be written, and what they are in one way of writing.
 */
#ifndef PK_CLI_SERVICE_VALUE_H
#define PK_CLI_SERVICE_VALUE_H

#include "service-reading.h"

/* Whether a value may be written like that, and in words what is expected. */
bool value_is_allowed(enum value_kind kind, enum toml_kind written);
const char *value_expected(enum value_kind kind);

/* How many bytes it takes in a plan. */
size_t value_size(enum value_kind kind);

/* The same for all ways in which the same can be written. Returns the text, or the buffer. */
enum { VALUE_BUFFER = 64 };
const char *value_canonical(enum value_kind kind, const char *text, char buffer[VALUE_BUFFER]);

/* Puts a value into a field of the plan. 0, or -1 after a complaint. */
int value_store(struct reading *reading, const struct setting *setting, struct toml_node *value);

#endif
