/*
 * Runners: which script is played, and what they remember.
 */
#include "playing.h"

#include <string.h>

/* ---- Choosing --------------------------------------------------------------------------------------------------- */

static int code_of(pk_runner *runner, const char *first, const char *second)
{
    pk_error error;
    pk_auto(pk_command) command = pk_command_new(PROGRAM, first, second, NULL);
    pk_command_runner(command, runner);
    return pk_command_exit_code(command, &error);
}

static void add_exit(pk_runner *runner, int code, const char *first, const char *second)
{
    pk_auto(pk_script) script = pk_script_new();
    pk_script_exit(script, code);
    pk_runner_on(runner, script, PROGRAM, first, second, NULL);
}

static void the_longest_beginning_decides(void **state)
{
    (void)state;
    pk_runner *runner = make_runner();
    add_exit(runner, 1, NULL, NULL);
    add_exit(runner, 2, "a", NULL);
    add_exit(runner, 3, "a", "b");
    assert_int_equal(code_of(runner, "a", "b"), 3);
    assert_int_equal(code_of(runner, "a", "c"), 2);
    assert_int_equal(code_of(runner, "c", "a"), 1);
    assert_int_equal(code_of(runner, NULL, NULL), 1);
    pk_runner_free(runner);
}

static void several_scripts_are_played_in_turn(void **state)
{
    (void)state;
    pk_runner *runner = make_runner();
    add_exit(runner, 1, "a", NULL);
    add_exit(runner, 2, "a", NULL);
    add_exit(runner, 3, "a", NULL);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(code_of(runner, "a", NULL), i < 3 ? i : 3);
    pk_runner_free(runner);
}

static bool has_three_arguments(const pk_command *command, void *data)
{
    (void)command;
    return *(int *)data > 0;
}

static void a_callback_is_asked_first(void **state)
{
    (void)state;
    int wanted = 1;
    pk_runner *runner = make_runner();
    add_exit(runner, 1, "a", NULL);
    pk_auto(pk_script) script = pk_script_new();
    pk_script_exit(script, 9);
    pk_runner_when(runner, script, has_three_arguments, &wanted);
    assert_int_equal(code_of(runner, "a", NULL), 9);
    wanted = 0;
    assert_int_equal(code_of(runner, "a", NULL), 1);
    pk_runner_free(runner);
}

/* ---- Remembering ------------------------------------------------------------------------------------------------- */

static void count_call(const pk_command *command, void *data)
{
    (void)command;
    ++*(int *)data;
}

static void a_dry_run_succeeds_and_does_nothing(void **state)
{
    (void)state;
    static const int codes[] = {4, 9};
    int told = 0;
    pk_error error;
    pk_runner *runner;
    assert_ok(pk_runner_create_dry(&runner, &error), error);
    pk_runner_tell(runner, count_call, &told);
    pk_auto(pk_command) command = pk_command_new("rm", "-rf", "/nowhere", NULL);
    pk_command_runner(command, runner);
    pk_command_ok_codes(command, codes, 2);
    pk_result result;
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_true(pk_result_is_success(&result));
    assert_int_equal(result.exit_code, 4);
    assert_int_equal(told, 1);
    assert_int_equal(pk_runner_count(runner), 1);
    assert_string_equal(pk_command_program(pk_runner_call(runner, 0)), "rm");
    assert_null(pk_runner_call(runner, 1));
    pk_runner_free(runner);
}

static void a_recording_runs_for_real(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    assert_ok(pk_runner_create_recording(NULL, &runner, &error), error);
    pk_auto(pk_command) command = pk_command_new(adversary_path(), "exit", "3", NULL);
    pk_command_runner(command, runner);
    assert_int_equal(pk_command_exit_code(command, &error), 3);
    assert_int_equal(pk_runner_count(runner), 1);
    assert_string_equal(pk_command_program(pk_runner_call(runner, 0)), adversary_path());
    pk_runner_free(runner);
}

static const struct test tests[] = {
    PK_TEST(the_longest_beginning_decides), PK_TEST(several_scripts_are_played_in_turn),
    PK_TEST(a_callback_is_asked_first),     PK_TEST(a_dry_run_succeeds_and_does_nothing),
    PK_TEST(a_recording_runs_for_real),
};

PK_TEST_MAIN(tests)
