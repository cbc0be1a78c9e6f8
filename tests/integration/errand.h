/*
 * Errands: what a verb says of a command, asked by the blocking function or by a task on a loop.
 */
#ifndef PK_TESTS_ERRAND_H
#define PK_TESTS_ERRAND_H

#include "cast.h"

struct errand {
    int number;
    pk_error error;     /* kind PK_ERROR_NONE if there was none */
    char text[64];      /* "" without one */
    pk_verdict verdict; /* 0 where it is not told */
    char out[64];       /* what PK_VERB_OUTPUT has of stdout */
};

/* A verb beside those that have a name. */
enum { ERRAND_PARSE = 100, ERRAND_FIRST_LINE };

void errand_run(struct errand *errand, const pk_command *command, int verb, bool by_loop);

/* The same result in every respect. */
void errand_assert_same(const struct errand *one, const struct errand *other);

extern const bool errand_blocking, errand_by_loop;
#define EACH_WAITING(function, ...)                                                    \
    PK_TEST_NAMED(#function "/wait", function, .data = &errand_blocking, __VA_ARGS__), \
        PK_TEST_NAMED(#function "/loop", function, .data = &errand_by_loop, __VA_ARGS__)
#define errand_waiting(state) (*(const bool *)*(state))

#endif
