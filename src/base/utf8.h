/*
 * What a character of UTF-8 is.
 */
#ifndef PK_BASE_UTF8_H
#define PK_BASE_UTF8_H

#include <stddef.h>

enum { UTF8_INVALID = 0, UTF8_CUT = -1 };

/* How many bytes the character has that begins here: 1 to 4. UTF8_INVALID: none does, no longer form of a shorter one
 * and no half of a pair either. UTF8_CUT: these are the beginning of one. `length` is not 0. */
int utf8_measure(const char *bytes, size_t length);

/* How many of the bytes, from the first on, are complete characters. */
size_t utf8_count(const char *bytes, size_t length);

/* How many of the first `most` bytes, of which there are more, can be kept without cutting a character in two. Bytes
 * that are no UTF-8 are cut anywhere. */
size_t utf8_cut(const char *bytes, size_t most);

#endif
