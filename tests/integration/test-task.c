/*
 * Tasks: what they know, many of them, their loops, and what makes none.
 */
#include "cast.h"
#include "sys/fault.h"
#include "told.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

static void a_task_tells_what_it_knows(void **state)
{
    (void)state;
    struct told told = {0};
    pk_loop *loop = told_loop();
    pk_task *task;
    {
        pk_auto(pk_command) command = cast_command(NULL, "print out -- print-to 2 err -- exit 3");
        task = told_submit(command, PK_VERB_RUN, loop, &told);
    } /* it has its own */
    assert_null(pk_task_process(task));
    assert_null(pk_task_output(task));
    assert_int_equal(pk_loop_timeout(loop), 0);
    told_run(loop, &told, 1);
    assert_int_equal(told.kind, PK_ERROR_EXIT);
    assert_null(pk_task_process(task));
    assert_null(pk_task_text(task));
    assert_int_equal(pk_task_result(task)->exit_code, 3);
    assert_string_equal(pk_output_text(pk_task_output(task), 1), "out\n");
    assert_string_equal(pk_output_text(pk_task_output(task), 2), "err\n");
    assert_null(pk_task_free(task));
    assert_null(pk_task_free(NULL));
    pk_loop_free(loop);
}

static void a_task_that_is_over_holds_no_descriptor(void **state)
{
    (void)state;
    struct told told = {0};
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "print out -- print-to 2 err");
    pk_command_input_text(command, "in");
    pk_task *first = told_submit(command, PK_VERB_OUTPUT, loop, &told);
    told_run(loop, &told, 1); /* what is made once is there from now on */
    int before = cast_count_descriptors();
    pk_task *second = told_submit(command, PK_VERB_OUTPUT, loop, &told);
    told_run(loop, &told, 2);
    assert_int_equal(cast_count_descriptors(), before);
    pk_task_free(first);
    pk_task_free(second);
    pk_loop_free(loop);
}

static void its_process_can_be_stopped(void **state)
{
    (void)state;
    struct told told = {0};
    pk_error error;
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    pk_task *task = told_submit(command, PK_VERB_STATUS, loop, &told);
    told_run_until_started(loop, task);
    assert_ok(pk_process_stop(pk_task_process(task), NULL, &error), error);
    told_run(loop, &told, 1);
    assert_int_equal(told.number, 0);
    assert_int_equal(pk_task_result(task)->verdict, PK_VERDICT_STOPPED);
    pk_task_free(task);
    pk_loop_free(loop);
}

static void its_process_can_be_freed(void **state)
{
    (void)state;
    struct told told = {0};
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    pk_task *task = told_submit(command, PK_VERB_STATUS, loop, &told);
    told_run_until_started(loop, task);
    pk_process_free(pk_task_process(task));
    assert_null(pk_task_process(task));
    told_run(loop, &told, 1);
    assert_int_equal(told.number, -ECANCELED);
    pk_task_free(task);
    pk_loop_free(loop);
}

/* ---- Many ------------------------------------------------------------------------------------------------------- */

struct crowd {
    int numbers[100];
    int calls;
};

struct member {
    struct crowd *crowd;
    int index;
};

static void note_and_free(pk_task *task, int number, const pk_error *error, void *data)
{
    struct member *member = data;
    assert_null(error);
    member->crowd->numbers[member->index] = number;
    member->crowd->calls++;
    pk_task_free(task);
}

static void a_hundred_at_once(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct crowd crowd = {.calls = 0};
    struct member members[MANY];
    pk_error error;
    pk_loop *loop = told_loop();
    for (int i = 0; i < MANY; i++) {
        char words[64];
        members[i] = (struct member){&crowd, i};
        snprintf(words, sizeof(words), "sleep %d -- exit %d", i % 3 * 10, i);
        pk_auto(pk_command) command = cast_command(NULL, words);
        assert_ok(pk_command_submit(command, PK_VERB_EXIT_CODE, loop, note_and_free, &members[i], NULL, &error), error);
    }
    while (crowd.calls < MANY)
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(60)), &error), error);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(crowd.numbers[i], i);
    assert_int_equal(pk_loop_dispatch(loop, 0, &error), 0);
    pk_loop_free(loop);
}

static void one_token_ends_them_all(void **state)
{
    (void)state;
    enum { MANY = 10 };
    struct told told = {.free_in_callback = true};
    pk_error error;
    pk_task *last = NULL;
    pk_cancel *cancel;
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_command_cancel(command, cancel);
    for (int i = 0; i < MANY; i++)
        last = told_submit(command, PK_VERB_CHECK, loop, &told);
    told_run_until_started(loop, last);
    pk_cancel_now(cancel);
    told_run(loop, &told, MANY);
    assert_int_equal(told.kind, PK_ERROR_CANCELLED);
    pk_cancel_free(cancel);
    pk_loop_free(loop);
}

/* ---- Loops ------------------------------------------------------------------------------------------------------ */

struct chain {
    pk_command *command;
    pk_loop *loop;
    int left;
};

static void go_on(pk_task *task, int number, const pk_error *error, void *data)
{
    struct chain *chain = data;
    (void)error;
    assert_int_equal(number, 0);
    pk_task_free(task);
    if (--chain->left > 0)
        assert_int_equal(pk_command_submit(chain->command, PK_VERB_CHECK, chain->loop, go_on, chain, NULL, NULL), 0);
}

static void a_callback_may_submit_the_next(void **state)
{
    (void)state;
    pk_error error;
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    struct chain chain = {command, loop, 3};
    assert_ok(pk_command_submit(command, PK_VERB_CHECK, loop, go_on, &chain, NULL, &error), error);
    while (chain.left > 0)
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_SECONDS(60)), &error), error);
    pk_loop_free(loop);
}

static void loops_may_be_nested(void **state)
{
    (void)state;
    struct told inner = {.free_in_callback = true}, outer = {0};
    pk_loop *loop = told_loop(), *other = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "exit 4");
    inner.free_too = told_submit(command, PK_VERB_CHECK, loop, &outer);
    told_submit(command, PK_VERB_CHECK, other, &inner);
    outer.loop = other;
    outer.next = &inner;
    told_run(loop, &outer, 1);
    assert_int_equal(inner.calls, 1);
    assert_int_equal(outer.kind, PK_ERROR_EXIT);
    pk_loop_free(loop);
    pk_loop_free(other);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static bool is_seven(const pk_line *line, void *data)
{
    ++*(int *)data;
    return strcmp(line->text, "line 7") == 0;
}

static void count_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line;
    ++*(int *)data;
}

static void the_first_line_is_enough(void **state)
{
    (void)state;
    struct told told = {0};
    int seen = 0, counted = 0;
    pk_error error;
    pk_task *task;
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "lines 10 -- hold");
    pk_command_on_line(command, 1, count_line, &counted);
    assert_ok(pk_command_submit_first_line(command, is_seven, &seen, loop, told_callback, &told, &task, &error), error);
    told_run(loop, &told, 1);
    assert_int_equal(told.number, 1);
    assert_string_equal(pk_task_text(task), "line 7");
    assert_int_equal(seen, 7);
    assert_int_equal(counted, 7);
    assert_null(pk_task_result(task));
    pk_task_free(task);
    pk_loop_free(loop);
}

static void never(pk_task *task, int number, const pk_error *error, void *data)
{
    (void)task, (void)number, (void)error, (void)data;
    fail();
}

/* ---- In want ---------------------------------------------------------------------------------------------------- */

static bool want_descriptors(const pk_error *error, unsigned attempt, void *data)
{
    (void)error;
    *(bool *)data = true;
    sys_fault_set("fcntl", 0, EMFILE);
    return attempt == 1;
}

/* Without a descriptor for it the token is looked at now and then. */
static void a_pause_that_is_deaf_ends_all_the_same(void **state)
{
    (void)state;
    struct told told = {.free_in_callback = true};
    bool wanting = false;
    pk_error error;
    pk_cancel *cancel;
    pk_loop *loop = told_loop();
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    pk_auto(pk_command) command = cast_command(NULL, "exit 1");
    assert_ok(pk_cancel_create(&cancel, &error), error);
    options.first_pause = options.most_pause = PK_MINUTES(10);
    options.jitter = false;
    options.again = want_descriptors;
    options.data = &wanting;
    pk_command_retry(command, &options);
    pk_command_cancel(command, cancel);
    told_submit(command, PK_VERB_CHECK, loop, &told);
    while (!wanting)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_true(pk_loop_timeout(loop) <= PK_MILLISECONDS(10));
    pk_cancel_now(cancel);
    told_run(loop, &told, 1);
    assert_int_equal(told.kind, PK_ERROR_CANCELLED);
    sys_fault_clear();
    pk_cancel_free(cancel);
    pk_loop_free(loop);
}

static void what_makes_no_task_is_refused(void **state)
{
    (void)state;
    pk_error error = {0};
    pk_task *task = NULL;
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "exit 0");
    assert_int_equal(pk_command_submit(command, (pk_verb)0, loop, never, NULL, &task, &error), -EINVAL);
    assert_string_equal(error.message, "0 is no verb");
    assert_int_equal(pk_command_submit(command, (pk_verb)7, loop, never, NULL, &task, &error), -EINVAL);
    assert_int_equal(pk_command_submit(command, (pk_verb)-1, loop, never, NULL, &task, &error), -EINVAL);
    assert_int_equal(pk_command_submit(command, PK_VERB_CHECK, loop, NULL, NULL, &task, &error), -EINVAL);
    assert_string_equal(error.message, "a task needs a callback");
    assert_int_equal(pk_command_submit(NULL, PK_VERB_CHECK, loop, never, NULL, &task, &error), -ENOMEM);
    sys_fault_set("timerfd_create", 0, EMFILE);
    assert_int_equal(pk_command_submit(command, PK_VERB_CHECK, loop, never, NULL, &task, &error), -EMFILE);
    sys_fault_clear();
    assert_null(task);
    pk_loop_free(loop);
}

static const struct test tests[] = {
    EACH_USER(a_task_tells_what_it_knows),
    EACH_USER(a_task_that_is_over_holds_no_descriptor),
    EACH_USER(its_process_can_be_stopped),
    EACH_USER(its_process_can_be_freed),
    EACH_USER(a_hundred_at_once, .deadline_s = 60),
    EACH_USER(one_token_ends_them_all),
    EACH_USER(a_callback_may_submit_the_next),
    EACH_USER(loops_may_be_nested),
    EACH_USER(the_first_line_is_enough),
    EACH_USER(a_pause_that_is_deaf_ends_all_the_same),
    EACH_USER(what_makes_no_task_is_refused),
};

PK_TEST_MAIN(tests)
