/*
 * What was wrong while something was built by functions that do not fail. The first problem is the one that is told.
 */
#ifndef PK_BASE_PROBLEM_H
#define PK_BASE_PROBLEM_H

#include <processkit/error.h>

#include <stdarg.h>

struct problem {
    int number; /* a negative errno; 0: none */
    char text[192];
};

void problem_remember(struct problem *problem, int number, const char *format, va_list arguments) PK_PRINTF(3, 0);

/* 0, or the error: "invalid WHAT: ...". */
int problem_check(const struct problem *problem, const char *what, pk_error *error);

#endif
