/*
 * Pipelines among others: several at once, as tasks, in other pipelines, in a forked copy of their owner, and doing
 * nothing.
 */
#include "plumbing.h"
#include "sys/fault.h"
#include "told.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Several ---------------------------------------------------------------------------------------------------- */

struct ends {
    unsigned count;
    pk_process *last;
};

static void note_end(pk_process *process, pk_event event, void *data)
{
    struct ends *ends = data;
    if (event != PK_EVENT_ENDED)
        return;
    ends->count++;
    ends->last = process;
}

static void several_go_on_in_one_loop(void **state)
{
    enum { COUNT = 4 };
    static const char *const words[COUNT] = {"bytes 500000 | echo | count", "exit 3 | echo | count", "hold | exit 4",
                                             "lines 1000 | count"};
    static const int codes[COUNT] = {0, 3, 4, 0};
    pk_error error;
    struct ends ends = {0};
    pk_process *processes[COUNT];
    pk_auto(pk_loop) loop = told_loop();
    for (int i = 0; i < COUNT; i++) {
        pk_auto(pk_pipeline) pipeline = plumb(state, words[i]);
        pk_pipeline_settle(pipeline, PK_MILLISECONDS(50));
        assert_ok(pk_pipeline_start(pipeline, &processes[i], &error), error);
        assert_ok(pk_process_watch(processes[i], loop, note_end, &ends, &error), error);
    }
    while (ends.count < COUNT)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(pk_process_result(processes[i])->exit_code, codes[i]);
        pk_process_free(processes[i]);
    }
}

static void any_and_all_of_them_can_be_waited_for(void **state)
{
    enum { COUNT = 4 };
    static const char *const words[COUNT] = {"hold | echo", "print x | echo | count", "exit 0", "hold | hold | echo"};
    pk_error error;
    pk_process *processes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        pk_auto(pk_pipeline) pipeline = plumb(state, words[i]);
        assert_ok(pk_pipeline_start(pipeline, &processes[i], &error), error);
    }
    bool seen[COUNT] = {false};
    for (int ended = 0; ended < 2; ended++) {
        int first = pk_process_wait_any(processes, COUNT, PK_FOREVER, &error);
        assert_true(first == 1 || first == 2);
        seen[first] = true;
        processes[first] = pk_process_free(processes[first]);
    }
    assert_true(seen[1] && seen[2]);
    assert_int_equal(pk_process_wait_all(processes, COUNT, pk_deadline(PK_MILLISECONDS(10)), &error), -ETIMEDOUT);
    assert_ok(pk_process_stop(processes[0], NULL, &error), error);
    assert_ok(pk_process_stop(processes[3], NULL, &error), error);
    assert_ok(pk_process_wait_all(processes, COUNT, PK_FOREVER, &error), error);
    assert_int_equal(pk_process_culprit(processes[0]),
                     0); /* all were stopped by their owner, none by another's failure */
    assert_int_equal(pk_process_culprit(processes[3]), 0);
    pk_process_free(processes[0]);
    pk_process_free(processes[3]);
}

/* Stages are somebody else's to wait for. */
static void nobody_waits_for_a_stage(void **state)
{
    pk_error error;
    pk_line line;
    pk_auto(pk_process) process = NULL;
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold");
    pk_auto(pk_loop) loop = told_loop();
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    pk_process *first = pk_process_stage(process, 0);
    assert_int_equal(pk_process_wait(first, PK_FOREVER, NULL, &error), -EBUSY);
    assert_int_equal(pk_process_wait_any(&first, 1, PK_FOREVER, &error), -EBUSY);
    assert_int_equal(pk_process_watch(first, loop, note_end, NULL, &error), -EBUSY);
    assert_int_equal(pk_process_next_line(first, 2, &line, PK_FOREVER, &error), -EBUSY);
    assert_null(pk_process_result(first));
    assert_null(pk_process_free(first));
    assert_ptr_equal(pk_process_stage(process, 0), first);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_int_equal(pk_process_result(first)->verdict, PK_VERDICT_STOPPED);
}

/* ---- As tasks --------------------------------------------------------------------------------------------------- */

static void a_task_may_be_a_pipeline(void **state)
{
    struct told good = {0}, bad = {0};
    pk_loop *loop = told_loop();
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 100000 | echo | count");
    pk_task *task = told_submit(pk_pipeline_command(pipeline), PK_VERB_RUN, loop, &good);
    pk_auto(pk_pipeline) failing = plumb(state, "print x | exit 3 | count");
    pk_task *other = told_submit(pk_pipeline_command(failing), PK_VERB_OUTPUT, loop, &bad);
    told_run(loop, &good, 1);
    told_run(loop, &bad, 1);
    assert_int_equal(good.number, 0);
    assert_string_equal(pk_task_text(task), "100000");
    assert_int_equal(bad.number, 0); /* an output is one, whatever the end */
    assert_int_equal(pk_output_culprit(pk_task_output(other)), 1);
    assert_int_equal(pk_task_result(other)->exit_code, 3);
    pk_task_free(task);
    pk_task_free(other);
    pk_loop_free(loop);
}

static void a_task_can_be_freed(void **state)
{
    struct told told = {0};
    struct witness *witness = witness_new();
    pk_loop *loop = told_loop();
    pk_auto(pk_command) tree = cast_command(witness, "wide 2");
    pk_auto(pk_command) reader = cast_command(NULL, "echo");
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(tree, reader, NULL);
    pk_pipeline_contain(pipeline, &options);
    pk_task *task = told_submit(pk_pipeline_command(pipeline), PK_VERB_CHECK, loop, &told);
    told_run_until_started(loop, task);
    witness_ready(witness);
    pk_task_free(task);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(told.calls, 0);
    pk_loop_free(loop);
    witness_free(witness);
}

/* ---- Pipelines of pipelines, and other things that cannot be ---------------------------------------------------- */

static void refuse(const pk_command *command, const char *why)
{
    pk_error error;
    pk_process *process;
    assert_int_equal(pk_command_start(command, &process, &error), -EINVAL);
    if (!strstr(error.message, why))
        fail_msg("%s", error.message);
}

static void a_pipeline_is_no_stage(void **state)
{
    (void)state;
    pk_auto(pk_command) plain = cast_command(NULL, "echo");
    pk_auto(pk_pipeline) inner = plumb_plainly("print one | echo");
    pk_auto(pk_pipeline) short_one = plumb_plainly("print one");
    for (int i = 0; i < 3; i++) {
        pk_auto(pk_pipeline) outer = pk_pipeline_new(NULL, NULL);
        for (int k = 0; k < 3; k++)
            pk_pipeline_add(outer, k == i ? pk_pipeline_command(inner) : plain);
        refuse(pk_pipeline_command(outer), "is a pipeline itself");
    }
    pk_auto(pk_pipeline) outer = pk_pipeline_new(pk_pipeline_command(short_one), plain, NULL);
    refuse(pk_pipeline_command(outer), "stage 1 (");
    pk_auto(pk_pipeline) alone = pk_pipeline_new(pk_pipeline_command(inner), NULL);
    refuse(pk_pipeline_command(alone), "is a pipeline itself");
}

/* What is said to a copy is said to the last stage: which has no stdin to speak of. */
static void a_copy_has_no_stdin(void **state)
{
    pk_error error;
    char *text;
    (void)state;
    pk_auto(pk_pipeline) pipeline = plumb_plainly("print one | echo");
    pk_auto(pk_command) with_input = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_input_text(with_input, "two\n");
    refuse(with_input, "stdin of its own");
    pk_auto(pk_command) with_null = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_null(with_null, 0);
    refuse(with_null, "stdin of its own");
    pk_auto(pk_command) with_terminal = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_pty(with_terminal, NULL);
    refuse(with_terminal, "stdin of its own");

    pk_auto(pk_command) first = cast_command(NULL, "echo");
    pk_command_inherit(first, 0);
    pk_pipeline_add(pipeline, first);
    refuse(pk_pipeline_command(pipeline), "stdin of its own");
    pk_auto(pk_pipeline) inheriting = pk_pipeline_new(first, first, NULL);
    refuse(pk_pipeline_command(inheriting), "stdin of its own");
    pk_auto(pk_command) last = cast_command(NULL, "count");
    pk_auto(pk_pipeline) good = pk_pipeline_new(first, last, NULL);
    assert_ok(pk_command_run(pk_pipeline_command(good), &text, &error), error);
    assert_string_equal(text, "0");
    free(text);
}

/* ---- A copy of the owner ---------------------------------------------------------------------------------------- */

/* Its pipeline is not its own: what it does with it is nothing to anybody. */
static void a_forked_copy_does_no_harm(void **state)
{
    pk_error error;
    struct ends ends = {0};
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    pk_auto(pk_command) first = cast_command(NULL, "echo");
    pk_auto(pk_command) last = cast_command(NULL, "count");
    pk_command_pipe(first, 0);
    pk_command_timeout(first, PK_SECONDS(100));
    pk_command_capture(last, 1, NULL);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    pk_pipeline_contain(pipeline, &options);
    int fd = open(scratch("tee"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    pk_pipeline_tee(pipeline, 0, fd);
    pk_process *process;
    pk_loop *loop = told_loop();
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    assert_ok(pk_process_watch(process, loop, note_end, &ends, &error), error);
    int input = pk_process_pipe_take(process, 0);
    pid_t copy = fork();
    if (copy == 0) {
        sys_fault_clear();
        bool refused = pk_process_stop(process, NULL, NULL) == -EPERM &&
                       pk_process_stop(pk_process_stage(process, 0), NULL, NULL) == -EPERM;
        pk_process_free(pk_process_stage(process, 0));
        pk_process_free(process);
        pk_loop_free(loop);
        _exit(refused && sys_fault_count("epoll_ctl") == 0 ? 0 : 1); /* which would reach the parent's loop */
    }
    int status;
    assert_int_equal(waitpid(copy, &status, 0), copy);
    assert_int_equal(status, 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(write(input, "0123456789", 10), 10);
        assert_ok(pk_loop_dispatch(loop, pk_deadline(PK_MILLISECONDS(1)), &error), error);
    }
    close(input);
    while (ends.count == 0)
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    assert_ok(pk_process_check(process, &error), error);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "100\n");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 100);
    pk_process_free(process);
    pk_loop_free(loop);
    close(fd);
}

/* ---- Doing nothing ---------------------------------------------------------------------------------------------- */

static void nothing_wakes_who_has_nothing_to_do(void **state)
{
    pk_error error;
    struct ends ends = {0};
    pk_process *process;
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold | hold");
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    pk_pipeline_tee(pipeline, 0, null);
    pk_pipeline_tee(pipeline, 1, null);
    pk_auto(pk_loop) loop = told_loop();
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    sys_fault_clear();
    assert_int_equal(pk_process_wait(process, pk_deadline(PK_MILLISECONDS(300)), NULL, &error), -ETIMEDOUT);
    assert_true(sys_fault_count("ppoll") <= 3);

    assert_ok(pk_process_watch(process, loop, note_end, &ends, &error), error);
    while (pk_loop_dispatch(loop, 0, &error) > 0)
        ;
    assert_int_equal(pk_loop_timeout(loop), PK_FOREVER);
    pk_time until = pk_deadline(PK_MILLISECONDS(300));
    assert_int_equal(pk_loop_dispatch(loop, until, &error), 0);
    assert_true(pk_now() >= until);
    pk_process_free(process);
    close(null);
}

/* ---- The group of a stage --------------------------------------------------------------------------------------- */

static void a_stage_has_no_limits_of_its_own(void **state)
{
    pk_error error;
    pk_process *process;
    pk_limits limits = PK_LIMITS_INIT;
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold");
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    for (size_t i = 0; i < 2; i++) {
        pk_group *group = pk_process_group(pk_process_stage(process, i));
        limits.pids_max = i == 0 ? 10 : 0;
        assert_int_equal(pk_group_set_limits(group, &limits, &error), -EOPNOTSUPP);
        assert_non_null(strstr(error.message, "cannot limit a part of a group"));
        assert_ok(pk_group_get_limits(group, &limits, &error), error);
        assert_int_equal(limits.pids_max, 0);
    }
    pk_process_free(process);
}

static const struct test tests[] = {
    EACH_MECHANISM(several_go_on_in_one_loop),
    EACH_MECHANISM(any_and_all_of_them_can_be_waited_for),
    EACH_MECHANISM(nobody_waits_for_a_stage),
    EACH_MECHANISM(a_task_may_be_a_pipeline),
    EACH_MECHANISM(a_task_can_be_freed),
    PK_TEST(a_pipeline_is_no_stage),
    PK_TEST(a_copy_has_no_stdin),
    EACH_MECHANISM(a_forked_copy_does_no_harm),
    EACH_MECHANISM(nothing_wakes_who_has_nothing_to_do),
    EACH_MECHANISM(a_stage_has_no_limits_of_its_own),
};

PK_TEST_MAIN(tests)
