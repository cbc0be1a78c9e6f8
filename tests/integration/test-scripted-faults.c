/*
 * Fault injection: each system call of a command that is played fails once, wherever it is made, and each piece of
 * memory cannot be had once. The outcome is the script's or an error, and nothing is left.
 */
#include "every-call.h"
#include "subject.h"
#include "unit/scarce.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT = 100000 };

struct scene {
    int (*make)(pk_runner **runner, pk_error *error);
    void (*say)(pk_command *command);
    int (*run)(const pk_command *command, pk_error *error);
};

static char input[INPUT];

/* ---- Runners ---------------------------------------------------------------------------------------------------- */

/* Every kind of step, and then the code 5. */
static int make_scripted(pk_runner **runner, pk_error *error)
{
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "ready\n");
    pk_script_on_signal(script, SIGTERM, -1);
    pk_script_expect(script, "ab");
    pk_script_copy(script, 1);
    pk_script_leave(script, PK_MILLISECONDS(2));
    pk_script_pause(script, PK_MILLISECONDS(2));
    pk_script_write(script, 2, input, INPUT);
    pk_script_close(script, 2);
    pk_script_exit(script, 5);
    int r = pk_runner_create_scripted(runner, error);
    if (r == 0)
        pk_runner_on(*runner, script, "program", NULL);
    return r;
}

/* What fits into a terminal that nobody reads any more. */
static int make_short(pk_runner **runner, pk_error *error)
{
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "ready\n");
    pk_script_expect(script, "ab");
    pk_script_copy(script, 1);
    pk_script_exit(script, 5);
    int r = pk_runner_create_scripted(runner, error);
    if (r == 0)
        pk_runner_on(*runner, script, "program", NULL);
    return r;
}

static int make_recording(pk_runner **runner, pk_error *error)
{
    pk_runner *inner;
    int r = make_scripted(&inner, error);
    if (r < 0)
        return r;
    r = pk_runner_create_recording(inner, runner, error);
    pk_runner_free(inner);
    return r;
}

/* ---- Commands --------------------------------------------------------------------------------------------------- */

static void say_usual(pk_command *command)
{
    static const int codes[] = {5};
    pk_command_input(command, input, INPUT);
    pk_command_ok_codes(command, codes, 1);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_timeout(command, PK_SECONDS(20) * test_slowness());
    pk_command_grace(command, 0);
}

static void say_terminal(pk_command *command)
{
    static const int codes[] = {5};
    pk_command_ok_codes(command, codes, 1);
    pk_command_pty(command, NULL);
    pk_command_input_text(command, "ab\n");
    pk_command_timeout(command,
                       PK_SECONDS(1) * test_slowness()); /* an input that is lost has no end, as always there */
    pk_command_grace(command, 0);
}

static int run_verb(const pk_command *command, pk_error *error)
{
    return pk_command_check(command, error);
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

static int carry(pk_process *process, pk_loop *loop, pk_error *error)
{
    bool ended = false;
    int r = pk_process_watch(process, loop, note_end, &ended, error);
    while (r >= 0 && !ended)
        r = pk_loop_dispatch(loop, PK_FOREVER, error);
    return r < 0 ? r : pk_process_check(process, error);
}

static int run_loop(const pk_command *command, pk_error *error)
{
    pk_auto(pk_loop) loop = NULL;
    pk_process *process = NULL;
    int r = pk_loop_create(&loop, error);
    if (r == 0)
        r = pk_command_start(command, &process, error);
    if (r == 0)
        r = carry(process, loop, error);
    pk_process_free(process);
    return r;
}

static const struct scene verb = {make_scripted, say_usual, run_verb}, loop = {make_scripted, say_usual, run_loop},
                          terminal = {make_short, say_terminal, run_verb},
                          recording = {make_recording, say_usual, run_verb},
                          dry = {pk_runner_create_dry, say_usual, run_verb};

static int run_scene(void *data, pk_error *error)
{
    const struct scene *scene = data;
    pk_runner *runner;
    int r = scene->make(&runner, error);
    if (r < 0)
        return r;
    pk_auto(pk_command) command = pk_command_new("program", "argument", NULL);
    scene->say(command);
    pk_command_runner(command, runner);
    pk_runner_free(runner);
    return scene->run(command, error);
}

static void fill_input(void)
{
    for (size_t i = 0; i < INPUT; i++)
        input[i] = (char)('a' + i % 26);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

static void every_call_may_fail(void **state)
{
    pk_error error;
    fill_input();
    struct every_call every = {.run = run_scene, .data = *state};
    assert_ok(run_scene(*state, &error), error);
    every_call_fails(&every);
}

/* Another code than that of the script would be an outcome that nobody has asked for. */
static void every_memory_may_be_missing(void **state)
{
    pk_error error;
    fill_input();
    assert_ok(run_scene(*state, &error), error); /* what is made once is there from now on */
    long before = scarce_live();
    scarce_begin(0);
    assert_ok(run_scene(*state, &error), error);
    unsigned most = scarce_end();
    assert_true(most > 10);
    for (unsigned nth = 1; nth <= most; nth++) {
        error = (pk_error){0};
        scarce_begin(nth);
        int r = run_scene(*state, &error);
        scarce_end();
        if (r > 0 || (r < 0 && (r != -ENOMEM || error.number != r)))
            fail_msg("piece %u: %d: %s", nth, r, error.message);
        assert_int_equal(scarce_live(), before);
    }
    print_message("%u pieces\n", most);
}

#define EACH_SCENE(function, scene) PK_TEST_NAMED(#function "/" #scene, function, .data = &(scene), .deadline_s = 120)

static const struct test tests[] = {
    EACH_SCENE(every_call_may_fail, verb),      EACH_SCENE(every_memory_may_be_missing, verb),
    EACH_SCENE(every_call_may_fail, loop),      EACH_SCENE(every_memory_may_be_missing, loop),
    EACH_SCENE(every_call_may_fail, terminal),  EACH_SCENE(every_memory_may_be_missing, terminal),
    EACH_SCENE(every_call_may_fail, recording), EACH_SCENE(every_memory_may_be_missing, recording),
    EACH_SCENE(every_call_may_fail, dry),       EACH_SCENE(every_memory_may_be_missing, dry),
};

PK_TEST_MAIN(tests)
