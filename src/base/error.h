/*
 * Filling a caller's pk_error.
 */
#ifndef PK_BASE_ERROR_H
#define PK_BASE_ERROR_H

#include <processkit/error.h>

/*
 * Both return `number`, so that a failing function ends with `return error_...(...)`. `error` and `path` may be NULL.
 * The message is made from the format and sanitised; it may use pieces of untrusted text.
 */
int error_set(pk_error *error, int number, pk_error_kind kind, pk_step step, const char *path, const char *format, ...)
    PK_PRINTF(6, 7);

/* The same for a failed system call: the kind follows from the errno, and ": " and its description are appended. */
int error_errno(pk_error *error, int number, pk_step step, const char *path, const char *format, ...) PK_PRINTF(5, 6);

/* The kind that an errno stands for where nothing more is known. */
pk_error_kind error_kind_of(int number);

/* The description of a negative errno, such as "Permission denied". */
const char *error_text(int number);

#endif
