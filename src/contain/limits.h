/*
 * Limits as the cgroup files have them.
 */
#ifndef PK_CONTAIN_LIMITS_H
#define PK_CONTAIN_LIMITS_H

#include <processkit/group.h>

/* Whether any limit is asked for. */
bool limits_any(const pk_limits *limits);

/* -EINVAL for numbers that mean nothing. */
int limits_check(const pk_limits *limits, pk_error *error);

/* The controllers that PK_GUARANTEE_LIMITS stands for. */
enum { LIMITS_REQUIRED = 3 };
extern const char *const limits_required[LIMITS_REQUIRED];

/* The controllers these limits need; at most 3. Returns how many. */
size_t limits_controllers(const pk_limits *limits, const char *controllers[3]);

/* Writes them to a directory: all or nothing, with the old values put back after a failure. A field of zero is written
 * as "no limit" if the file is there. */
int limits_write(int dir, const pk_limits *limits, pk_error *error);

/* Reads them back. */
int limits_read(int dir, pk_limits *limits, pk_error *error);

#endif
