/*
 * Callbacks of any stage that stop or free any of them, or all, at every place where there is a callback: the pipeline
 * ends, or is gone, and nothing is left of it.
 */
#include "plumbing.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 3 };

/* What is done, the n-th time that somebody is called back. */
struct mischief {
    struct course *course;
    void (*act)(struct mischief *mischief);
    unsigned at, calls;
    bool done;
};

static void free_all(struct mischief *mischief)
{
    course_free_inside(mischief->course);
}

static void stop_all(struct mischief *mischief)
{
    pk_process_stop(mischief->course->process, NULL, NULL);
}

static void free_first(struct mischief *mischief)
{
    pk_process_free(pk_process_stage(mischief->course->process, 0));
}

static void free_middle(struct mischief *mischief)
{
    pk_process_free(pk_process_stage(mischief->course->process, 1));
}

static void stop_first(struct mischief *mischief)
{
    pk_process_stop(pk_process_stage(mischief->course->process, 0), NULL, NULL);
}

/* One stage, and then all of them. */
static void free_first_and_all(struct mischief *mischief)
{
    free_first(mischief);
    free_all(mischief);
}

static void stop_and_free_all(struct mischief *mischief)
{
    stop_all(mischief);
    free_all(mischief);
}

static void (*const acts[])(struct mischief *mischief) = {
    free_all, stop_all, free_first, free_middle, stop_first, free_first_and_all, stop_and_free_all,
};

enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

static void called_back(struct mischief *mischief)
{
    mischief->calls++;
    if (mischief->calls != mischief->at || !mischief->course->process) /* which is not known to its start */
        return;
    mischief->done = true;
    mischief->act(mischief);
}

static void on_trace(const pk_trace *trace, void *data)
{
    if (trace->kind != PK_TRACE_SPAWNED && trace->kind != PK_TRACE_FREED)
        called_back(data);
}

static void on_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line;
    called_back(data);
}

/* ---- A pipeline with callbacks ---------------------------------------------------------------------------------- */

struct scene {
    const char *stages[STAGES];
    void (*say)(pk_command *command, struct mischief *mischief); /* to each */
    bool loop_traces;
};

static void say_trace(pk_command *command, struct mischief *mischief)
{
    pk_command_trace(command, on_trace, mischief);
}

static void say_lines(pk_command *command, struct mischief *mischief)
{
    pk_command_on_line(command, 2, on_line, mischief);
}

static void say_nothing(pk_command *command, struct mischief *mischief)
{
    (void)command, (void)mischief;
}

/* The middle one fails, the first is torn down, and the last when it has been waited for. */
static const struct scene torn = {{"hold", "exit 3", "hold"}, say_trace, false},
                          torn_in_traced_loop = {{"hold", "exit 3", "hold"}, say_nothing, true},
                          clean = {{"print x", "echo", "count"}, say_trace, false},
                          late = {{"ignore TERM -- hold", "hold", "print x -- exit 3"}, say_trace, false},
                          talking = {{"alternate 20", "print-to 2 two -- echo", "print-to 2 three -- count"},
                                     say_lines,
                                     false},
                          lasting = {{"chatter 1", "print-to 2 two -- echo", "alternate 9 -- hold"}, say_lines, false};

static pk_pipeline *make_pipeline(void **state, const struct scene *scene, struct mischief *mischief)
{
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    for (int i = 0; i < STAGES; i++) {
        pk_auto(pk_command) command = cast_command(NULL, scene->stages[i]);
        pk_command_grace(command, PK_MILLISECONDS(5));
        scene->say(command, mischief);
        if (i + 1 == STAGES)
            pk_command_capture(command, 1, NULL);
        pk_pipeline_add(pipeline, command);
    }
    pk_pipeline_contain(pipeline, &options);
    pk_pipeline_settle(pipeline, PK_MILLISECONDS(5));
    pk_pipeline_timeout(pipeline, PK_MILLISECONDS(50) * test_slowness());
    return pipeline;
}

/* Whether there was such a place. */
static bool act_once(void **state, const struct scene *scene, void (*act)(struct mischief *mischief), unsigned at)
{
    struct course course = {0};
    struct mischief mischief = {.course = &course, .act = act, .at = at};
    pk_auto(pk_pipeline) pipeline = make_pipeline(state, scene, &mischief);
    course_prepare(&course, state, pk_pipeline_command(pipeline));
    course_watch(&course, state);
    if (scene->loop_traces && course.loop)
        pk_loop_trace(course.loop, on_trace, &mischief);
    const pk_result *result = course_end(&course);
    assert_true(result || mischief.done);
    if (result) {
        assert_true(pk_process_culprit(course.process) == PK_NO_STAGE || pk_process_culprit(course.process) < STAGES);
        assert_int_equal(pk_process_stage_count(course.process), STAGES);
    }
    course_close(&course);
    return mischief.done;
}

static void act_everywhere(void **state, const struct scene *scene)
{
    unsigned places = 0, stride = test_slowness();
    for (int i = 0; i < ACTS; i++) {
        unsigned at = 1;
        while (at < 100 && act_once(state, scene, acts[i], at))
            at += stride;
        assert_true(at > 1);
        places += at - 1;
    }
    print_message("%u places\n", places);
}

static void at_every_record_of_what_is_torn_down(void **state)
{
    act_everywhere(state, &torn);
}

static void at_every_record_of_a_loop(void **state)
{
    act_everywhere(state, &torn_in_traced_loop);
}

static void at_every_record_of_a_success(void **state)
{
    act_everywhere(state, &clean);
}

static void at_every_record_of_a_late_end(void **state)
{
    act_everywhere(state, &late);
}

static void at_every_line(void **state)
{
    act_everywhere(state, &talking);
}

static void at_every_line_of_what_lasts(void **state)
{
    act_everywhere(state, &lasting);
}

/* ---- What they are told ----------------------------------------------------------------------------------------- */

/* How often each kind was told. */
struct tally {
    unsigned kinds[PK_TRACE_FREED + 1];
};

static void count_kind(const pk_trace *trace, void *data)
{
    struct tally *tally = data;
    tally->kinds[trace->kind]++;
}

static void a_loop_is_told_of_each_stage(void **state)
{
    struct course course;
    struct tally tally = {{0}};
    pk_auto(pk_pipeline) pipeline = plumb(state, "print x | echo | count");
    course_prepare(&course, state, pk_pipeline_command(pipeline));
    course_watch(&course, state);
    pk_loop_trace(course.loop, count_kind, &tally);
    course_end(&course);
    course_close(&course);
    assert_int_equal(tally.kinds[PK_TRACE_SPAWNED], STAGES);
    assert_int_equal(tally.kinds[PK_TRACE_LEADER_EXITED], STAGES);
    assert_int_equal(tally.kinds[PK_TRACE_ENDED], STAGES);
    assert_int_equal(tally.kinds[PK_TRACE_FREED], 0);
}

/* Of whomever it was told that they are there it is told that they are gone. */
static void a_loop_is_told_who_was_freed(void **state)
{
    struct course course;
    pk_error error;
    struct tally tally = {{0}};
    pk_auto(pk_pipeline) pipeline = plumb(state, "hold | hold | hold");
    course_prepare(&course, state, pk_pipeline_command(pipeline));
    course_watch(&course, state);
    pk_loop_trace(course.loop, count_kind, &tally);
    assert_ok(pk_process_stop(course.process, NULL, &error), error);
    course_close(&course);
    assert_int_equal(tally.kinds[PK_TRACE_SPAWNED], STAGES);
    assert_int_equal(tally.kinds[PK_TRACE_STOPPED], STAGES);
    assert_int_equal(tally.kinds[PK_TRACE_FREED], STAGES);
}

static pk_counters counters_now(void)
{
    pk_counters counters = PK_COUNTERS_INIT;
    pk_counters_read(&counters);
    return counters;
}

static uint64_t count_ends(const pk_counters *counters)
{
    uint64_t ends = counters->freed;
    for (int i = 0; i < PK_COUNTERS_ENDS; i++)
        ends += counters->ends[i];
    return ends;
}

/* Who is counted once is not counted off twice. */
static void the_living_are_counted_right(void **state)
{
    pk_error error;
    pk_process *process;
    struct course course;
    pk_auto(pk_pipeline) good = plumb(state, "print x | echo | count");
    plumbing_run(&course, state, good);
    course_close(&course);
    assert_int_equal(counters_now().live, 0);

    pk_auto(pk_command) plain = cast_command(NULL, "hold");
    pk_auto(pk_command) broken = cast_command(NULL, "hold");
    pk_command_rlimit(broken, 9999, 1, 1);
    for (int position = 0; position < STAGES; position++) {
        pk_auto(pk_pipeline) pipeline = pk_pipeline_new(NULL, NULL);
        for (int i = 0; i < STAGES; i++)
            pk_pipeline_add(pipeline, i == position ? broken : plain);
        assert_int_equal(pk_pipeline_start(pipeline, &process, &error), -EINVAL);
        pk_counters counters = counters_now();
        assert_int_equal(counters.live, 0);
        assert_int_equal(counters.starts, count_ends(&counters));
    }

    pk_auto(pk_pipeline) lasting_one = plumb(state, "hold | hold | hold");
    course_start(&course, state, pk_pipeline_command(lasting_one));
    assert_int_equal(counters_now().live, STAGES);
    course_close(&course);
    pk_counters counters = counters_now();
    assert_int_equal(counters.live, 0);
    assert_int_equal(counters.starts, count_ends(&counters));
}

#define EACH_LOOP(function)                                                                               \
    PK_TEST_NAMED(#function "/loop/cgroup2", function, .data = &way_loop_cgroup2, .needs = NEEDS_CGROUP2, \
                  .deadline_s = 120),                                                                     \
        PK_TEST_NAMED(#function "/loop/reaper", function, .data = &way_loop_reaper, .deadline_s = 120)

static const struct test tests[] = {
    EACH_WAY(at_every_record_of_what_is_torn_down, .deadline_s = 120),
    EACH_LEAKY_WAY(at_every_record_of_what_is_torn_down, .deadline_s = 120),
    EACH_LOOP(at_every_record_of_a_loop),
    EACH_WAY(at_every_record_of_a_success, .deadline_s = 120),
    EACH_WAY(at_every_record_of_a_late_end, .deadline_s = 120),
    EACH_WAY(at_every_line, .deadline_s = 120),
    EACH_WAY(at_every_line_of_what_lasts, .deadline_s = 120),
    EACH_LOOP(a_loop_is_told_of_each_stage),
    EACH_LOOP(a_loop_is_told_who_was_freed),
    EACH_MECHANISM(the_living_are_counted_right),
};

PK_TEST_MAIN(tests)
