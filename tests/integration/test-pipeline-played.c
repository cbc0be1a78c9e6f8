/*
 * Pipelines with stages that are played, beside those that are real.
 */
#include "playing.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Each of three is played or is not. */
static pk_command *make_stage(int stage, bool played)
{
    static const char *const words[] = {"print", "echo", "echo"};
    pk_auto(pk_script) script = pk_script_new();
    if (!played)
        return adversary(words[stage], stage == 0 ? "hello" : NULL, NULL);
    if (stage == 0)
        pk_script_print(script, "hello\n");
    else
        pk_script_copy(script, 1);
    return play(script);
}

static pk_pipeline *make_pipeline(unsigned played)
{
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    for (int i = 0; i < 3; i++) {
        pk_auto(pk_command) stage = make_stage(i, played & 1U << i);
        if (i == 2)
            pk_command_capture(stage, 1, NULL);
        pk_pipeline_add(pipeline, stage);
    }
    return pipeline;
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

static void check(pk_process *process, bool alone)
{
    pk_error error;
    assert_ok(pk_process_check(process, &error), error);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "hello\n");
    assert_int_equal(pk_process_culprit(process), PK_NO_STAGE);
    assert_int_equal(pk_process_pipeline_group(process) == NULL, alone);
}

static void some_stages_may_be_played(void **state)
{
    pk_error error;
    (void)state;
    for (unsigned played = 0; played < 8; played++) {
        pk_process *process;
        pk_auto(pk_pipeline) pipeline = make_pipeline(played);
        assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
        assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
        check(process, played == 7);
        pk_process_free(process);
    }
}

/* An epoll is in an epoll, and so on: the program's, the loop's, the pipeline's, the script's. */
static void loops_in_loops_are_heard(void **state)
{
    pk_error error;
    struct epoll_event event = {.events = EPOLLIN};
    (void)state;
    for (unsigned played = 0; played < 8; played++) {
        bool ended = false;
        pk_process *process;
        pk_loop *loop;
        int outer = epoll_create1(EPOLL_CLOEXEC);
        pk_auto(pk_pipeline) pipeline = make_pipeline(played);
        assert_ok(pk_loop_create(&loop, &error), error);
        assert_int_equal(epoll_ctl(outer, EPOLL_CTL_ADD, pk_loop_fd(loop), &event), 0);
        assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
        assert_ok(pk_process_watch(process, loop, note_end, &ended, &error), error);
        while (!ended) {
            assert_int_equal(epoll_wait(outer, &event, 1, 10000 * (int)test_slowness()), 1);
            assert_ok(pk_loop_dispatch(loop, 0, &error), error);
        }
        check(process, played == 7);
        pk_process_free(process);
        pk_loop_free(loop);
        close(outer);
    }
}

/* One fails, and the other is torn down: whichever is played. */
static void a_played_stage_may_fail_and_be_torn_down(void **state)
{
    pk_error error;
    (void)state;
    for (int i = 0; i < 3; i++) {
        pk_auto(pk_script) fails = pk_script_new();
        pk_auto(pk_script) hangs = pk_script_new();
        pk_script_exit(fails, 5);
        pk_script_hang(hangs);
        pk_auto(pk_command) first = i == 0 ? adversary("hold", NULL) : play(hangs);
        pk_auto(pk_command) last = i == 1 ? adversary("exit", "5", NULL) : play(fails);
        pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
        pk_auto(pk_output) output = NULL;
        assert_ok(pk_pipeline_output(pipeline, &output, &error), error);
        assert_int_equal(pk_output_result(output)->exit_code, 5);
        assert_int_equal(pk_output_culprit(output), 1);
        assert_int_equal(pk_output_result(pk_output_stage(output, 0))->verdict, PK_VERDICT_STOPPED);
    }
}

/* What is for all of them is for those that are played as well. */
static void a_deadline_holds_for_them(void **state)
{
    pk_error error;
    (void)state;
    pk_auto(pk_script) hangs = pk_script_new();
    pk_script_on_signal(hangs, SIGTERM, 9);
    pk_script_hang(hangs);
    pk_auto(pk_command) first = play(hangs);
    pk_auto(pk_command) last = adversary("count", NULL);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    pk_pipeline_timeout(pipeline, PK_MILLISECONDS(50));
    assert_int_equal(pk_pipeline_check(pipeline, &error), -ETIMEDOUT);
    assert_int_equal(error.kind, PK_ERROR_TIMEOUT);
}

static const struct test tests[] = {
    PK_TEST(some_stages_may_be_played),
    PK_TEST(loops_in_loops_are_heard),
    PK_TEST(a_played_stage_may_fail_and_be_torn_down),
    PK_TEST(a_deadline_holds_for_them),
};

PK_TEST_MAIN(tests)
