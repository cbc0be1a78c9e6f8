/*
 * Text that grows by printf. Running out of memory ends the test run: there is nothing to judge then.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_append(struct report *text, const char *bytes, size_t length)
{
    char *longer = realloc(text->bytes, text->length + length + 1);
    if (!longer)
        abort();
    memcpy(longer + text->length, bytes, length);
    longer[text->length + length] = '\0';
    text->bytes = longer;
    text->length += length;
}

void report_add(struct report *text, const char *format, ...)
{
    char *piece = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&piece, format, arguments);
    va_end(arguments);
    if (length < 0)
        abort();
    report_append(text, piece, (size_t)length);
    free(piece);
}

void report_free(struct report *text)
{
    free(text->bytes);
    *text = (struct report){0};
}
