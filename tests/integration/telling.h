/*
 * What came of a command, as text: two runs of the same have the same, since pids and durations are left out.
 */
#ifndef PK_TESTS_TELLING_H
#define PK_TESTS_TELLING_H

#include <processkit.h>

#include <stdio.h>

/* What was returned, and the error if that is negative. */
void tell_returned(FILE *out, int result, const pk_error *error);

void tell_result(FILE *out, const pk_result *result);

/* NULL: it was not captured. */
void tell_capture(FILE *out, int fd, const pk_capture *capture);

/* Bytes in quotes; of many the beginning, and a sum of all. */
void tell_bytes(FILE *out, const char *name, const void *bytes, size_t length);

void tell_line(FILE *out, const pk_line *line);

#endif
