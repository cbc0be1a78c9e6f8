/*
 * Text that grows by printf, for what a judgement has to say.
 */
#ifndef PK_TESTS_REPORT_H
#define PK_TESTS_REPORT_H

#include <stddef.h>

struct report {
    char *bytes; /* NULL: empty */
    size_t length;
};

void report_add(struct report *text, const char *format, ...) __attribute__((__format__(__printf__, 2, 3)));
void report_append(struct report *text, const char *bytes, size_t length);
void report_free(struct report *text);

#endif
