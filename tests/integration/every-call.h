/*
 * Failing each system call of something once, at each place where it is made.
 */
#ifndef PK_TESTS_EVERY_CALL_H
#define PK_TESTS_EVERY_CALL_H

#include "harness.h"

#include <processkit/error.h>

struct every_call {
    void (*prepare)(void *data);             /* before each run; may be NULL */
    int (*run)(void *data, pk_error *error); /* while a call fails: a clean success, or a clean error */
    void (*check)(void *data, int result);   /* after each run, with nothing failing: what must hold; may be NULL */
    void *data;
};

/* Fails the test if a run gives an error without an explanation, or leaves a descriptor behind. Returns how many
 * places there are; where everything is slow, a call does not fail at each of them. */
unsigned every_call_fails(const struct every_call *every);

/* Where everything is slow, some of the many places that make the same call stand for all of them: the next, from 1. */
unsigned every_next_place(unsigned nth);

#endif
