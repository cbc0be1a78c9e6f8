/*
 * Groups with limits, and their files.
 */
#ifndef PK_TESTS_LIMITED_H
#define PK_TESTS_LIMITED_H

#include "cast.h"

/* Skips the test where a controller that not everybody has is missing. */
pk_group *limited_group(const pk_limits *limits);

/* A file of its cgroup: whether it can be read; what must be in it; the number after a word in it. */
bool limited_has(pk_group *group, const char *name);
void limited_expect(pk_group *group, const char *name, const char *words);
long limited_count(pk_group *group, const char *name, const char *word);

/* Starts a program with two words, or NULL. */
pk_process *limited_start(pk_group *group, const char *program, const char *word, const char *last);

/* Waits for its end, which must be this one, and frees it. */
void limited_end(pk_process *process, pk_ending ending, int number);

#endif
