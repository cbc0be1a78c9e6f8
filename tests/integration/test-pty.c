/*
 * Terminals: what a child finds at one of its own, and what its owner can do at the other side.
 */
#include "cast.h"
#include "files.h"
#include "io/pty.h"

#undef assert_ok /* the next has a better one */
#include "subject.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

/* ---- Making and reading ----------------------------------------------------------------------------------------- */

static pk_process *start(void **state, pk_command *command)
{
    pk_process *process = NULL;
    pk_error error;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = cast_mechanism(state);
    pk_command_contain(command, &options);
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

static pk_command *at_terminal(struct witness *witness, const char *words)
{
    pk_command *command = cast_command(witness, words);
    pk_command_pty(command, NULL);
    return command;
}

static pk_result end(pk_process *process)
{
    pk_result result;
    pk_error error;
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_process_free(process);
    return result;
}

static void write_text(int master, const char *text)
{
    assert_int_equal(write(master, text, strlen(text)), strlen(text));
}

/* Until it has ended with that. */
static void read_until(int master, const char *wanted)
{
    char text[8192] = "";
    size_t length = 0, end = strlen(wanted);
    struct pollfd ready = {.fd = master, .events = POLLIN};
    while (length < end || strcmp(text + length - end, wanted) != 0) {
        ssize_t r = poll(&ready, 1, PATIENCE_MS) > 0 ? read(master, text + length, 1) : 0;
        if (r <= 0 || ++length == sizeof(text) - 1)
            fail_msg("%s instead of %s", text, wanted);
        text[length] = '\0';
    }
}

/* All of it, to the end, which is EIO. */
static void assert_rest(int master, const char *expected)
{
    struct report rest = {0};
    assert_false(read_to_end(master, &rest, PATIENCE_MS));
    assert_int_equal(errno, EIO);
    assert_string_equal(rest.length > 0 ? rest.bytes : "", expected);
    report_free(&rest);
}

/* What it says about itself, by way of a file. */
static struct description *describe_at(void **state, pk_command *command)
{
    assert_true(files_write(scratch("described"), "", 0666));
    assert_return_code(chmod(scratch("described"), 0666), errno);
    pk_process *process = start(state, command);
    pk_result result = end(process);
    assert_true(pk_result_is_success(&result));
    return description_read(scratch("described"));
}

static pk_command *describer(void)
{
    return adversary("--output", scratch("described"), "describe", NULL);
}

/* ---- What the child finds --------------------------------------------------------------------------------------- */

static void the_child_finds_a_terminal_of_its_own(void **state)
{
    pk_auto(pk_command) command = describer();
    pk_command_pty(command, NULL);
    struct description *child = describe_at(state, command);
    const char *pid = described(child, "pid");
    assert_int_equal(described_count(child, "fd."), 3);
    assert_memory_equal(described(child, "fd.0"), "/dev/pts/", 9);
    assert_described(child, "fd.1", described(child, "fd.0"));
    assert_described(child, "fd.2", described(child, "fd.0"));
    assert_described(child, "flags.0", "read-write");
    assert_described(child, "sid", pid);
    assert_described(child, "pgid", pid);
    assert_described(child, "terminal.session", pid);
    assert_described(child, "terminal.foreground", pid);
    assert_described(child, "terminal.size", "80x24");
    assert_described(child, "terminal.echo", "no");
    description_free(child);
}

static void settings_are_those_asked_for(void **state)
{
    struct termios settings;
    struct pty_setup plain = {.columns = 1, .rows = 1};
    int master, terminal;
    assert_int_equal(pty_open(&plain, &master, &terminal), 0);
    assert_return_code(tcgetattr(terminal, &settings), errno);
    close(master);
    close(terminal);
    settings.c_cc[VERASE] = 8;

    pk_auto(pk_command) command = describer();
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    options.columns = 132;
    options.rows = 65535;
    options.echo = true;
    options.settings = &settings;
    pk_command_pty(command, &options);
    struct description *child = describe_at(state, command);
    assert_described(child, "terminal.size", "132x65535");
    assert_described(child, "terminal.echo", "yes");
    assert_described(child, "terminal.erase", "8");
    description_free(child);
}

static void each_start_makes_a_new_one(void **state)
{
    pk_auto(pk_command) command = at_terminal(NULL, "echo");
    pk_process *one = start(state, command), *other = start(state, command);
    write_text(pk_process_pipe(one, 0), "one\n\4");
    write_text(pk_process_pipe(other, 0), "other\n\4");
    assert_rest(pk_process_pipe(one, 1), "one\r\n");
    assert_rest(pk_process_pipe(other, 1), "other\r\n");
    assert_int_equal(end(one).exit_code, 0);
    assert_int_equal(end(other).exit_code, 0);
}

static void term_is_dumb_if_there_is_none(void **state)
{
    unsetenv("TERM");
    pk_auto(pk_command) none = describer();
    pk_command_pty(none, NULL);
    struct description *child = describe_at(state, none);
    assert_described(child, "env.TERM", "dumb");
    description_free(child);

    setenv("TERM", "owners", 1);
    child = describe_at(state, none);
    assert_described(child, "env.TERM", "owners");
    description_free(child);

    pk_command_setenv(none, "TERM", "commands");
    child = describe_at(state, none);
    assert_described(child, "env.TERM", "commands");
    description_free(child);

    pk_command_clearenv(none);
    child = describe_at(state, none);
    assert_described(child, "env.TERM", "dumb");
    assert_int_equal(described_count(child, "env."), 1);
    description_free(child);
}

static void it_belongs_to_the_childs_user(void **state)
{
    pk_auto(pk_command) command = describer();
    pk_command_uid(command, 4321);
    pk_command_pty(command, NULL);
    struct description *child = describe_at(state, command);
    assert_described(child, "terminal.owner", "4321");
    assert_described(child, "uid", "4321,4321,4321");
    description_free(child);
}

/* The last call holds: here for two of three. */
static void descriptors_can_be_elsewhere(void **state)
{
    pk_auto(pk_command) command = adversary("print", "out", "--", "print-to", "2", "err", "--", "count", NULL);
    pk_command_null(command, 2);
    pk_command_pty(command, NULL);
    pk_command_pipe(command, 0);
    pk_command_file(command, 1, scratch("out"), PK_FILE_TRUNCATE);
    pk_process *process = start(state, command);
    int input = pk_process_pipe_take(process, 0);
    assert_int_equal(pk_process_pipe(process, 1), -EBADF);
    write_text(input, "seven\4\3"); /* no terminal reads this */
    close(input);
    assert_rest(pk_process_pipe(process, 2), "err\r\n");
    assert_int_equal(end(process).exit_code, 0);
    struct report out = {0};
    int fd = open(scratch("out"), O_RDONLY | O_CLOEXEC);
    assert_true(read_to_end(fd, &out, PATIENCE_MS));
    close(fd);
    assert_string_equal(out.bytes, "out\n7\n");
    report_free(&out);
}

/* At 0 and 2, with something else between them. */
static void descriptors_between_can_be_elsewhere(void **state)
{
    pk_auto(pk_command) command = adversary("echo", "--", "print-to", "2", "err", NULL);
    pk_command_pty(command, NULL);
    pk_command_pipe(command, 1);
    pk_process *process = start(state, command);
    struct report out = {0};
    write_text(pk_process_pipe(process, 0), "in\n\4");
    assert_true(read_to_end(pk_process_pipe(process, 1), &out, PATIENCE_MS));
    assert_string_equal(out.bytes, "in\n");
    assert_rest(pk_process_pipe(process, 2), "err\r\n");
    assert_int_equal(end(process).exit_code, 0);
    report_free(&out);
}

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

static void output_comes_in_its_order(void **state)
{
    pk_auto(pk_command) command =
        at_terminal(NULL, "print a -- print-to 2 b -- print c -- print-to 0 d -- print-to 2 e -- exit 3");
    pk_process *process = start(state, command);
    assert_rest(pk_process_pipe(process, 1), "a\r\nb\r\nc\r\nd\r\ne\r\n");
    assert_int_equal(end(process).exit_code, 3);
}

static void nothing_of_much_output_is_lost(void **state)
{
    enum { LINES = 50000 };
    char words[32], line[32];
    struct report expected = {0}, found = {0};
    snprintf(words, sizeof(words), "lines %d", LINES);
    pk_auto(pk_command) command = at_terminal(NULL, words);
    pk_process *process = start(state, command);
    assert_false(read_to_end(pk_process_pipe(process, 1), &found, PATIENCE_MS));
    for (int i = 1; i <= LINES; i++)
        report_append(&expected, line, (size_t)snprintf(line, sizeof(line), "line %d\r\n", i));
    assert_int_equal(found.length, expected.length);
    assert_memory_equal(found.bytes, expected.bytes, found.length);
    assert_int_equal(end(process).exit_code, 0);
    report_free(&expected);
    report_free(&found);
}

static void what_is_written_is_echoed_if_asked_for(void **state)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    options.echo = true;
    pk_auto(pk_command) command = adversary("echo", NULL);
    pk_command_pty(command, &options);
    pk_process *process = start(state, command);
    write_text(pk_process_pipe(process, 0), "wrong\025right\n\4"); /* the line is killed by Ctrl-U */
    read_until(pk_process_pipe(process, 1), "right\r\nright\r\n");
    assert_int_equal(end(process).exit_code, 0);
}

static void input_ends_by_a_character(void **state)
{
    static const struct {
        const char *input, *output;
    } cases[] = {{"", "0\r\n"}, {"line\n", "5\r\n"}, {"begun", "5\r\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pk_auto(pk_command) command = at_terminal(NULL, "count");
        pk_process *process = start(state, command);
        write_text(pk_process_pipe(process, 0), cases[i].input);
        assert_int_equal(pty_end_input(pk_process_pipe(process, 0)), 0);
        assert_rest(pk_process_pipe(process, 1), cases[i].output);
        assert_int_equal(end(process).exit_code, 0);
    }
}

static void a_full_terminal_takes_no_end(void **state)
{
    char block[4096];
    pk_auto(pk_command) command = at_terminal(NULL, "hold");
    pk_process *process = start(state, command);
    int master = pk_process_pipe(process, 0);
    memset(block, '\n', sizeof(block));
    assert_return_code(fcntl(master, F_SETFL, O_NONBLOCK), errno);
    while (write(master, block, sizeof(block)) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(pty_end_input(master), -EAGAIN);
    pk_process_free(process);
}

static void a_typed_interrupt_is_a_signal(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = at_terminal(witness, "wide 2");
    pk_process *process = start(state, command);
    witness_ready(witness);
    write_text(pk_process_pipe(process, 0), "\3");
    pk_result result = end(process);
    assert_int_equal(result.signal_number, SIGINT);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

static void resizing_is_told_to_the_foreground(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = at_terminal(NULL, "sizes");
    pk_process *process = start(state, command);
    int master = pk_process_pipe(process, 1);
    read_until(master, "80x24\r\n");
    assert_ok(pk_process_resize(process, 100, 30, &error), error);
    read_until(master, "100x30\r\n");
    assert_error(pk_process_resize(process, 0, 30, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_process_resize(process, 100, 65536, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_ok(pk_process_resize(process, 65535, 1, &error), error);
    read_until(master, "65535x1\r\n");
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
    pk_auto(pk_command) command = at_terminal(NULL, "print out -- print-to 2 err -- exit 4");
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
    pk_auto(pk_command) command = at_terminal(NULL, "print one -- print two");
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
    enum { LINES = 20000 };
    char line[32];
    struct report input = {0}, expected = {0};
    for (int i = 0; i < LINES; i++) {
        report_append(&input, line, (size_t)snprintf(line, sizeof(line), "%d\n", i));
        report_append(&expected, line, (size_t)snprintf(line, sizeof(line), "%d\r\n", i));
    }
    pk_auto(pk_command) command = at_terminal(NULL, "echo");
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
    pk_auto(pk_command) command = at_terminal(NULL, "echo -- print end");
    pk_process *process = start(state, command);
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
    assert_int_equal(end(process).exit_code, 0);
}

/* The end comes when there is room for it. */
static void input_of_a_full_terminal_can_be_closed(void **state)
{
    char block[4096];
    size_t written = 0;
    pk_error error;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = at_terminal(witness, "catch-exit USR1 0");
    pk_command_arg(command, "--");
    pk_command_arg(command, "hold");
    pk_process *process = start(state, command);
    witness_ready(witness);
    memset(block, '\n', sizeof(block));
    int r = 0;
    for (int i = 0; r == 0 && i < 100; i++)
        r = pk_process_write(process, block, sizeof(block), &written, pk_deadline(PK_MILLISECONDS(100)), &error);
    assert_int_equal(r, -ETIMEDOUT);
    pk_process_close_input(process);
    assert_ok(pk_process_signal(process, SIGUSR1, &error), error);
    assert_int_equal(end(process).exit_code, 0);
    witness_free(witness);
}

static void a_spared_holder_does_not_delay_its_end(void **state)
{
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = at_terminal(witness, "lines 3 -- leave 0 -- setsid -- ignore HUP -- hold");
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_command_capture(command, 1, NULL);
    pk_process *process = start(state, command);
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
    pk_auto(pk_command) command = at_terminal(NULL, "echo");
    pk_process *process = start(state, command);
    int input = pk_process_pipe_take(process, 0);
    write_text(input, "taken\n\4");
    close(input);
    assert_ok(pk_process_resize(process, 10, 10, &error), error);
    int output = pk_process_pipe_take(process, 1);
    assert_error(pk_process_resize(process, 20, 20, &error), error, -EBADF, PK_STEP_TERMINAL);
    assert_rest(output, "taken\r\n");
    close(output);
    assert_int_equal(end(process).exit_code, 0);
}

static void closing_both_hangs_up(void **state)
{
    pk_auto(pk_command) command = at_terminal(NULL, "hold");
    pk_process *process = start(state, command);
    close(pk_process_pipe_take(process, 0));
    close(pk_process_pipe_take(process, 1));
    assert_int_equal(end(process).signal_number, SIGHUP);
}

static void who_holds_the_terminal_goes_with_the_tree(void **state)
{
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = at_terminal(witness, "print before -- leave 5 -- setsid -- ignore HUP,TERM -- hold");
    pk_process *process = start(state, command);
    int master = pk_process_pipe_take(process, 1);
    pk_result result = end(process);
    assert_int_equal(result.exit_code, 5);
    assert_rest(master, "before\r\n");
    close(master);
    witness_assert_dead(witness, GONE_MS);
    witness_free(witness);
}

/* ---- Refusals --------------------------------------------------------------------------------------------------- */

static void refuse_to_start(pk_command *command, pk_step step)
{
    pk_error error;
    pk_result result;
    assert_error(pk_command_status(command, &result, &error), error, -EINVAL, step);
    pk_command_free(command);
}

static void what_makes_no_sense_is_refused(void **state)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    pk_command *command = at_terminal(NULL, "exit 0");
    pk_command_setpgid(command);
    refuse_to_start(command, PK_STEP_ARGUMENTS);

    command = cast_command(NULL, "exit 0");
    pk_command_setpgid(command);
    pk_command_pty(command, NULL);
    refuse_to_start(command, PK_STEP_ARGUMENTS);

    for (int fd = 0; fd <= 2; fd++) {
        command = cast_command(NULL, "exit 0");
        options = (pk_pty_options)PK_PTY_OPTIONS_INIT;
        *(fd == 0 ? &options.columns : &options.rows) = 65536;
        options.size += fd == 2;
        pk_command_pty(command, &options);
        refuse_to_start(command, PK_STEP_ARGUMENTS);
    }

    command = at_terminal(NULL, "exit 0");
    for (int fd = 0; fd <= 2; fd++)
        pk_command_null(command, fd);
    refuse_to_start(command, PK_STEP_TERMINAL);

    command = at_terminal(NULL, "exit 0");
    pk_command_capture(command, 2, NULL);
    refuse_to_start(command, PK_STEP_TERMINAL);
    pk_command_pty(NULL, NULL);
}

static void it_cannot_be_detached_with_one(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = at_terminal(NULL, "exit 0");
    assert_error(pk_command_detach(command, "pk-test-terminal", NULL, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
}

static void what_is_no_terminal_is_not_resized(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = cast_command(NULL, "echo");
    pk_command_pipe(command, 0);
    pk_process *process = start(state, command);
    assert_error(pk_process_resize(process, 80, 24, &error), error, -ENOTTY, PK_STEP_TERMINAL);
    pk_process_free(process);
}

static const struct test tests[] = {
    EACH(the_child_finds_a_terminal_of_its_own),
    DELEGATED(the_child_finds_a_terminal_of_its_own),
    AS_USER(the_child_finds_a_terminal_of_its_own),
    EACH(settings_are_those_asked_for),
    EACH(each_start_makes_a_new_one),
    EACH(term_is_dumb_if_there_is_none),
    PK_TEST_NAMED("it_belongs_to_the_childs_user/cgroup2", it_belongs_to_the_childs_user, .data = &cast_cgroup2,
                  .needs = NEEDS_CGROUP2 | NEEDS_ROOT),
    PK_TEST_NAMED("it_belongs_to_the_childs_user/reaper", it_belongs_to_the_childs_user, .data = &cast_reaper,
                  .needs = NEEDS_ROOT),
    EACH(descriptors_can_be_elsewhere),
    EACH(descriptors_between_can_be_elsewhere),
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
    PK_TEST(what_makes_no_sense_is_refused),
    PK_TEST(it_cannot_be_detached_with_one),
    PK_TEST_NAMED("what_is_no_terminal_is_not_resized", what_is_no_terminal_is_not_resized,
                  .data = &cast_process_group),
};

PK_TEST_MAIN(tests)
