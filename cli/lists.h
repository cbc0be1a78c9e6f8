/*
 * Values that are lists or names: processors, users, groups, resource limits, guarantees.
 *
 * All of them return 0, or -1 after a message that names the option.
 */
#ifndef PK_CLI_LISTS_H
#define PK_CLI_LISTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Calls back with each part between commas; an empty one is an error. Stops at -1. */
int each_part(const char *option, const char *text, int (*visit)(const char *part, void *data), void *data);

/* "0-3,8" */
enum { MOST_PROCESSORS = 1024 };
int read_processors(const char *text, unsigned processors[MOST_PROCESSORS], size_t *count);

/* By number or by name. */
int read_user(const char *text, uid_t *uid);
int read_group(const char *option, const char *text, gid_t *gid);

/* "nofile=64", "cpu=10:20", "core=unlimited" */
int read_rlimit(const char *text, int *number, uint64_t *soft, uint64_t *hard);

/* "whole-tree,usage" as pk_guarantee bits. */
int read_guarantees(const char *text, unsigned *bits);

#endif
