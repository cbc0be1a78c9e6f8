/*
 * The steps of a script, as they are played.
 */
#ifndef PK_TESTING_SCRIPT_H
#define PK_TESTING_SCRIPT_H

#include "base/problem.h"

#include <processkit/script.h>

#include <stdbool.h>

enum step_kind {
    STEP_WRITE,
    STEP_PAUSE,
    STEP_EXPECT,
    STEP_COPY,
    STEP_CLOSE,
    STEP_ON_SIGNAL,
    STEP_LEAVE,
    STEP_EXIT,
    STEP_DIE,
    STEP_HANG,
    STEP_RUN_OUT,
    STEP_FAIL,
};

struct step {
    enum step_kind kind;
    int fd;
    int number;           /* exit code, signal or errno */
    int answer;           /* to a signal: an exit code, or SIGNAL_IGNORED */
    pk_step where;        /* a start fails */
    pk_duration duration; /* of a pause or a life */
    char *bytes;
    size_t length;
};

enum { SIGNAL_IGNORED = -1, SIGNAL_DEFAULT = -2 };

struct pk_script {
    struct problem problem;
    struct step *steps;
    size_t count;
    bool raw; /* what it writes to a terminal of its own is what came from one: it comes as it is */
};

/* One more, with a copy of these bytes. */
void script_add(pk_script *script, struct step step, const void *bytes, size_t length);

/* NULL for want of memory, and of NULL. */
pk_script *script_copy(const pk_script *script);

/* 0, or the problem that was remembered. Accepts NULL. */
int script_check(const pk_script *script, pk_error *error);

/* The first step of this kind; NULL: there is none. */
const struct step *script_find(const pk_script *script, enum step_kind kind);

#endif
