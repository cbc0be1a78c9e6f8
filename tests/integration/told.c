/*
 * Who is told.
 */
#include "told.h"

void told_run(pk_loop *loop, const struct told *told, int calls)
{
    pk_error error;
    pk_time deadline = pk_deadline(PK_SECONDS(60) * test_slowness());
    while (told->calls < calls) {
        assert_true(pk_now() < deadline);
        assert_ok(pk_loop_dispatch(loop, deadline, &error), error);
    }
}

void told_run_until_started(pk_loop *loop, const pk_task *task)
{
    pk_error error;
    while (!pk_task_process(task))
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
}

void told_callback(pk_task *task, int number, const pk_error *error, void *data)
{
    struct told *told = data;
    told->calls++;
    told->number = number;
    pk_task_free(told->free_too);
    if (told->loop)
        told_run(told->loop, told->next, 1);
    if (told->free_in_callback)
        pk_task_free(task);
    told->kind = error ? error->kind : PK_ERROR_NONE; /* it lasts as long as the call */
}

pk_loop *told_loop(void)
{
    pk_error error;
    pk_loop *loop;
    assert_ok(pk_loop_create(&loop, &error), error);
    return loop;
}

pk_task *told_submit(const pk_command *command, pk_verb verb, pk_loop *loop, struct told *told)
{
    pk_error error;
    pk_task *task = NULL;
    assert_ok(pk_command_submit(command, verb, loop, told_callback, told, &task, &error), error);
    assert_non_null(task);
    return task;
}
