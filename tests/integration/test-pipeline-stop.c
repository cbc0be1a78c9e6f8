/*
 * Pipelines that are stopped, suspended and freed: whom it reaches, how often, and in which order.
 */
#include "plumbing.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

/* A pipeline of three who say what they get, and then end in their own time. */
static pk_pipeline *plumb_witnesses(void **state, struct witness **witnesses)
{
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    for (int i = 0; i < 3; i++) {
        witnesses[i] = witness_new();
        pk_auto(pk_command) command = cast_command(witnesses[i], i == 2 ? "catch-exit TERM 7" : "catch TERM");
        pk_command_grace(command, PK_MILLISECONDS(i == 2 ? 60000 : 200));
        pk_pipeline_add(pipeline, command);
    }
    pk_pipeline_contain(pipeline, &options);
    return pipeline;
}

static void all_stand(struct witness **witnesses)
{
    for (int i = 0; i < 3; i++)
        witness_ready(witnesses[i]);
}

static void free_witnesses(struct witness **witnesses)
{
    for (int i = 0; i < 3; i++) {
        witness_assert_dead(witnesses[i], GONE_MS);
        witness_free(witnesses[i]);
    }
}

/* That one has ended is no reason to hurry the others, which are being ended already. Whoever gets a second signal
 * takes it for impatience. */
static void each_is_asked_to_end_once(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct course course;
        pk_error error;
        pk_cancel *cancel;
        pk_counters before = PK_COUNTERS_INIT, after = PK_COUNTERS_INIT;
        struct witness *witnesses[3];
        assert_ok(pk_cancel_create(&cancel, &error), error);
        pk_auto(pk_pipeline) pipeline = plumb_witnesses(state, witnesses);
        pk_pipeline_cancel(pipeline, cancel);
        if (i == 1)
            pk_pipeline_timeout(pipeline, PK_SECONDS(1) * test_slowness());
        pk_counters_read(&before);
        course_start(&course, state, pk_pipeline_command(pipeline));
        all_stand(witnesses);
        if (i == 0)
            assert_ok(pk_process_stop(course.process, NULL, &error), error);
        else if (i == 2)
            pk_cancel_now(cancel);
        course_end(&course);
        pk_counters_read(&after);
        assert_int_equal(after.soft_signals - before.soft_signals, 3);
        assert_int_equal(pk_process_culprit(course.process), 0);
        course_close(&course);
        free_witnesses(witnesses);
        pk_cancel_free(cancel);
    }
}

/* Standing still they could not obey. */
static void what_stands_still_can_be_stopped(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct course course;
        pk_error error;
        pk_auto(pk_pipeline) pipeline = pk_pipeline_new(NULL, NULL);
        const struct way *way = *state;
        pk_group_options options = PK_GROUP_OPTIONS_INIT;
        struct witness *witnesses[3];
        options.mechanism = way->mechanism;
        for (int k = 0; k < 3; k++) {
            witnesses[k] = witness_new();
            pk_auto(pk_command) command = cast_command(witnesses[k], "catch-exit TERM 7 -- hold");
            pk_command_grace(command, PK_SECONDS(100));
            pk_pipeline_add(pipeline, command);
        }
        pk_pipeline_contain(pipeline, &options);
        course_start(&course, state, pk_pipeline_command(pipeline));
        all_stand(witnesses);
        assert_ok(pk_group_suspend(pk_process_pipeline_group(course.process), &error), error);
        pk_process *whom = i == 0 ? course.process : pk_process_stage(course.process, 1);
        assert_ok(pk_process_stop(whom, NULL, &error), error);
        course_end(&course);
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(pk_process_stage_result(course.process, k)->exit_code, 7);
        course_close(&course);
        free_witnesses(witnesses);
    }
}

static void what_stands_still_can_go_on(void **state)
{
    struct course course;
    pk_error error;
    pk_auto(pk_pipeline) pipeline = plumb(state, "lines 100000 | echo | count");
    pk_auto(pk_command) command = pk_command_copy(pk_pipeline_command(pipeline));
    pk_command_capture(command, 1, NULL);
    course_start(&course, state, command);
    pk_group *group = pk_process_pipeline_group(course.process);
    for (int i = 0; i < 5; i++) {
        assert_ok(pk_group_suspend(group, &error), error);
        assert_false(course_run(&course, PK_MILLISECONDS(5)));
        assert_ok(pk_group_resume(group, &error), error);
    }
    course_end(&course);
    assert_int_equal(pk_process_culprit(course.process), PK_NO_STAGE);
    assert_captured(&course, 1, "1088895\n");
    course_close(&course);
}

/* ---- Who reads goes first --------------------------------------------------------------------------------------- */

/* A reader that saw the end of its input, and not its own, would take what it has got for all. */
static void nobody_sees_an_end_that_is_none(void **state)
{
    pk_error error;
    pk_process *process;
    char path[512];
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    snprintf(path, sizeof(path), "echo -- touch %s", scratch("seen"));
    for (int i = 0; i < (int)fewer(10); i++) {
        struct witness *writer = witness_new(), *reader = witness_new();
        pk_auto(pk_command) first = cast_command(writer, "hold");
        pk_auto(pk_command) last = cast_command(reader, path);
        if (i % 2) { /* each by itself */
            pk_command_contain(first, &options);
            pk_command_contain(last, &options);
        }
        pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
        if (i % 2 == 0)
            pk_pipeline_contain(pipeline, &options);
        assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
        witness_ready(writer);
        witness_ready(reader);
        pk_process_free(process);
        witness_assert_dead(writer, GONE_MS);
        witness_assert_dead(reader, GONE_MS);
        assert_int_equal(access(scratch("seen"), F_OK), -1);
        witness_free(writer);
        witness_free(reader);
    }
}

static const struct test tests[] = {
    EACH_WAY(each_is_asked_to_end_once),
    EACH_WAY(what_stands_still_can_be_stopped),
    EACH_WAY(what_stands_still_can_go_on),
    EACH_LEAKY_WAY(what_stands_still_can_go_on),
    EACH_MECHANISM(nobody_sees_an_end_that_is_none),
};

PK_TEST_MAIN(tests)
