/*
 * Memory that runs out while a pipeline is made, started and carried to its end: each piece cannot be had once. It is
 * an error or a success, and nothing is left.
 */
#include "course.h"
#include "unit/scarce.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int tee_fd;

static pk_pipeline *make_pipeline(pk_mechanism mechanism)
{
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = mechanism;
    pk_auto(pk_command) first = pk_command_new(adversary_path(), "print", "x", NULL);
    pk_auto(pk_command) middle = pk_command_new(adversary_path(), "echo", NULL);
    pk_auto(pk_command) last = pk_command_new(adversary_path(), "count", NULL);
    pk_pipeline *pipeline = pk_pipeline_new(NULL, NULL);
    pk_pipeline_add(pipeline, first);
    pk_pipeline_add(pipeline, middle);
    pk_pipeline_add(pipeline, last);
    pk_pipeline_contain(pipeline, &options);
    pk_pipeline_tee(pipeline, 0, tee_fd);
    pk_pipeline_timeout(pipeline, PK_SECONDS(20) * test_slowness());
    return pipeline;
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

static int run_by_loop(const pk_pipeline *pipeline, pk_error *error)
{
    bool ended = false;
    pk_process *process = NULL;
    pk_loop *loop = NULL;
    int r = pk_loop_create(&loop, error);
    if (r == 0)
        r = pk_pipeline_start(pipeline, &process, error);
    if (r == 0)
        r = pk_process_watch(process, loop, note_end, &ended, error);
    while (r >= 0 && !ended)
        r = pk_loop_dispatch(loop, PK_FOREVER, error);
    if (r >= 0)
        r = pk_process_check(process, error);
    pk_process_free(process);
    pk_loop_free(loop);
    return r;
}

static int run_by_verb(const pk_pipeline *pipeline, pk_error *error)
{
    pk_output *output = NULL;
    int r = pk_pipeline_output(pipeline, &output, error);
    if (r == 0)
        r = pk_output_check(output, error);
    if (r == 0 && pk_output_capture(output, 1)->total != 2)
        fail_msg("a success without its output: '%s'", pk_output_text(output, 1));
    pk_output_free(output);
    return r;
}

/* One stage is a command, and is contained as it was said for all. */
static int run_alone(pk_mechanism mechanism, pk_error *error)
{
    pk_process *process = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = mechanism;
    pk_auto(pk_command) command = pk_command_new(adversary_path(), "exit", "0", NULL);
    pk_auto(pk_pipeline) pipeline = pk_pipeline_new(NULL, NULL);
    pk_pipeline_add(pipeline, command);
    pk_pipeline_contain(pipeline, &options);
    int r = pk_pipeline_start(pipeline, &process, error);
    if (r == 0)
        assert_int_equal(pk_group_mechanism(pk_process_group(process)), mechanism);
    if (r == 0)
        r = pk_process_wait(process, PK_FOREVER, NULL, error);
    pk_process_free(process);
    return r;
}

static int run(const struct way *way, pk_error *error)
{
    pk_auto(pk_pipeline) pipeline = make_pipeline(way->mechanism);
    int r = run_alone(way->mechanism, error);
    if (r == 0)
        r = way->by_loop ? run_by_loop(pipeline, error) : run_by_verb(pipeline, error);
    return r;
}

static void every_memory_may_be_missing(void **state)
{
    pk_error error;
    tee_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        assert_ok(run(*state, &error), error); /* what is made once is there from now on */
    long before = scarce_live();
    int descriptors = cast_count_descriptors();
    scarce_begin(0);
    assert_ok(run(*state, &error), error);
    unsigned most = scarce_end();
    assert_true(most > 30);
    for (unsigned nth = 1; nth <= most; nth++) {
        error = (pk_error){0};
        scarce_begin(nth);
        int r = run(*state, &error);
        scarce_end();
        if (r > 0 || (r < 0 && (r != -ENOMEM || error.number != r)))
            fail_msg("piece %u: %d: %s", nth, r, error.message);
        if (scarce_live() > before || cast_count_descriptors() > descriptors)
            fail_msg("piece %u: %ld pieces, %ld before; %d descriptors, %d before", nth, scarce_live(), before,
                     cast_count_descriptors(), descriptors);
    }
    print_message("%u pieces\n", most);
    close(tee_fd);
}

static const struct test tests[] = {
    EACH_WAY(every_memory_may_be_missing, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
