/*
 * Text that grows by printf, for what a judgement has to say.
 */
#ifndef PK_TESTS_TEXT_H
#define PK_TESTS_TEXT_H

#include <stddef.h>

struct text {
    char *bytes; /* NULL: empty */
    size_t length;
};

void text_add(struct text *text, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
void text_append(struct text *text, const char *bytes, size_t length);
void text_free(struct text *text);

#endif
