/*
 * Limits as the cgroup files have them.
 */
#ifndef PK_CONTAIN_LIMITS_H
#define PK_CONTAIN_LIMITS_H

#include <processkit/limits.h>

/* Whether any limit is asked for. */
bool limits_any(const pk_limits *limits);

/* Whether somebody is to be killed when its memory runs out, and whether that is the whole tree. */
bool limits_kill(const pk_limits *limits);
bool limits_kill_group(const pk_limits *limits);

/* -EINVAL for what means nothing, or what no kernel takes. */
int limits_check(const pk_limits *limits, pk_error *error);

/* All controllers that limits need, beginning with those that PK_GUARANTEE_LIMITS stands for. */
enum { LIMITS_REQUIRED = 3, LIMIT_CONTROLLERS = 5 };
extern const char *const limits_all[LIMIT_CONTROLLERS];

/* The controllers these limits need, and the `required` ones beside them. Returns how many. */
size_t limits_controllers(const pk_limits *limits, bool required, const char *controllers[LIMIT_CONTROLLERS]);

/* limit-write.c. Writes them to a directory that was made just now: only what is asked for. After a failure it is good
 * for nothing but to be removed. */
int limits_write_new(int dir, const pk_limits *limits, pk_error *error);

/* The same in the place of what is there: all or nothing, with the old values put back after a failure. A field of zero
 * lifts a limit. */
int limits_replace(int dir, const pk_limits *limits, pk_error *error);

/* limit-read.c. Reads them back. */
int limits_read(int dir, pk_limits *limits, pk_error *error);

/* Whether a group that failed with -EAGAIN to start a process has as many as pids.max allows. */
bool limits_pids_are_reached(int dir);

/* Whether a group has ever been at its memory.max, and whether anybody was killed for that. */
bool limits_memory_is_reached(int dir);
bool limits_memory_has_killed(int dir);

#endif
