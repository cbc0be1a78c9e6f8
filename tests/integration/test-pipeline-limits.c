/*
 * Limits of a pipeline: they hold for all stages together. On a kernel with controllers for us.
 */
#include "limited.h"
#include "plumbing.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static pk_pipeline *plumb_limited(const char *stages, const pk_limits *limits)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_pipeline *pipeline = plumb_plainly(stages);
    options.limits = *limits;
    pk_pipeline_contain(pipeline, &options);
    return pipeline;
}

/* All that are in the group are killed for one of them. Who is seen to be dead first has failed, and those that are not
 * quite dead then are torn down. */
static void memory_beyond_the_limit_kills_all_stages(void **state)
{
    static const char *const stages[] = {"memory 100 | hold | hold", "hold | memory 100 | hold",
                                         "hold | hold | memory 100"};
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(32);
    for (size_t i = 0; i < 3; i++) {
        struct course course;
        pk_auto(pk_pipeline) pipeline = plumb_limited(stages[i], &limits);
        pk_time begin = pk_now();
        const pk_result *result = plumbing_run(&course, state, pipeline);
        assert_int_equal(result->verdict, PK_VERDICT_OOM_KILLED);
        assert_true(result->evidence.memory_max == limits.memory_max);
        assert_int_equal(result->evidence.oom_cause, PK_OOM_CAUSE_LIMIT);
        for (size_t k = 0; k < 3; k++) {
            const pk_result *one = pk_process_stage_result(course.process, k);
            assert_true(one->verdict == PK_VERDICT_OOM_KILLED ||
                        (one->verdict == PK_VERDICT_STOPPED && k != pk_process_culprit(course.process)));
        }
        assert_true(pk_now() - begin < PK_SECONDS(5) * test_slowness());
        course_close(&course);
    }
}

static void one_may_be_killed_instead(void **state)
{
    static const char *const stages[] = {"memory 100 | hold | hold", "hold | memory 100 | hold",
                                         "hold | hold | memory 100"};
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(32);
    limits.oom = PK_OOM_KILL_ONE;
    for (size_t i = 0; i < 3; i++) {
        struct course course;
        pk_auto(pk_pipeline) pipeline = plumb_limited(stages[i], &limits);
        pk_pipeline_settle(pipeline, PK_MILLISECONDS(50));
        const pk_result *result = plumbing_run(&course, state, pipeline);
        assert_int_equal(result->verdict, PK_VERDICT_OOM_KILLED);
        assert_int_equal(pk_process_culprit(course.process), i);
        for (size_t k = 0; k < 3; k++)
            if (k != i)
                assert_int_equal(pk_process_stage_result(course.process, k)->verdict, PK_VERDICT_STOPPED);
        course_close(&course);
    }
}

/* What all of them need together is what counts, and what they had at most. */
static void stages_share_what_there_is(void **state)
{
    pk_usage usage;
    pk_error error;
    struct course course;
    struct witness *witness = witness_new();
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(64);
    limits.pids_max = 20;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits = limits;
    pk_auto(pk_command) first = cast_command(witness, "memory 20");
    pk_auto(pk_command) last = cast_command(witness, "memory 20");
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    pk_pipeline_contain(pipeline, &options);
    course_start(&course, state, pk_pipeline_command(pipeline));
    witness_count(witness, 2);
    pk_group *whole = pk_process_pipeline_group(course.process);
    pk_limits found = PK_LIMITS_INIT;
    assert_ok(pk_group_get_limits(pk_process_group(pk_process_stage(course.process, 0)), &found, &error), error);
    assert_true(found.memory_max == limits.memory_max && found.pids_max == limits.pids_max);
    limited_expect(whole, "pids.current", "2");
    assert_ok(pk_process_stop(course.process, NULL, &error), error);
    course_end(&course);
    assert_ok(pk_group_usage(whole, &usage, &error), error);
    if (usage.memory_source == PK_SOURCE_CGROUP)
        assert_true(usage.memory_peak <= limits.memory_max);
    course_close(&course);
    witness_free(witness);
}

static void processes_are_counted_together(void **state)
{
    pk_error error;
    char *text;
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 6;
    pk_auto(pk_pipeline) pipeline = plumb_limited("crowd 10 | echo | echo", &limits);
    assert_ok(pk_pipeline_run(pipeline, &text, &error), error);
    assert_non_null(strstr(text, "3 of 10 children"));
    free(text);
}

/* The first ones are there already: nobody stays. */
static void a_stage_too_many_is_named(void **state)
{
    pk_error error;
    pk_process *process;
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 2;
    pk_auto(pk_pipeline) pipeline = plumb_limited("hold | hold | hold", &limits);
    assert_true(pk_pipeline_start(pipeline, &process, &error) < 0);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_non_null(strstr(error.message, "limit of 2"));
}

static const struct way waits = {PK_MECHANISM_AUTO, false}, loops = {PK_MECHANISM_AUTO, true};

#define EACH_CARRIED(function)                                                                                 \
    PK_TEST_NAMED(#function "/wait", function, .data = &waits, .needs = NEEDS_CONTROLLERS, .deadline_s = 120), \
        PK_TEST_NAMED(#function "/loop", function, .data = &loops, .needs = NEEDS_CONTROLLERS, .deadline_s = 120)

static const struct test tests[] = {
    EACH_CARRIED(memory_beyond_the_limit_kills_all_stages),
    EACH_CARRIED(one_may_be_killed_instead),
    EACH_CARRIED(stages_share_what_there_is),
    PK_TEST_WITH(processes_are_counted_together, .needs = NEEDS_CONTROLLERS),
    PK_TEST_WITH(a_stage_too_many_is_named, .needs = NEEDS_CONTROLLERS),
};

PK_TEST_MAIN(tests)
