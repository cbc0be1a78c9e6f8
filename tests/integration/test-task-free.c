/*
 * Tasks that are freed: at any time, by whichever callback; and those whose loop is gone, or is another process's.
 */
#include "told.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Freeing ---------------------------------------------------------------------------------------------------- */

static void freeing_kills(void **state)
{
    (void)state;
    struct told told = {0};
    struct witness *witness = witness_new();
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(witness, "wide 2 -- hold");
    pk_task *task = told_submit(command, PK_VERB_CHECK, loop, &told);
    told_run_until_started(loop, task);
    witness_ready(witness);
    pk_task_free(task);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_int_equal(told.calls, 0);
    pk_loop_free(loop);
    witness_free(witness);
}

static void what_was_not_started_is_not(void **state)
{
    (void)state;
    struct told told = {0};
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    pk_task_free(told_submit(command, PK_VERB_CHECK, loop, &told));
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_int_equal(told.calls, 0);
    pk_loop_free(loop);
}

static void a_callback_may_free_its_task_and_another(void **state)
{
    (void)state;
    struct told first = {.free_in_callback = true}, second = {0};
    pk_loop *loop = told_loop();
    pk_auto(pk_command) failing = cast_command(NULL, "exit 4");
    pk_auto(pk_command) lasting = cast_command(NULL, "hold");
    told_submit(failing, PK_VERB_CHECK, loop, &first);
    first.free_too = told_submit(lasting, PK_VERB_CHECK, loop, &second);
    told_run(loop, &first, 1);
    assert_int_equal(first.kind, PK_ERROR_EXIT); /* which was read after it was freed */
    assert_int_equal(pk_loop_dispatch(loop, 0, NULL), 0);
    assert_int_equal(second.calls, 0);
    pk_loop_free(loop);
}

/* From whichever callback comes first. */
struct victim {
    pk_task *task;
    int calls;
};

static void free_victim(struct victim *victim)
{
    pk_task *task = victim->task;
    victim->calls++;
    victim->task = NULL;
    pk_task_free(task);
}

static void free_on_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line;
    free_victim(data);
}

static void free_on_chunk(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)process, (void)fd, (void)bytes, (void)length;
    free_victim(data);
}

static int free_in_parse(const char *text, size_t length, char *why, size_t size, void *data)
{
    free_victim(data);
    snprintf(why, size, "%s", text); /* lasts as long as the call */
    return length > 0 ? -EBADMSG : 0;
}

static bool free_in_match(const pk_line *line, void *data)
{
    free_victim(data);
    return line->length > 0;
}

static bool free_in_again(const pk_error *error, unsigned attempt, void *data)
{
    free_victim(data);
    return error->kind == PK_ERROR_EXIT && attempt == 1;
}

static void never(pk_task *task, int number, const pk_error *error, void *data)
{
    (void)task, (void)number, (void)error, (void)data;
    fail();
}

static void run_until_freed(pk_loop *loop, const struct victim *victim)
{
    pk_error error;
    while (victim->task)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_int_equal(victim->calls, 1);
    assert_int_equal(pk_loop_dispatch(loop, 0, &error), 0);
}

static void any_callback_may_free_the_task(void **state)
{
    (void)state;
    pk_error error;
    pk_loop *loop = told_loop();
    struct victim victim;
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    pk_auto(pk_command) lines = cast_command(NULL, "lines 3 -- exit 1");
    options.again = free_in_again;
    options.data = &victim;
    pk_command_retry(lines, &options);

    victim = (struct victim){0};
    assert_ok(pk_command_submit(lines, PK_VERB_CHECK, loop, never, NULL, &victim.task, &error), error);
    run_until_freed(loop, &victim);

    victim = (struct victim){0};
    assert_ok(pk_command_submit_first_line(lines, free_in_match, &victim, loop, never, NULL, &victim.task, &error),
              error);
    run_until_freed(loop, &victim);

    victim = (struct victim){0};
    pk_auto(pk_command) good = cast_command(NULL, "lines 3");
    assert_ok(pk_command_submit_parse(good, free_in_parse, &victim, loop, never, NULL, &victim.task, &error), error);
    run_until_freed(loop, &victim);

    victim = (struct victim){0};
    pk_command_on_line(lines, 1, free_on_line, &victim);
    assert_ok(pk_command_submit(lines, PK_VERB_RUN, loop, never, NULL, &victim.task, &error), error);
    run_until_freed(loop, &victim);

    victim = (struct victim){0};
    assert_ok(pk_command_submit_first_line(lines, NULL, NULL, loop, never, NULL, &victim.task, &error), error);
    run_until_freed(loop, &victim);

    victim = (struct victim){0};
    pk_command_on_chunk(good, 2, free_on_chunk, &victim);
    pk_command_same(good, 1, 2);
    assert_ok(pk_command_submit(good, PK_VERB_OUTPUT, loop, never, NULL, &victim.task, &error), error);
    run_until_freed(loop, &victim);
    pk_loop_free(loop);
}

struct tracer {
    pk_trace_kind at;
    struct victim victim;
};

static void free_at(const pk_trace *trace, void *data)
{
    struct tracer *tracer = data;
    if (trace->kind == tracer->at && tracer->victim.task)
        free_victim(&tracer->victim);
}

static bool always(const pk_error *error, unsigned attempt, void *data)
{
    (void)error, (void)attempt, (void)data;
    return true;
}

/* While it starts there is no process yet whose end would be that of the task. */
static void who_traces_its_command_may_free_the_task(void **state)
{
    static const pk_trace_kind kinds[] = {PK_TRACE_SPAWNED, PK_TRACE_SPAWN_FAILED, PK_TRACE_RETRY,
                                          PK_TRACE_LEADER_EXITED, PK_TRACE_ENDED};
    (void)state;
    pk_error error;
    pk_loop *loop = told_loop();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct tracer tracer = {.at = kinds[i]};
        pk_auto(pk_command) failing = cast_command(NULL, "exit 1");
        pk_auto(pk_command) missing = pk_command_new("/there/is/none", NULL);
        pk_command *command = kinds[i] == PK_TRACE_SPAWN_FAILED ? missing : failing;
        pk_retry_options options = PK_RETRY_OPTIONS_INIT;
        options.again = always;
        pk_command_retry(failing, &options);
        pk_command_trace(command, free_at, &tracer);
        assert_ok(pk_command_submit(command, PK_VERB_CHECK, loop, never, NULL, &tracer.victim.task, &error), error);
        run_until_freed(loop, &tracer.victim);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    pk_loop_free(loop);
}

static void a_loop_may_go_first(void **state)
{
    (void)state;
    struct told told = {0};
    struct witness *witness = witness_new();
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(witness, "hold");
    pk_auto(pk_command) failing = cast_command(NULL, "exit 1");
    pk_task *running = told_submit(command, PK_VERB_CHECK, loop, &told);
    told_run_until_started(loop, running);
    witness_ready(witness);
    pk_task *waiting = told_submit(failing, PK_VERB_CHECK, loop, &told);
    pk_loop_free(loop);
    assert_int_equal(witness_alive(witness), 1);
    pk_task_free(running);
    pk_task_free(waiting);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void a_forked_copy_starts_and_ends_nothing(void **state)
{
    (void)state;
    struct told told = {0};
    pk_loop *loop = told_loop();
    pk_auto(pk_command) command = cast_command(NULL, "sleep 100 -- exit 5");
    pk_task *running = told_submit(command, PK_VERB_EXIT_CODE, loop, &told);
    told_run_until_started(loop, running);
    pk_task *waiting = told_submit(command, PK_VERB_EXIT_CODE, loop, &told);
    pid_t copy = fork();
    if (copy == 0) {
        pk_loop_dispatch(loop, 0, NULL);
        bool inert = !pk_task_process(waiting) && told.calls == 0;
        pk_task_free(running);
        pk_task_free(waiting);
        pk_loop_free(loop);
        _exit(inert ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(copy, &status, 0), copy);
    assert_int_equal(status, 0);
    told_run(loop, &told, 2);
    assert_int_equal(told.number, 5);
    pk_task_free(running);
    pk_task_free(waiting);
    pk_loop_free(loop);
}

static const struct test tests[] = {
    EACH_USER(freeing_kills),
    EACH_USER(what_was_not_started_is_not),
    EACH_USER(a_callback_may_free_its_task_and_another),
    EACH_USER(any_callback_may_free_the_task),
    EACH_USER(who_traces_its_command_may_free_the_task),
    EACH_USER(a_loop_may_go_first),
    EACH_USER(a_forked_copy_starts_and_ends_nothing),
};

PK_TEST_MAIN(tests)
