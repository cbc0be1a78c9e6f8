/*
 * Copying text into a field of fixed size.
 */
#ifndef PK_BASE_TEXT_H
#define PK_BASE_TEXT_H

#include <stddef.h>

/* As pk_format_text, for bytes that may have NULs among them: those are escaped as well. How many of the bytes have
 * found room. */
size_t text_show(const char *bytes, size_t length, char *buffer, size_t size);

/* What fits of it, always ended by NUL. */
void text_copy(char *buffer, size_t size, const char *text);

#endif
