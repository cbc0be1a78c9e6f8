/*
 * The summary of a run.
 */
#ifndef PK_CLI_STATS_H
#define PK_CLI_STATS_H

#include <processkit.h>

#include <stdbool.h>

/* On stderr. `limits` are those that were asked for. */
void print_stats(const pk_result *result, const pk_limits *limits);

/* Rows of it: a fact, and what was used and how it was contained. */
void print_fact(const char *name, const char *text);
void print_account(const pk_result *result, const pk_limits *limits);

/* One line on stderr for a run that a limit has ended. False, and nothing, for all others. */
bool print_limit_hit(const pk_result *result);

/* "12 (sh), 13 (sleep) and 3 more" */
const char *format_leftovers(const pk_result *result, char *buffer, size_t size);

/* "cgroup, whole-tree, usage"; "none". */
const char *format_guarantees(unsigned bits, char *buffer, size_t size);

#endif
