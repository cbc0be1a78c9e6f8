/*
 * Sets of small numbers, written as the kernel writes lists of processors: "0-3,8".
 */
#ifndef PK_BASE_NUMBER_SET_H
#define PK_BASE_NUMBER_SET_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_SET_END = 8192 }; /* no kernel can be built for more processors, nor nodes */

struct number_set {
    uint8_t bits[NUMBER_SET_END / 8];
};

/* Numbers and ranges between commas, perhaps a line feed at the end. An empty text is an empty set. -EINVAL for
 * anything else, a range that goes down included; -ERANGE for numbers that are no member of any set. */
int number_set_parse(struct number_set *set, const char *text);

/* The smallest number that is in `set` and not in `other`; -1 if there is none. */
int number_set_first_missing(const struct number_set *set, const struct number_set *other);

#endif
