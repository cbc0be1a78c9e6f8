/*
 * Pipelines: what goes through them, how they end, and that nothing is left of them.
 */
#include "plumbing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What goes through ------------------------------------------------------------------------------------------ */

static void bytes_go_through_all_stages(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 1000000 | echo | echo | count");
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->verdict, PK_VERDICT_EXITED);
    assert_captured(&course, 1, "1000000\n");
    assert_int_equal(pk_process_stage_count(course.process), 4);
    assert_int_equal(pk_process_culprit(course.process), PK_NO_STAGE);
    for (size_t i = 0; i < 4; i++)
        assert_true(pk_result_is_success(pk_process_stage_result(course.process, i)));
    assert_null(pk_process_stage_result(course.process, 4));
    course_close(&course);
}

static void one_stage_is_a_command(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "print alone -- exit 3");
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->exit_code, 3);
    assert_captured(&course, 1, "alone\n");
    assert_int_equal(pk_process_stage_count(course.process), 1);
    assert_ptr_equal(pk_process_stage(course.process, 0), course.process);
    assert_int_equal(pk_process_culprit(course.process), 0);
    course_close(&course);
}

static void two_hundred_stages_are_none_too_many(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(NULL, NULL);
    pk_auto(pk_command) first = cast_command(NULL, "bytes 100000");
    pk_auto(pk_command) echo = cast_command(NULL, "echo");
    pk_auto(pk_command) last = cast_command(NULL, "count");
    (void)state;
    pk_pipeline_add(pipeline, first);
    for (int i = 0; i < 198; i++)
        pk_pipeline_add(pipeline, echo);
    pk_pipeline_add(pipeline, last);
    assert_int_equal(pk_pipeline_count(pipeline), 200);
    assert_ok(pk_pipeline_run(pipeline, &text, &error), error);
    assert_string_equal(text, "100000");
    free(text);
}

static void each_stage_has_its_own_stderr(void **state)
{
    pk_error error;
    pk_auto(pk_output) output = NULL;
    pk_auto(pk_pipeline) pipeline =
        plumb(state, "print-to 2 one -- print x | print-to 2 two -- echo | print-to 2 three -- echo");
    assert_ok(pk_pipeline_output(pipeline, &output, &error), error);
    static const char *const said[] = {"one\n", "two\n", "three\n"};
    assert_int_equal(pk_output_stage_count(output), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(pk_output_text(pk_output_stage(output, i), 2), said[i]);
    assert_null(pk_output_stage(output, 3));
    assert_string_equal(pk_output_text(output, 1), "x\n");
    assert_string_equal(pk_output_text(output, 2), "three\n");
    assert_null(pk_output_capture(pk_output_stage(output, 0), 1));
    assert_int_equal(pk_output_culprit(output), PK_NO_STAGE);
}

static void stderr_can_go_to_the_next_stage(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_command) both = cast_command(NULL, "print out -- print-to 2 err");
    pk_auto(pk_command) echo = cast_command(NULL, "echo");
    (void)state;
    pk_command_same(both, 2, 1);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(both, echo, NULL);
    assert_ok(pk_pipeline_run(pipeline, &text, &error), error);
    assert_string_equal(text, "out\nerr");
    free(text);
}

static void the_first_reads_what_its_command_says(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_command) first = cast_command(NULL, "echo");
    pk_auto(pk_command) last = cast_command(NULL, "count");
    (void)state;
    static char bytes[1000000];
    pk_command_input(first, bytes, sizeof(bytes));
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    assert_ok(pk_pipeline_run(pipeline, &text, &error), error);
    assert_string_equal(text, "1000000");
    free(text);
}

static void it_can_be_written_to_and_read_by_lines(void **state)
{
    pk_error error;
    pk_line line;
    pk_auto(pk_process) process = NULL;
    pk_auto(pk_command) first = cast_command(NULL, "echo");
    pk_auto(pk_command) last = cast_command(NULL, "echo");
    (void)state;
    pk_command_pipe(first, 0);
    pk_command_pipe(last, 1);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    for (int i = 0; i < 3; i++) {
        assert_ok(pk_process_write(process, "hello\n", 6, NULL, PK_FOREVER, &error), error);
        assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
        assert_string_equal(line.text, "hello");
    }
    pk_process_close_input(process);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 0);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_ok(pk_process_check(process, &error), error);
}

static void nobody_writes_to_an_open_end(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_command) first = cast_command(NULL, "echo");
    (void)state;
    pk_command_pipe(first, 0);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, first, NULL);
    assert_int_equal(pk_pipeline_run(pipeline, &text, &error), -EINVAL);
}

/* ---- How it ends ------------------------------------------------------------------------------------------------ */

static void check_culprit(void **state, const char *stages, size_t culprit, pk_verdict verdict, int number)
{
    struct course course;
    print_message("%s\n", stages);
    pk_auto(pk_pipeline) pipeline = plumb(state, stages);
    pk_pipeline_settle(pipeline, PK_MILLISECONDS(100));
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(pk_process_culprit(course.process), culprit);
    assert_int_equal(result->verdict, verdict);
    assert_int_equal(result->leader_ending == PK_ENDING_EXITED ? result->exit_code : result->signal_number, number);
    course_close(&course);
}

static void the_leftmost_failure_counts(void **state)
{
    check_culprit(state, "exit 3 | count | count", 0, PK_VERDICT_EXITED, 3);
    check_culprit(state, "print x | exit 4 | count", 1, PK_VERDICT_EXITED, 4);
    check_culprit(state, "print x | echo | count -- exit 5", 2, PK_VERDICT_EXITED, 5);
    check_culprit(state, "die SEGV | count", 0, PK_VERDICT_SIGNALLED, SIGSEGV);
    check_culprit(state, "print x | count -- die PIPE", 1, PK_VERDICT_SIGNALLED, SIGPIPE);
}

static void who_is_cut_off_comes_last(void **state)
{
    check_culprit(state, "flood | read-bytes 10 | count", 0, PK_VERDICT_SIGNALLED, SIGPIPE);
    check_culprit(state, "flood | read-bytes 10 -- exit 6 | count", 1, PK_VERDICT_EXITED, 6);
}

static void an_unchecked_stage_is_forgiven(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_pipeline) pipeline = plumb(state, "flood | read-bytes 10 -- print enough -- exit 1");
    pk_pipeline_unchecked(pipeline, 0);
    assert_int_equal(pk_pipeline_run(pipeline, &text, &error), -EPROTO);
    assert_int_equal(error.exit_code, 1);
    pk_pipeline_unchecked(pipeline, 1);
    assert_ok(pk_pipeline_run(pipeline, &text, &error), error);
    assert_string_equal(text, "enough");
    free(text);
}

static void the_error_is_the_culprits(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_pipeline) pipeline = plumb(state, "print x | print-to 2 broken -- exit 7 | print-to 2 fine -- count");
    assert_int_equal(pk_pipeline_run(pipeline, &text, &error), -EPROTO);
    assert_int_equal(error.kind, PK_ERROR_EXIT);
    assert_int_equal(error.exit_code, 7);
    assert_non_null(strstr(error.message, "exited with 7: broken"));
    assert_int_equal(pk_command_exit_code(pk_pipeline_command(pipeline), &error), 7);
}

/* Without a deadline: who would wait for it waits for ever. */
static void a_silent_producer_is_torn_down_at_once(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | count | exit 3");
    pk_time begin = pk_now();
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->exit_code, 3);
    assert_true(pk_now() - begin < PK_SECONDS(2));
    const pk_result *producer = pk_process_stage_result(course.process, 0);
    assert_int_equal(producer->verdict, PK_VERDICT_STOPPED);
    assert_int_equal(producer->soft_signal, SIGTERM);
    course_close(&course);
}

static void who_comes_after_may_finish(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "bytes 100000 -- exit 3 | read-slowly 10000 10 -- print done");
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->exit_code, 3);
    assert_captured(&course, 1, "done\n");
    assert_true(pk_result_is_success(pk_process_stage_result(course.process, 1)));
    course_close(&course);
}

static void but_not_for_ever(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "exit 3 | hold | hold");
    pk_pipeline_settle(pipeline, PK_MILLISECONDS(50));
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->exit_code, 3);
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(pk_process_stage_result(course.process, i)->verdict, PK_VERDICT_STOPPED);
    assert_int_equal(pk_process_culprit(course.process), 0);
    course_close(&course);
}

static void a_deadline_holds_for_all(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "print x | hold | count");
    pk_pipeline_timeout(pipeline, PK_MILLISECONDS(200) * test_slowness()); /* so that the first has ended */
    const pk_result *result = plumbing_run(&course, state, pipeline);
    assert_int_equal(result->verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(pk_process_culprit(course.process), 1);
    course_close(&course);
}

static void a_token_holds_for_all(void **state)
{
    pk_error error;
    pk_cancel *cancel;
    struct course course;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold");
    pk_pipeline_cancel(pipeline, cancel);
    course_start(&course, state, pk_pipeline_command(pipeline));
    pk_cancel_now(cancel);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_CANCELLED);
    assert_int_equal(pk_process_stage_result(course.process, 0)->verdict, PK_VERDICT_CANCELLED);
    course_close(&course);
    pk_cancel_free(cancel);
}

static void stopping_it_stops_all(void **state)
{
    pk_error error;
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold | hold");
    course_start(&course, state, pk_pipeline_command(pipeline));
    assert_ok(pk_process_stop(course.process, NULL, &error), error);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_STOPPED);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pk_process_stage_result(course.process, i)->verdict, PK_VERDICT_STOPPED);
    course_close(&course);
}

/* ---- The group -------------------------------------------------------------------------------------------------- */

/* first | middle, as the way of *state says. */
static pk_pipeline *plumb_two(void **state, const pk_command *one, const pk_command *other)
{
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    pk_pipeline *pipeline = pk_pipeline_new(one, other, NULL);
    pk_pipeline_contain(pipeline, &options);
    return pipeline;
}

static void all_stages_are_in_one_group(void **state)
{
    pk_error error;
    struct course course;
    struct witness *witness = witness_new();
    pk_auto(pk_command) tree = cast_command(witness, "wide 2");
    pk_auto(pk_command) other = cast_command(NULL, "hold");
    pk_auto(pk_pipeline) pipeline = plumb_two(state, tree, other);
    course_start(&course, state, pk_pipeline_command(pipeline));
    witness_ready(witness);
    pk_group *whole = pk_process_pipeline_group(course.process);
    pk_group *first = pk_process_group(pk_process_stage(course.process, 0));
    assert_int_equal(pk_group_members(first, NULL, 0, &error), 3);
    assert_int_equal(pk_group_members(whole, NULL, 0, &error), 4);
    assert_ok(pk_group_kill(first, &error), error);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(pk_group_is_empty(first, &error), 1);
    assert_int_equal(pk_group_members(whole, NULL, 0, &error), 1);
    assert_ok(pk_group_kill(whole, &error), error);
    assert_int_equal(pk_group_is_empty(whole, &error), 1);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_SIGNALLED);
    assert_int_equal(pk_process_culprit(course.process), 0);
    course_close(&course);
    witness_free(witness);
}

static void freeing_it_kills_all(void **state)
{
    pk_error error;
    pk_process *process;
    struct witness *witness = witness_new();
    pk_auto(pk_command) tree = cast_command(witness, "tree 6");
    pk_auto(pk_command) other = cast_command(NULL, "hold");
    pk_auto(pk_pipeline) pipeline = plumb_two(state, tree, other);
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    witness_ready(witness);
    pk_process_free(process);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void one_stage_can_be_freed(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | count");
    course_start(&course, state, pk_pipeline_command(pipeline));
    pk_process_free(pk_process_stage(course.process, 0));
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_STOPPED);
    assert_int_equal(pk_process_culprit(course.process), 0);
    course_close(&course);
}

/* ---- As a command ----------------------------------------------------------------------------------------------- */

static bool again(const pk_error *error, unsigned attempt, void *data)
{
    (void)error, (void)attempt;
    ++*(int *)data;
    return true;
}

static void all_of_it_is_tried_again(void **state)
{
    pk_error error;
    int asked = 0;
    pk_retry_options retry = PK_RETRY_OPTIONS_INIT;
    retry.attempts = 3;
    retry.first_pause = PK_MILLISECONDS(1);
    retry.again = again;
    retry.data = &asked;
    pk_auto(pk_pipeline) pipeline = plumb(state, "exit 1 | count");
    pk_pipeline_retry(pipeline, &retry);
    assert_int_equal(pk_pipeline_check(pipeline, &error), -EPROTO);
    assert_int_equal(asked, 2);
    assert_non_null(strstr(error.message, "tried 3 times"));
}

static void events_come_in_order(void **state)
{
    pk_error error;
    pk_process_event event;
    pk_auto(pk_process) process = NULL;
    pk_auto(pk_pipeline) pipeline = plumb(state, "lines 3 | echo");
    pk_auto(pk_command) command = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_pipe(command, 1);
    assert_ok(pk_command_start(command, &process, &error), error);
    unsigned lines = 0, ends = 0;
    int r;
    while ((r = pk_process_next_event(process, &event, PK_FOREVER, &error)) > 0) {
        lines += event.kind == PK_EVENT_OUTPUT;
        ends += event.kind == PK_EVENT_ENDED;
        assert_true(event.kind != PK_EVENT_ENDED || pk_result_is_success(event.result));
    }
    assert_int_equal(r, 0);
    assert_int_equal(lines, 3);
    assert_int_equal(ends, 1);
}

static const struct test tests[] = {
    EACH_WAY(bytes_go_through_all_stages),
    EACH_LEAKY_WAY(bytes_go_through_all_stages),
    EACH_WAY(one_stage_is_a_command),
    PK_TEST_WITH(two_hundred_stages_are_none_too_many, .deadline_s = 120),
    EACH_MECHANISM(each_stage_has_its_own_stderr),
    PK_TEST(stderr_can_go_to_the_next_stage),
    PK_TEST(the_first_reads_what_its_command_says),
    PK_TEST(it_can_be_written_to_and_read_by_lines),
    PK_TEST(nobody_writes_to_an_open_end),
    EACH_WAY(the_leftmost_failure_counts),
    EACH_LEAKY_WAY(the_leftmost_failure_counts),
    EACH_WAY(who_is_cut_off_comes_last),
    EACH_MECHANISM(an_unchecked_stage_is_forgiven),
    EACH_MECHANISM(the_error_is_the_culprits),
    EACH_WAY(a_silent_producer_is_torn_down_at_once),
    EACH_LEAKY_WAY(a_silent_producer_is_torn_down_at_once),
    EACH_WAY(who_comes_after_may_finish),
    EACH_WAY(but_not_for_ever),
    EACH_WAY(a_deadline_holds_for_all),
    EACH_WAY(a_token_holds_for_all),
    EACH_WAY(stopping_it_stops_all),
    EACH_LEAKY_WAY(stopping_it_stops_all),
    EACH_WAY(all_stages_are_in_one_group),
    EACH_LEAKY_WAY(all_stages_are_in_one_group),
    EACH_MECHANISM(freeing_it_kills_all),
    EACH_WAY(one_stage_can_be_freed),
    EACH_MECHANISM(all_of_it_is_tried_again),
    EACH_MECHANISM(events_come_in_order),
};

PK_TEST_MAIN(tests)
