/*
 * Reading a service file in a test, and what is said about it.
 */
#ifndef PK_TESTS_READING_H
#define PK_TESTS_READING_H

#include "service-file.h"

#include <stddef.h>

/* What was said on stderr, without "pk: services.toml:" and without the last line feed; "" if it was taken. Valid until
 * the next call. Relative paths begin in /etc. */
const char *read_services(const char *bytes, size_t length, struct service_plans *plans);

/* The same, which must be taken. */
void take_services(const char *text, struct service_plans *plans);

#endif
