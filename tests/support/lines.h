/*
 * Reading from a descriptor with a deadline, by lines or to the end.
 */
#ifndef PK_TESTS_LINES_H
#define PK_TESTS_LINES_H

#include "report.h"

#include <stdbool.h>

struct line_reader {
    int fd;
    char bytes[8192];
    size_t length;
};

/* The next line, without its '\n'. False when the time is over, or at the end of the stream. */
bool lines_next(struct line_reader *reader, char *line, size_t size, int patience_ms);

/* Everything up to the end of the stream. False when the time was over first; what came until then is in `text`. */
bool read_to_end(int fd, struct report *text, int patience_ms);

/* Milliseconds of CLOCK_MONOTONIC. */
long clock_ms(void);

#endif
