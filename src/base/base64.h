/*
 * Base64 (RFC 4648), with its padding and without line ends.
 */
#ifndef PK_BASE_BASE64_H
#define PK_BASE_BASE64_H

#include <stddef.h>

/* How many characters so many bytes become. */
size_t base64_length(size_t length);

/* Writes that many, and no NUL. */
void base64_encode(const void *bytes, size_t length, char *text);

/* In place: how many bytes there are, or -1 if it is not base64 in its one proper form. */
long base64_decode(char *text, size_t length);

#endif
