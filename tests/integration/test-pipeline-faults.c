/*
 * Fault injection: each system call of a pipeline fails once, wherever it is made, from its start to its end. What is
 * said to be a success has all of its output, here and in the tee.
 */
#include "course.h"
#include "every-call.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STAGES = 3, BYTES = 150000 };

struct scene {
    const struct way *way;
    const char *const *stages;
    int tee;
    pk_time begun;
};

/* ---- A pipeline ------------------------------------------------------------------------------------------------- */

static pk_pipeline *make_pipeline(const struct scene *scene)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    options.mechanism = scene->way->mechanism;
    for (int i = 0; i < STAGES; i++) {
        pk_auto(pk_command) command = cast_command(NULL, scene->stages[i]);
        pk_command_grace(command, PK_MILLISECONDS(5));
        pk_command_stop_signal(command, SIGURG); /* which is not obeyed: there is a time to wait for */
        if (i + 1 == STAGES)
            pk_command_capture(command, 1, NULL);
        pk_pipeline_add(pipeline, command);
    }
    pk_pipeline_contain(pipeline, &options);
    pk_pipeline_timeout(pipeline, PK_SECONDS(20));
    pk_pipeline_settle(pipeline, PK_MILLISECONDS(5));
    pk_pipeline_tee(pipeline, 0, scene->tee);
    return pipeline;
}

static void assert_whole(const struct scene *scene, pk_process *process)
{
    struct stat status;
    assert_string_equal(pk_process_capture(process, 1)->bytes, "150000\n");
    assert_int_equal(fstat(scene->tee, &status), 0);
    if (pk_process_stage_tee_error(process, 0) == 0)
        assert_int_equal(status.st_size, BYTES);
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

/* A loop that could not be waited for is waited for again. */
static int run_to_end(pk_loop *loop, const bool *ended, pk_error *error)
{
    int r = 0;
    for (int failures = 0; !*ended && failures < 3; failures += r < 0)
        r = pk_loop_dispatch(loop, PK_FOREVER, error);
    return *ended ? 0 : r;
}

static int carry(pk_process *process, pk_loop *loop, pk_error *error)
{
    bool ended = false;
    if (!loop)
        return pk_process_wait(process, PK_FOREVER, NULL, error);
    int r = pk_process_watch(process, loop, note_end, &ended, error);
    return r < 0 ? r : run_to_end(loop, &ended, error);
}

/* ---- What may fail ---------------------------------------------------------------------------------------------- */

/* And the loop to carry it, if there is to be one. */
static int begin(const struct scene *scene, pk_loop **loop, pk_process **process, pk_error *error)
{
    pk_auto(pk_pipeline) pipeline = make_pipeline(scene);
    int r = scene->way->by_loop ? pk_loop_create(loop, error) : 0;
    return r < 0 ? r : pk_pipeline_start(pipeline, process, error);
}

static int run(void *data, pk_error *error)
{
    const struct scene *scene = data;
    pk_auto(pk_loop) loop = NULL;
    pk_process *process = NULL;
    int r = begin(scene, &loop, &process, error);
    if (r == 0)
        r = carry(process, loop, error);
    if (r == 0)
        r = pk_process_check(process, error);
    if (r == 0)
        assert_whole(scene, process);
    pk_process_free(process);
    return r;
}

/* One that is stopped by its owner. */
static int stop(void *data, pk_error *error)
{
    const struct scene *scene = data;
    pk_auto(pk_loop) loop = NULL;
    pk_process *process = NULL;
    int r = begin(scene, &loop, &process, error);
    if (r == 0)
        r = pk_process_stop(process, NULL, error);
    if (r == 0)
        r = carry(process, loop, error);
    pk_process_free(process);
    return r;
}

/* One that tears itself down: its error is the one that is to come. */
static int fail_and_tear_down(void *data, pk_error *error)
{
    int r = run(data, error);
    return r == -EPROTO && error->exit_code == 3 ? 0 : r;
}

static void prepare(void *data)
{
    struct scene *scene = data;
    assert_int_equal(ftruncate(scene->tee, 0), 0);
    assert_int_equal(lseek(scene->tee, 0, SEEK_SET), 0);
    scene->begun = pk_now();
}

/* Nothing that fails makes a pipeline wait for its deadline. */
static void check(void *data, int result)
{
    const struct scene *scene = data;
    (void)result;
    assert_true(pk_now() - scene->begun < PK_SECONDS(15) * test_slowness());
}

static void fail_everything(void **state, const char *const *stages, int (*what)(void *data, pk_error *error))
{
    pk_error error;
    struct scene scene = {.way = *state, .stages = stages};
    struct every_call every = {.prepare = prepare, .run = what, .check = check, .data = &scene};
    scene.tee = open(scratch("tee"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    prepare(&scene);
    assert_ok(what(&scene, &error), error); /* what is made once is there from now on */
    every_call_fails(&every);
    prepare(&scene);
    assert_ok(what(&scene, &error), error);
    close(scene.tee);
}

static void every_call_of_a_success_may_fail(void **state)
{
    static const char *const stages[STAGES] = {"bytes 150000", "echo", "count"};
    fail_everything(state, stages, run);
}

static void every_call_of_a_stop_may_fail(void **state)
{
    static const char *const stages[STAGES] = {"flood", "hold", "hold"};
    fail_everything(state, stages, stop);
}

static void every_call_of_a_failure_may_fail(void **state)
{
    static const char *const stages[STAGES] = {"hold", "exit 3", "exit 0"};
    fail_everything(state, stages, fail_and_tear_down);
}

/* Who has started it may have no descriptor left for what comes later. */
static void a_grace_needs_no_more_descriptors(void **state)
{
    static const char *const stages[STAGES] = {"hold", "exit 3", "hold"};
    struct scene scene = {.way = *state, .stages = stages};
    pk_error error;
    pk_process *process;
    scene.tee = open(scratch("tee"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    pk_auto(pk_pipeline) pipeline = make_pipeline(&scene);
    pk_pipeline_timeout(pipeline, PK_FOREVER); /* nothing is waited for yet */
    assert_ok(pk_pipeline_start(pipeline, &process, &error), error);
    sys_fault_clear();
    sys_fault_set("timerfd_create", 0, EMFILE);
    assert_ok(pk_process_wait(process, pk_deadline(PK_SECONDS(10) * test_slowness()), NULL, &error), error);
    sys_fault_clear();
    assert_int_equal(pk_process_culprit(process), 1);
    pk_process_free(process);
    close(scene.tee);
}

static const struct test tests[] = {
    EACH_WAY(every_call_of_a_success_may_fail, .deadline_s = 240),
    EACH_WAY(every_call_of_a_stop_may_fail, .deadline_s = 240),
    EACH_WAY(every_call_of_a_failure_may_fail, .deadline_s = 240),
    EACH_MECHANISM(a_grace_needs_no_more_descriptors),
};

PK_TEST_MAIN(tests)
