/*
 * Fault injection: each system call of a run with input and output fails once, wherever it is made. What is said to be
 * a success has all of its output.
 */
#include "course.h"
#include "every-call.h"
#include "lines.h"
#include "sys/fault.h"

#include <processkit/run.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUT = 150000 };

struct scene {
    const struct way *way;
    int ends[2]; /* of a pipe that gets the text */
    pk_time begun;
    pk_cancel *cancel;
};

static char input[INPUT];

static pk_command *make_command(struct scene *scene)
{
    void *state = (void *)(uintptr_t)scene->way;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.spill = scratch("spill");
    pk_command *command = course_command(&state, "count -- bytes 150000 -- print-to 2 done -- exit 0");
    pk_command_input(command, input, INPUT);
    pk_command_capture(command, 1, &options);
    pk_command_tee(command, 2, scene->ends[1], PK_TEE_TEXT);
    pk_command_tee(command, 2, scene->ends[1], PK_TEE_RAW);
    pk_command_capture(command, 2, NULL);
    pk_command_idle_timeout(command, PK_SECONDS(25));
    pk_command_timeout(command, PK_SECONDS(20));
    pk_command_cancel(command, scene->cancel);
    return command;
}

static void assert_whole(const pk_capture *out, const pk_capture *err)
{
    assert_int_equal(out->total, 7 + 150000);
    assert_memory_equal(out->bytes, "150000\nxxx", 10);
    assert_string_equal(err->bytes, "done\n");
    assert_false(out->cut_off);
}

static void prepare(void *data)
{
    struct scene *scene = data;
    char buffer[4096];
    while (read(scene->ends[0], buffer, sizeof(buffer)) > 0)
        ;
    scene->begun = pk_now();
}

/* Nothing that fails makes a run wait for its deadline. */
static void check(void *data, int result)
{
    const struct scene *scene = data;
    (void)result;
    assert_true(pk_now() - scene->begun < PK_SECONDS(15) * test_slowness());
}

static int run_verb(void *data, pk_error *error)
{
    pk_auto(pk_output) output = NULL;
    pk_auto(pk_command) command = make_command(data);
    int r = pk_command_output(command, &output, error);
    if (r == 0)
        r = pk_output_check(output, error);
    if (r == 0)
        assert_whole(pk_output_capture(output, 1), pk_output_capture(output, 2));
    return r;
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

static int run_loop(void *data, pk_error *error)
{
    bool ended = false;
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_command) command = make_command(data);
    pk_auto(pk_process) process = NULL;
    int r = pk_loop_create(&loop, error);
    if (r == 0)
        r = pk_command_start(command, &process, error);
    if (r == 0)
        r = pk_process_watch(process, loop, note_end, &ended, error);
    if (r == 0)
        r = run_to_end(loop, &ended, error);
    if (r == 0)
        r = pk_process_check(process, error);
    if (r == 0)
        assert_whole(pk_process_capture(process, 1), pk_process_capture(process, 2));
    process = pk_process_free(process);
    return r;
}

struct answer {
    bool told;
    int number;
    pk_error error;
};

static void take_answer(pk_task *task, int number, const pk_error *error, void *data)
{
    struct answer *answer = data;
    *answer = (struct answer){.told = true, .number = number};
    if (error)
        answer->error = *error;
    assert_null(pk_task_process(task));
}

static int run_task(void *data, pk_error *error)
{
    struct answer answer = {.told = false};
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_command) command = make_command(data);
    pk_auto(pk_task) task = NULL;
    int r = pk_loop_create(&loop, error);
    if (r == 0)
        r = pk_command_submit(command, PK_VERB_CHECK, loop, take_answer, &answer, &task, error);
    if (r == 0)
        r = run_to_end(loop, &answer.told, error);
    if (r == 0 && answer.number < 0) {
        *error = answer.error;
        r = answer.number;
    }
    if (r == 0)
        assert_whole(pk_output_capture(pk_task_output(task), 1), pk_output_capture(pk_task_output(task), 2));
    task = pk_task_free(task); /* before its loop */
    return r;
}

static int talk(pk_process *process, pk_error *error)
{
    pk_line line;
    size_t written;
    int r = pk_process_write(process, "hello\n", 6, &written, PK_FOREVER, error);
    if (r == 0)
        r = pk_process_next_line(process, 1, &line, PK_FOREVER, error);
    if (r == 1)
        assert_string_equal(line.text, "hello");
    return r == 1 ? 0 : r == 0 ? -ENODATA : r;
}

static int run_dialogue(void *data, pk_error *error)
{
    struct scene *scene = data;
    void *state = (void *)(uintptr_t)scene->way;
    pk_auto(pk_command) command = course_command(&state, "echo");
    pk_auto(pk_process) process = NULL;
    pk_command_pipe(command, 0);
    pk_command_capture(command, 1, NULL);
    pk_command_timeout(command, PK_SECONDS(20));
    int r = pk_command_start(command, &process, error);
    if (r == 0)
        r = talk(process, error);
    if (r == -ENODATA) /* the end of a stream that could not be read: the run tells why */
        r = 0;
    if (process)
        pk_process_close_input(process);
    if (r == 0)
        r = pk_process_wait(process, PK_FOREVER, NULL, error);
    if (r == 0)
        r = pk_process_check(process, error);
    if (r == 0)
        assert_string_equal(pk_process_capture(process, 1)->bytes, "hello\n");
    return r;
}

static void fail_everything(const struct way *way, int (*run)(void *data, pk_error *error))
{
    struct scene scene = {.way = way};
    pk_error error;
    struct every_call every = {.prepare = prepare, .run = run, .check = check, .data = &scene};
    assert_ok(pk_cancel_create(&scene.cancel, &error), error);
    assert_int_equal(pipe2(scene.ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(run(&scene, &error), 0); /* what is made once is there from now on */
    every_call_fails(&every);
    close(scene.ends[0]);
    close(scene.ends[1]);
    pk_cancel_free(scene.cancel);
    course_await_the_spared();
}

static void every_call_of_a_verb_may_fail(void **state)
{
    fail_everything(*state, run_verb);
}

static void every_call_of_a_loop_may_fail(void **state)
{
    fail_everything(*state, run_loop);
}

static void every_call_of_a_task_may_fail(void **state)
{
    fail_everything(*state, run_task);
}

static void every_call_of_a_dialogue_may_fail(void **state)
{
    fail_everything(*state, run_dialogue);
}

static const struct test tests[] = {
    EACH_MECHANISM(every_call_of_a_verb_may_fail, .deadline_s = 120),
    EACH_MECHANISM(every_call_of_a_loop_may_fail, .deadline_s = 120),
    EACH_MECHANISM(every_call_of_a_task_may_fail, .deadline_s = 120),
    EACH_MECHANISM(every_call_of_a_dialogue_may_fail, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
