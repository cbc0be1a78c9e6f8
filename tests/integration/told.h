/*
 * Who is told by tasks, and the loop that it waits for.
 */
#ifndef PK_TESTS_TOLD_H
#define PK_TESTS_TOLD_H

#include "cast.h"

struct told {
    int calls;
    int number;
    pk_error_kind kind;
    bool free_in_callback;
    pk_task *free_too; /* in the callback */
    pk_loop *loop;     /* of another task that is to end in the callback, which is told to `next`; NULL: none */
    struct told *next;
};

pk_loop *told_loop(void);

/* A task that tells it. */
pk_task *told_submit(const pk_command *command, pk_verb verb, pk_loop *loop, struct told *told);

/* The callback. */
void told_callback(pk_task *task, int number, const pk_error *error, void *data);

/* Until it was told so often, and until a process of the task is there. */
void told_run(pk_loop *loop, const struct told *told, int calls);
void told_run_until_started(pk_loop *loop, const pk_task *task);

#define EACH_USER(function, ...) PK_TEST_WITH(function, __VA_ARGS__), PK_TEST_AS_USER(function, __VA_ARGS__)

#endif
