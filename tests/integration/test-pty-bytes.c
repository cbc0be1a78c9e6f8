/*
 * Terminals: what goes through them, by hand and by the library, and how they end.
 */
#include "at-terminal.h"
#include "io/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

static void output_comes_in_its_order(void **state)
{
    pk_auto(pk_command) command =
        pty_command(NULL, "print a -- print-to 2 b -- print c -- print-to 0 d -- print-to 2 e -- exit 3");
    pk_process *process = pty_start(state, command);
    pty_assert_rest(pk_process_pipe(process, 1), "a\r\nb\r\nc\r\nd\r\ne\r\n");
    assert_int_equal(pty_end(process).exit_code, 3);
}

static void nothing_of_much_output_is_lost(void **state)
{
    unsigned lines = fewer(50000);
    char words[32], line[32];
    struct report expected = {0}, found = {0};
    snprintf(words, sizeof(words), "lines %u", lines);
    pk_auto(pk_command) command = pty_command(NULL, words);
    pk_process *process = pty_start(state, command);
    assert_false(read_to_end(pk_process_pipe(process, 1), &found, PATIENCE_MS));
    for (unsigned i = 1; i <= lines; i++)
        report_append(&expected, line, (size_t)snprintf(line, sizeof(line), "line %u\r\n", i));
    assert_int_equal(found.length, expected.length);
    assert_memory_equal(found.bytes, expected.bytes, found.length);
    assert_int_equal(pty_end(process).exit_code, 0);
    report_free(&expected);
    report_free(&found);
}

static void what_is_written_is_echoed_if_asked_for(void **state)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    options.echo = true;
    pk_auto(pk_command) command = adversary("echo", NULL);
    pk_command_pty(command, &options);
    pk_process *process = pty_start(state, command);
    pty_write(pk_process_pipe(process, 0), "wrong\025right\n\4"); /* the line is killed by Ctrl-U */
    pty_read_until(pk_process_pipe(process, 1), "right\r\nright\r\n");
    assert_int_equal(pty_end(process).exit_code, 0);
}

static void input_ends_by_a_character(void **state)
{
    static const struct {
        const char *input, *output;
    } cases[] = {{"", "0\r\n"}, {"line\n", "5\r\n"}, {"begun", "5\r\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pk_auto(pk_command) command = pty_command(NULL, "count");
        pk_process *process = pty_start(state, command);
        pty_write(pk_process_pipe(process, 0), cases[i].input);
        assert_int_equal(pty_end_input(pk_process_pipe(process, 0)), 0);
        pty_assert_rest(pk_process_pipe(process, 1), cases[i].output);
        assert_int_equal(pty_end(process).exit_code, 0);
    }
}

/* The kernel moves what was written on, in its own time: what was full may take a little more. */
static void a_full_terminal_takes_no_end(void **state)
{
    int r;
    char block[4096];
    pk_auto(pk_command) command = pty_command(NULL, "hold");
    pk_process *process = pty_start(state, command);
    int master = pk_process_pipe(process, 0);
    memset(block, '\n', sizeof(block));
    assert_return_code(fcntl(master, F_SETFL, O_NONBLOCK), errno);
    do {
        while (write(master, block, sizeof(block)) > 0)
            ;
        assert_int_equal(errno, EAGAIN);
        r = pty_end_input(master);
    } while (r == 0);
    assert_int_equal(r, -EAGAIN);
    pk_process_free(process);
}

static void a_typed_interrupt_is_a_signal(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = pty_command(witness, "wide 2");
    pk_process *process = pty_start(state, command);
    witness_ready(witness);
    pty_write(pk_process_pipe(process, 0), "\3");
    pk_result result = pty_end(process);
    assert_int_equal(result.signal_number, SIGINT);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void resizing_is_told_to_the_foreground(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = pty_command(NULL, "sizes");
    pk_process *process = pty_start(state, command);
    int master = pk_process_pipe(process, 1);
    pty_read_until(master, "80x24\r\n");
    assert_ok(pk_process_resize(process, 100, 30, &error), error);
    pty_read_until(master, "100x30\r\n");
    assert_error(pk_process_resize(process, 0, 30, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_resize(process, 100, 65536, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_ok(pk_process_resize(process, 65535, 1, &error), error);
    pty_read_until(master, "65535x1\r\n");
    pk_process_free(process);
}

/* ---- With the library at the other side ------------------------------------------------------------------------- */

static pk_output *output_of(void **state, pk_command *command)
{
    pk_output *output = NULL;
    pk_error error;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = cast_mechanism(state);
    pk_command_contain(command, &options);
    assert_ok(pk_command_output(command, &output, &error), error);
    return output;
}

static void verbs_read_it(void **state)
{
    pk_auto(pk_command) command = pty_command(NULL, "print out -- print-to 2 err -- exit 4");
    pk_output *output = output_of(state, command);
    assert_string_equal(pk_output_text(output, 1), "out\r\nerr\r\n");
    assert_null(pk_output_capture(output, 2));
    assert_int_equal(pk_output_result(output)->exit_code, 4);
    assert_int_equal(pk_output_capture(output, 1)->cut_off, false);
    pk_output_free(output);
}

static void run_gives_its_text(void **state)
{
    char *text;
    pk_error error;
    pk_auto(pk_command) command = pty_command(NULL, "print one -- print two");
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_string_equal(text, "one\r\ntwo");
    free(text);
}

static void note_line(pk_process *process, const pk_line *line, void *data)
{
    report_add(data, "%s/%d ", line->text, (int)line->end);
}

/* What becomes of the bytes, and that they come from a terminal, can be said in any order. */
static void sinks_get_it(void **state)
{
    for (int first = 0; first < 2; first++) {
        struct report lines = {0};
        pk_auto(pk_command) command = cast_command(NULL, "echo -- print-to 2 err");
        if (first)
            pk_command_pty(command, NULL);
        pk_command_on_line(command, 1, note_line, &lines);
        pk_command_capture(command, 1, NULL);
        pk_command_input_text(command, "a\nb\nbegun");
        if (!first)
            pk_command_pty(command, NULL);
        pk_output *output = output_of(state, command);
        assert_string_equal(pk_output_text(output, 1), "a\r\nb\r\nbegunerr\r\n");
        assert_string_equal(lines.bytes, "a/2 b/2 begunerr/2 ");
        assert_int_equal(pk_output_result(output)->exit_code, 0);
        pk_output_free(output);
        report_free(&lines);
    }
}

/* With nobody else at the owner's side, to close it would be to hang up. */
static void input_alone_can_be_at_it(void **state)
{
    pk_auto(pk_command) command = cast_command(NULL, "read-slowly 2 20 -- print done");
    pk_command_pty(command, NULL);
    pk_command_input_text(command, "words\n");
    pk_command_pipe(command, 1);
    pk_command_capture(command, 1, NULL);
    pk_command_null(command, 2);
    pk_output *output = output_of(state, command);
    assert_string_equal(pk_output_text(output, 1), "done\n");
    assert_int_equal(pk_output_result(output)->exit_code, 0);
    pk_output_free(output);
}

static void much_goes_both_ways(void **state)
{
    char line[32];
    struct report input = {0}, expected = {0};
    for (unsigned i = 0, lines = fewer(20000); i < lines; i++) {
        report_append(&input, line, (size_t)snprintf(line, sizeof(line), "%u\n", i));
        report_append(&expected, line, (size_t)snprintf(line, sizeof(line), "%u\r\n", i));
    }
    pk_auto(pk_command) command = pty_command(NULL, "echo");
    pk_command_input(command, input.bytes, input.length);
    pk_output *output = output_of(state, command);
    assert_int_equal(pk_output_capture(output, 1)->length, expected.length);
    assert_memory_equal(pk_output_capture(output, 1)->bytes, expected.bytes, expected.length);
    pk_output_free(output);
    report_free(&input);
    report_free(&expected);
}

static void it_is_written_to_and_asked_for_lines(void **state)
{
    pk_line line;
    pk_error error;
    size_t written;
    pk_auto(pk_command) command = pty_command(NULL, "echo -- print end");
    pk_process *process = pty_start(state, command);
    assert_ok(pk_process_write(process, "word\n", 5, &written, PK_FOREVER, &error), error);
    assert_int_equal(written, 5);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
    assert_string_equal(line.text, "word");
    assert_int_equal(line.end, PK_LINE_CRLF);
    pk_process_close_input(process);
    pk_process_close_input(process);
    assert_error(pk_process_write(process, "x", 1, &written, PK_FOREVER, &error), error, -EBADF, PK_STEP_ARGUMENTS);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
    assert_string_equal(line.text, "end");
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 0);
    assert_int_equal(pty_end(process).exit_code, 0);
}

/* The end comes when there is room for it. */
static void input_of_a_full_terminal_can_be_closed(void **state)
{
    char block[4096];
    size_t written = 0;
    pk_error error;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = pty_command(witness, "catch-exit USR1 0");
    pk_command_arg(command, "--");
    pk_command_arg(command, "hold");
    pk_process *process = pty_start(state, command);
    witness_ready(witness);
    memset(block, '\n', sizeof(block));
    int r = 0;
    for (int i = 0; r == 0 && i < 100; i++)
        r = pk_process_write(process, block, sizeof(block), &written, pk_deadline(PK_MILLISECONDS(100)), &error);
    assert_int_equal(r, -ETIMEDOUT);
    pk_process_close_input(process);
    assert_ok(pk_process_signal(process, SIGUSR1, &error), error);
    assert_int_equal(pty_end(process).exit_code, 0);
    witness_free(witness);
}

static void a_spared_holder_does_not_delay_its_end(void **state)
{
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = pty_command(witness, "lines 3 -- leave 0 -- setsid -- ignore HUP -- hold");
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_command_capture(command, 1, NULL);
    pk_process *process = pty_start(state, command);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_true(result.spared);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "line 1\r\nline 2\r\nline 3\r\n");
    assert_true(pk_process_capture(process, 1)->cut_off);
    assert_ok(pk_group_kill(pk_process_group(process), &error), error);
    witness_assert_dead(witness, GONE_MS);
    pk_process_free(process);
    witness_free(witness);
}

/* ---- Ends of it ------------------------------------------------------------------------------------------------- */

static void one_side_closes_without_the_other(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = pty_command(NULL, "echo");
    pk_process *process = pty_start(state, command);
    int input = pk_process_pipe_take(process, 0);
    pty_write(input, "taken\n\4");
    close(input);
    assert_ok(pk_process_resize(process, 10, 10, &error), error);
    int output = pk_process_pipe_take(process, 1);
    assert_error(pk_process_resize(process, 20, 20, &error), error, -EBADF, PK_STEP_TERMINAL);
    pty_assert_rest(output, "taken\r\n");
    close(output);
    assert_int_equal(pty_end(process).exit_code, 0);
}

static void closing_both_hangs_up(void **state)
{
    pk_auto(pk_command) command = pty_command(NULL, "hold");
    pk_process *process = pty_start(state, command);
    close(pk_process_pipe_take(process, 0));
    close(pk_process_pipe_take(process, 1));
    assert_int_equal(pty_end(process).signal_number, SIGHUP);
}

static void who_holds_the_terminal_goes_with_the_tree(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = pty_command(witness, "print before -- leave 5 -- setsid -- ignore HUP,TERM -- hold");
    pk_process *process = pty_start(state, command);
    int master = pk_process_pipe_take(process, 1);
    pk_result result = pty_end(process);
    assert_int_equal(result.exit_code, 5);
    pty_assert_rest(master, "before\r\n");
    close(master);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static const struct test tests[] = {
    EACH(output_comes_in_its_order),
    EACH(nothing_of_much_output_is_lost),
    EACH(what_is_written_is_echoed_if_asked_for),
    EACH(input_ends_by_a_character),
    EACH(a_full_terminal_takes_no_end),
    EACH(a_typed_interrupt_is_a_signal),
    EACH(resizing_is_told_to_the_foreground),
    EACH(verbs_read_it),
    PK_TEST(run_gives_its_text),
    EACH(sinks_get_it),
    EACH(input_alone_can_be_at_it),
    EACH(much_goes_both_ways),
    EACH(it_is_written_to_and_asked_for_lines),
    EACH(input_of_a_full_terminal_can_be_closed),
    PK_TEST_NAMED("a_spared_holder_does_not_delay_its_end/cgroup2", a_spared_holder_does_not_delay_its_end,
                  .data = &cast_cgroup2, .needs = NEEDS_CGROUP2),
    EACH(one_side_closes_without_the_other),
    EACH(closing_both_hangs_up),
    PK_TEST_NAMED("who_holds_the_terminal_goes_with_the_tree/cgroup2", who_holds_the_terminal_goes_with_the_tree,
                  .data = &cast_cgroup2, .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("who_holds_the_terminal_goes_with_the_tree/reaper", who_holds_the_terminal_goes_with_the_tree,
                  .data = &cast_reaper),
};

PK_TEST_MAIN(tests)
