/*
 * Saying why limits cannot be had: one line, which always begins with the same words.
 */
#ifndef PK_CONTAIN_REFUSAL_H
#define PK_CONTAIN_REFUSAL_H

#include <processkit/error.h>

/* Fills in the error and returns -EOPNOTSUPP. The format gives the reason, and what to do about it in parentheses. */
int refuse_limits(pk_error *error, const char *path, const char *format, ...) PK_PRINTF(3, 4);

/* The reason, without the words that all refusals begin with. */
const char *refusal_reason(const char *message);

#endif
