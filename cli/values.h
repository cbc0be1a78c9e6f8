/*
 * Values of options: numbers, times, words.
 *
 * All of them return 0, or -1 after a message that names the option.
 */
#ifndef PK_CLI_VALUES_H
#define PK_CLI_VALUES_H

#include <processkit/time.h>

#include <stdint.h>

int value_number(const char *option, const char *value, uint64_t least, uint64_t most, uint64_t *number);

/* One that leaves some time. */
int value_duration(const char *option, const char *value, pk_duration *duration);

/* "10/1s" */
int value_rate(const char *option, const char *value, uint64_t most, unsigned *count, pk_duration *time);

/* Which of `words` it is, which end with NULL. `known` says them for people. */
int value_word(const char *option, const char *value, const char *const *words, const char *known, unsigned *which);

#endif
