/*
 * Every adversary as every stage: the pipeline ends when it is to, and nothing of it is left; nor when its owner ends.
 */
#include "plumbing.h"
#include "testator.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STAGES = 3 };

/* ---- As every stage --------------------------------------------------------------------------------------------- */

static const char *const adversaries[] = {
    "hold",
    "daemonise -- hold",
    "double-fork -- setsid -- hold",
    "child -- setsid -- ignore TERM,INT,HUP -- hold",
    "double-fork -- setsid -- block-all -- flood",
    "close-stdio -- hold",
    "close 0 -- close 1 -- hold",
    "ignore PIPE -- flood",
    "flood",
    "leave 0 -- hold",
    "leave 0 -- setsid -- flood",
    "leave 3 -- ignore TERM -- echo",
    "tree 12",
    "wide 3",
    "subreaper -- wide 2",
    "cgroup -- hold",
    "stop -- hold",
    "fork-on TERM -- hold",
    "half-line -- hold",
    "zombie -- hold",
    "lose-main-thread",
    "die SEGV",
    "exit 7",
    "read-bytes 0 -- exit 0",
};

static pk_command *make_stage(struct witness *witness, const char *words)
{
    pk_command *command = cast_command(witness, words);
    pk_command_grace(command, PK_MILLISECONDS(20));
    return command;
}

static void meet(void **state, const char *words, int position, struct witness *witness)
{
    static const char *const others[STAGES] = {"flood", "echo", "read-slowly 4096 1"};
    const struct way *way = *state;
    struct course course;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(NULL, NULL);
    options.mechanism = way->mechanism;
    for (int i = 0; i < STAGES; i++) {
        pk_auto(pk_command) stage = make_stage(i == position ? witness : NULL, i == position ? words : others[i]);
        pk_pipeline_add(pipeline, stage);
    }
    pk_pipeline_contain(pipeline, &options);
    pk_pipeline_settle(pipeline, PK_MILLISECONDS(20));
    pk_pipeline_timeout(pipeline, PK_MILLISECONDS(60) * test_slowness());
    pk_time begin = pk_now();
    course_start(&course, state, pk_pipeline_command(pipeline));
    const pk_result *result = course_end(&course);
    assert_true(result->verdict != PK_VERDICT_UNKILLABLE);
    assert_true(pk_now() - begin < PK_SECONDS(10) * test_slowness());
    assert_int_equal(pk_group_is_empty(pk_process_pipeline_group(course.process), NULL), 1);
    course_close(&course);
}

/* Where everything is slow, some of them do. */
static void every_adversary_as_every_stage(void **state)
{
    size_t stride = test_slowness() > 1 ? 4 : 1;
    for (size_t i = 0; i < sizeof(adversaries) / sizeof(adversaries[0]); i += stride)
        for (int position = 0; position < STAGES; position++) {
            struct witness *witness = witness_new();
            print_message("%s as %d\n", adversaries[i], position);
            meet(state, adversaries[i], position, witness);
            witness_update(witness);
            witness_assert_dead(witness, GONE_MS);
            witness_free(witness);
        }
}

static void a_storm_as_every_stage(void **state)
{
    for (int position = 0; position < STAGES; position++) {
        struct witness *witness = witness_new();
        meet(state, cast_storm(), position, witness);
        witness_update(witness);
        witness_assert_dead(witness, GONE_MS);
        witness_free(witness);
    }
}

/* ---- Leftovers -------------------------------------------------------------------------------------------------- */

/* One that holds the pipe is no stage: who reads does not wait for it. */
static void a_leftover_holds_nobody_up(void **state)
{
    struct course course;
    pk_auto(pk_pipeline) pipeline = plumb(state, "print x -- leave 0 -- setsid -- block-all -- hold | count");
    plumbing_run(&course, state, pipeline);
    assert_captured(&course, 1, "2\n");
    assert_int_equal(pk_process_culprit(course.process), PK_NO_STAGE);
    assert_int_equal(pk_process_stage_result(course.process, 0)->leftover_count, 1);
    course_close(&course);
}

static void or_it_is_a_failure(void **state)
{
    struct course course;
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    pk_auto(pk_command) first = cast_command(NULL, "print x -- leave 0 -- hold");
    pk_auto(pk_command) last = cast_command(NULL, "count");
    pk_command_leftovers(first, PK_LEFTOVERS_FAIL);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(first, last, NULL);
    pk_pipeline_contain(pipeline, &options);
    assert_int_equal(plumbing_run(&course, state, pipeline)->verdict, PK_VERDICT_LEFTOVERS);
    assert_int_equal(pk_process_culprit(course.process), 0);
    assert_captured(&course, 1, "2\n");
    course_close(&course);
}

/* ---- The owner -------------------------------------------------------------------------------------------------- */

struct estate {
    struct way way;
    struct witness *witnesses[STAGES];
};

static const char *const heirs[STAGES] = {"tree 6", "child -- setsid -- ignore TERM,INT,HUP -- echo",
                                          "double-fork -- setsid -- block-all -- hold"};

static void live(struct testator *testator, const void *data)
{
    const struct estate *estate = data;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_process *process;
    pk_error error;
    options.mechanism = estate->way.mechanism;
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    for (int i = 0; i < STAGES; i++) {
        pk_auto(pk_command) stage = cast_command(estate->witnesses[i], heirs[i]);
        pk_pipeline_add(pipeline, stage);
    }
    pk_pipeline_contain(pipeline, &options);
    pk_pipeline_tee(pipeline, 0, STDERR_FILENO);
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    testator_say(testator);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
}

static void nothing_outlives_the_owner(void **state)
{
    struct estate estate = {.way = *(const struct way *)*state};
    for (int i = 0; i < STAGES; i++)
        estate.witnesses[i] = witness_new();
    struct testator *testator = testator_begin(live, &estate);
    if (estate.way.mechanism == PK_MECHANISM_CGROUP2)
        testator_hear(testator);
    else
        testator_hear_of_no_guardian(testator);
    for (int i = 0; i < STAGES; i++)
        witness_ready(estate.witnesses[i]);
    testator_signal(testator, SIGKILL);
    testator_await_end(testator);
    for (int i = 0; i < STAGES; i++) {
        witness_assert_dead(estate.witnesses[i], GONE_MS);
        witness_free(estate.witnesses[i]);
    }
    if (estate.way.mechanism == PK_MECHANISM_CGROUP2)
        testator_assert_nothing_left(testator);
    testator_close(testator);
}

static const struct test tests[] = {
    EACH_WAY(every_adversary_as_every_stage, .deadline_s = 180),
    EACH_MECHANISM(a_storm_as_every_stage, .deadline_s = 120),
    EACH_WAY(a_leftover_holds_nobody_up),
    EACH_WAY(or_it_is_a_failure),
    EACH_MECHANISM(nothing_outlives_the_owner),
};

PK_TEST_MAIN(tests)
