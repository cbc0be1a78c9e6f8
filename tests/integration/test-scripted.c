/*
 * Commands that are played: everything about them but the process is as it always is.
 */
#include "playing.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- What a script does ----------------------------------------------------------------------------------------- */

static void output_and_exit_code_are_those_of_the_script(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "one\n");
    pk_script_write(script, 2, "two\0three\n", 10);
    pk_script_exit(script, 7);
    pk_auto(pk_command) command = play(script);
    pk_auto(pk_output) output = NULL;
    assert_ok(pk_command_output(command, &output, &error), error);
    const pk_result *result = pk_output_result(output);
    assert_int_equal(result->verdict, PK_VERDICT_EXITED);
    assert_int_equal(result->exit_code, 7);
    assert_int_equal(result->mechanism, PK_MECHANISM_SCRIPT);
    assert_int_equal(result->leftover_count, 0);
    assert_string_equal(pk_output_text(output, 1), "one\n");
    assert_int_equal(pk_output_capture(output, 2)->length, 10);
}

static void a_script_may_end_by_a_signal(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_die(script, SIGSEGV);
    pk_auto(pk_command) command = play(script);
    assert_int_equal(pk_command_check(command, &error), -EPROTO);
    assert_int_equal(error.kind, PK_ERROR_SIGNALLED);
    assert_int_equal(error.signal_number, SIGSEGV);
}

static void megabytes_are_written_at_the_readers_pace(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20 };
    pk_error error;
    char *bytes = malloc(SIZE);
    memset(bytes, 'x', SIZE);
    pk_auto(pk_script) script = pk_script_new();
    pk_script_write(script, 1, bytes, SIZE);
    pk_auto(pk_command) command = play(script);
    char *text = NULL;
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_int_equal(strlen(text), SIZE);
    assert_memory_equal(text, bytes, SIZE);
    free(text);
    free(bytes);
}

static void input_comes_back(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    pk_error error;
    char *bytes = malloc(SIZE);
    memset(bytes, 'y', SIZE);
    pk_auto(pk_script) script = pk_script_new();
    pk_script_copy(script, 1);
    pk_script_exit(script, 0);
    pk_auto(pk_command) command = play(script);
    pk_command_input(command, bytes, SIZE);
    char *text = NULL;
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_int_equal(strlen(text), SIZE);
    free(text);
    free(bytes);
}

static void a_prompt_is_answered(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = NULL;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "Password: ");
    pk_script_expect(script, "secret\n");
    pk_script_print(script, "welcome\n");
    pk_auto(pk_command) command = play(script);
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_ok(pk_process_wait_text(process, 1, "Password: ", pk_deadline(PK_SECONDS(10)), &error), error);
    assert_ok(pk_process_write(process, "secret\n", 7, NULL, pk_deadline(PK_SECONDS(10)), &error), error);
    pk_line line;
    assert_int_equal(pk_process_next_line(process, 1, &line, pk_deadline(PK_SECONDS(10)), &error), 1);
    assert_string_equal(line.text, "welcome");
    pk_result result;
    assert_ok(pk_process_wait(process, pk_deadline(PK_SECONDS(10)), &result, &error), error);
    assert_true(pk_result_is_success(&result));
    pk_process_free(process);
}

static void an_input_that_ends_too_early_is_a_failure(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_expect(script, "secret\n");
    pk_auto(pk_command) command = play(script);
    pk_command_input_text(command, "no\n");
    assert_int_equal(pk_command_check(command, &error), -EPROTO);
    assert_int_equal(error.exit_code, 1);
}

/* ---- Deadlines and signals -------------------------------------------------------------------------------------- */

static void a_deadline_ends_what_hangs(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    pk_command_timeout(command, PK_MILLISECONDS(50));
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.soft_signal, SIGTERM);
    assert_int_equal(result.signal_number, SIGTERM);
    assert_false(result.hard_killed);
}

static void who_ignores_the_soft_signal_is_killed(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_on_signal(script, SIGTERM, -1);
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    pk_command_timeout(command, PK_MILLISECONDS(20));
    pk_command_grace(command, PK_MILLISECONDS(50));
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.signal_number, SIGKILL);
    assert_true(result.hard_killed);
}

static void a_handler_ends_it_with_its_code(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_on_signal(script, SIGTERM, 5);
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    pk_command_timeout(command, PK_MILLISECONDS(20));
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.exit_code, 5);
}

static void silence_is_heard(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "tick\n");
    pk_script_pause(script, PK_SECONDS(60));
    pk_auto(pk_command) command = play(script);
    pk_command_idle_timeout(command, PK_MILLISECONDS(50));
    assert_int_equal(pk_command_check(command, &error), -ETIMEDOUT);
    assert_int_equal(error.kind, PK_ERROR_IDLE_TIMEOUT);
}

/* ---- Leftovers -------------------------------------------------------------------------------------------------- */

static void a_child_that_is_left_is_a_leftover(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_leave(script, PK_FOREVER);
    pk_auto(pk_command) command = play(script);
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_LEFTOVERS);
    assert_int_equal(result.leftover_count, 1);
    assert_string_equal(result.leftovers[0].name, "no-such-program");
    assert_int_equal(kill(result.leftovers[0].pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void a_child_is_waited_for_if_that_is_the_policy(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_leave(script, PK_MILLISECONDS(80));
    pk_auto(pk_command) command = play(script);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_true(result.wall >= PK_MILLISECONDS(80));
    assert_true(result.leader_wall < PK_MILLISECONDS(80));
}

static void a_pipe_that_is_held_delays_nothing(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "early\n");
    pk_script_leave(script, PK_FOREVER);
    pk_auto(pk_command) command = play(script);
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_command_drain(command, PK_MILLISECONDS(30));
    pk_auto(pk_output) output = NULL;
    assert_ok(pk_command_output(command, &output, &error), error);
    assert_true(pk_output_result(output)->spared);
    assert_true(pk_output_capture(output, 1)->cut_off);
    assert_string_equal(pk_output_text(output, 1), "early\n");
}

/* ---- What cannot be ---------------------------------------------------------------------------------------------- */

static void a_start_fails_in_the_words_of_a_real_one(void **state)
{
    (void)state;
    pk_error played, real;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_fail(script, -ENOENT, PK_STEP_EXEC);
    pk_auto(pk_command) command = play(script);
    assert_int_equal(pk_command_check(command, &played), -ENOENT);
    pk_command_runner(command, NULL);
    assert_int_equal(pk_command_check(command, &real), -ENOENT);
    assert_int_equal(played.kind, real.kind);
    assert_int_equal(played.step, real.step);
    assert_string_equal(played.message, real.message);
    assert_string_equal(played.searched, real.searched);
}

static void assert_fails(int number, pk_step step, pk_error_kind kind, const char *message)
{
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_fail(script, number, step);
    pk_auto(pk_command) command = play(script);
    assert_int_equal(pk_command_check(command, &error), number);
    assert_int_equal(error.kind, kind);
    assert_int_equal(error.step, step);
    assert_string_equal(error.message, message);
}

static void each_step_of_a_start_may_fail(void **state)
{
    (void)state;
    assert_fails(-EACCES, PK_STEP_EXEC, PK_ERROR_PERMISSION, "cannot run '" PROGRAM "': Permission denied");
    assert_fails(-ETXTBSY, PK_STEP_EXEC, PK_ERROR_SPAWN, "cannot run '" PROGRAM "': it is still being written");
    assert_fails(-EAGAIN, PK_STEP_CLONE, PK_ERROR_NO_MEMORY,
                 "cannot start a process: there are too many already (RLIMIT_NPROC of the user, a pids limit above the "
                 "group, or all that the machine can have)");
    assert_fails(-EPERM, PK_STEP_SETUID, PK_ERROR_PERMISSION,
                 "cannot start '" PROGRAM "': cannot set its user: Operation not permitted");
}

static void want_of_memory_is_told(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_run_out_of_memory(script);
    pk_auto(pk_command) command = play(script);
    assert_int_equal(pk_command_check(command, &error), -ENOMEM);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
}

/* No limit is enforced where nothing is used, but it has not been lost on the way either. */
static void limits_are_kept_in_words(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits.memory_max = 64 << 20;
    options.limits.pids_max = 10;
    pk_auto(pk_script) script = pk_script_new();
    pk_auto(pk_command) command = play(script);
    pk_command_contain(command, &options);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_true(result.guarantees & PK_GUARANTEE_LIMITS);
    assert_int_equal(result.evidence.pids_max, 10);
    assert_int_equal(result.evidence.memory_source, PK_SOURCE_CGROUP);
}

static void nobody_dies_of_a_signal_that_does_not_kill(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_die(script, SIGCHLD);
    pk_auto(pk_command) command = play(script);
    assert_int_equal(pk_command_check(command, &error), -EINVAL);
    assert_int_equal(error.kind, PK_ERROR_INVALID);
}

static void an_unknown_command_is_not_started(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner = make_runner();
    pk_auto(pk_command) command = pk_command_new("true", NULL);
    pk_command_runner(command, runner);
    assert_int_equal(pk_command_check(command, &error), -ENOMSG);
    assert_int_equal(error.kind, PK_ERROR_UNEXPECTED);
    assert_int_equal(pk_runner_count(runner), 1);
    pk_runner_free(runner);
}

static void nothing_played_becomes_real(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = NULL;
    pk_auto(pk_script) script = pk_script_new();
    pk_auto(pk_command) command = play(script);
    pk_auto(pk_group) group = NULL;
    assert_ok(pk_group_create(NULL, &group, &error), error);
    assert_int_equal(pk_group_spawn(group, command, &process, &error), -EOPNOTSUPP);

    pk_auto(pk_command) real = pk_command_new("true", NULL);
    pk_process *second = NULL;
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_group_spawn(pk_process_group(process), real, &second, &error), -EOPNOTSUPP);
    pk_process_free(process);
}

static void an_invalid_script_is_reported_by_the_start(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_exit(script, 256);
    pk_auto(pk_command) command = play(script);
    assert_int_equal(pk_command_check(command, &error), -EINVAL);
    assert_string_equal(error.message, "invalid script: 256 is no exit code from 0 to 255");
}

/* ---- In a loop -------------------------------------------------------------------------------------------------- */

static void note_event(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(unsigned *)data |= 1U << event;
}

static void a_loop_carries_it(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = NULL;
    unsigned events = 0;
    pk_auto(pk_loop) loop = NULL;
    assert_ok(pk_loop_create(&loop, &error), error);
    pk_auto(pk_script) script = pk_script_new();
    pk_script_pause(script, PK_MILLISECONDS(20));
    pk_script_print(script, "late\n");
    pk_script_leave(script, PK_MILLISECONDS(30));
    pk_auto(pk_command) command = play(script);
    pk_command_capture(command, 1, NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_ok(pk_process_watch(process, loop, note_event, &events, &error), error);
    while (!pk_process_result(process))
        assert_true(pk_loop_dispatch(loop, PK_FOREVER, &error) >= 0);
    assert_int_equal(events, 1U << PK_EVENT_LEADER_EXITED | 1U << PK_EVENT_TREE_EMPTY | 1U << PK_EVENT_ENDED);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "late\n");
    pk_process_free(process);
}

static void a_kill_of_the_group_ends_it(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = NULL;
    pk_member members[4];
    pk_result result;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_leave(script, PK_FOREVER);
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_process_wait(process, pk_deadline(PK_MILLISECONDS(20)), NULL, &error), -ETIMEDOUT);
    assert_int_equal(pk_group_members(pk_process_group(process), members, 4, &error), 2);
    assert_int_equal(members[0].pid, pk_process_pid(process));
    struct pollfd poll_ended = {.fd = pk_process_pidfd(process), .events = POLLIN};
    assert_int_equal(poll(&poll_ended, 1, 0), 0);
    assert_ok(pk_group_kill(pk_process_group(process), &error), error);
    assert_int_equal(poll(&poll_ended, 1, 0), 1);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_int_equal(result.signal_number, SIGKILL);
    assert_int_equal(pk_process_signal(process, SIGTERM, &error), -ESRCH);
    pk_process_free(process);
}

static const struct test tests[] = {
    PK_TEST(output_and_exit_code_are_those_of_the_script),
    PK_TEST(a_script_may_end_by_a_signal),
    PK_TEST(megabytes_are_written_at_the_readers_pace),
    PK_TEST(input_comes_back),
    PK_TEST(a_prompt_is_answered),
    PK_TEST(an_input_that_ends_too_early_is_a_failure),
    PK_TEST(a_deadline_ends_what_hangs),
    PK_TEST(who_ignores_the_soft_signal_is_killed),
    PK_TEST(a_handler_ends_it_with_its_code),
    PK_TEST(silence_is_heard),
    PK_TEST(a_child_that_is_left_is_a_leftover),
    PK_TEST(a_child_is_waited_for_if_that_is_the_policy),
    PK_TEST(a_pipe_that_is_held_delays_nothing),
    PK_TEST(a_start_fails_in_the_words_of_a_real_one),
    PK_TEST(each_step_of_a_start_may_fail),
    PK_TEST(want_of_memory_is_told),
    PK_TEST(limits_are_kept_in_words),
    PK_TEST(nobody_dies_of_a_signal_that_does_not_kill),
    PK_TEST(an_unknown_command_is_not_started),
    PK_TEST(nothing_played_becomes_real),
    PK_TEST(an_invalid_script_is_reported_by_the_start),
    PK_TEST(a_loop_carries_it),
    PK_TEST(a_kill_of_the_group_ends_it),
};

PK_TEST_MAIN(tests)
