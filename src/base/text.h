/*
 * Copying text into a field of fixed size.
 */
#ifndef PK_BASE_TEXT_H
#define PK_BASE_TEXT_H

#include <stddef.h>

/* What fits of it, always ended by NUL. */
void text_copy(char *buffer, size_t size, const char *text);

#endif
