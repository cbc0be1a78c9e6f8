/*
 * What was recorded once is played as it was, byte for byte, by every verb and in every shape.
 */
#include "taping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A command, and what is asked of it. */
struct shape {
    const char *name;
    const char *argv[12]; /* after the adversary; or the program is in the place of it: */
    const char *program;
    const char *directory;
    const char *input;
    size_t input_length;
    pk_duration timeout, idle_timeout, grace;
    pk_leftovers leftovers;
    bool merged, terminal, echo, overflow, by_loop, stopped;
    int third;        /* captured as well */
    const char *line; /* the first line that contains this is asked for */
};

/* All that can be told of a run. */
struct outcome {
    int r;
    pk_error error;
    pk_result result;
    char *streams[4];
    size_t lengths[4];
    bool cut_off[4];
    char *line;
};

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static pk_command *make_command(const struct shape *shape, pk_runner *runner)
{
    pk_command *command = pk_command_new(shape->program ? shape->program : adversary_path(), NULL);
    for (size_t i = 0; shape->argv[i]; i++)
        pk_command_arg(command, shape->argv[i]);
    pk_command_runner(command, runner);
    if (shape->directory)
        pk_command_chdir(command, shape->directory);
    if (shape->timeout)
        pk_command_timeout(command, shape->timeout * test_slowness());
    if (shape->idle_timeout)
        pk_command_idle_timeout(command, shape->idle_timeout * test_slowness());
    if (shape->grace)
        pk_command_grace(command, shape->grace);
    pk_command_leftovers(command, shape->leftovers);
    pk_command_capture(command, 1, NULL);
    pk_command_capture(command, 2, NULL);
    return command;
}

static void shape_streams(const struct shape *shape, pk_command *command)
{
    pk_pty_options terminal = PK_PTY_OPTIONS_INIT;
    pk_capture_options capture = PK_CAPTURE_OPTIONS_INIT;
    terminal.echo = shape->echo;
    capture.overflow = PK_OVERFLOW_KILL;
    capture.head = 1000;
    capture.tail = 0;
    if (shape->merged)
        pk_command_same(command, 2, 1);
    if (shape->third)
        pk_command_capture(command, shape->third, NULL);
    if (shape->overflow)
        pk_command_capture(command, 1, &capture);
    if (shape->terminal) {
        pk_command_null(command, 2);
        pk_command_pty(command, &terminal);
    }
    if (shape->input)
        pk_command_input(command, shape->input, shape->input_length);
}

static void note(pk_process *process, pk_event event, void *data)
{
    (void)process, (void)event, (void)data;
}

static int run_in_loop(pk_process *process, pk_error *error)
{
    pk_auto(pk_loop) loop = NULL;
    int r = pk_loop_create(&loop, error);
    if (r == 0)
        r = pk_process_watch(process, loop, note, NULL, error);
    while (r >= 0 && !pk_process_result(process))
        r = pk_loop_dispatch(loop, PK_FOREVER, error);
    if (r >= 0)
        return 0;
    return r;
}

/* Stopped once it has said something. */
static int stop_it(pk_process *process, pk_error *error)
{
    pk_line line;
    int r = pk_process_next_line(process, 1, &line, PK_FOREVER, error);
    return r < 0 ? r : pk_process_stop(process, NULL, error);
}

static void keep_streams(struct outcome *outcome, pk_process *process)
{
    for (int fd = 1; fd < 4; fd++) {
        const pk_capture *capture = pk_process_capture(process, fd);
        if (!capture)
            continue;
        outcome->lengths[fd] = capture->length;
        outcome->cut_off[fd] = capture->cut_off;
        outcome->streams[fd] = malloc(capture->length + 1);
        memcpy(outcome->streams[fd], capture->bytes, capture->length + 1);
    }
}

static int carry_on(const struct shape *shape, pk_process *process, pk_error *error)
{
    int r = shape->stopped ? stop_it(process, error) : 0;
    if (r == 0 && shape->by_loop)
        r = run_in_loop(process, error);
    return r < 0 ? r : pk_process_wait(process, PK_FOREVER, NULL, error);
}

static bool contains(const pk_line *line, void *data)
{
    return strstr(line->text, data);
}

static struct outcome run(const struct shape *shape, pk_runner *runner)
{
    struct outcome outcome = {0};
    pk_process *process = NULL;
    pk_auto(pk_command) command = make_command(shape, runner);
    shape_streams(shape, command);
    if (shape->line) {
        outcome.r =
            pk_command_first_line(command, contains, (void *)(uintptr_t)shape->line, &outcome.line, &outcome.error);
        return outcome;
    }
    outcome.r = pk_command_start(command, &process, &outcome.error);
    if (outcome.r == 0)
        outcome.r = carry_on(shape, process, &outcome.error);
    if (outcome.r == 0) {
        outcome.result = *pk_process_result(process);
        keep_streams(&outcome, process);
    }
    pk_process_free(process);
    return outcome;
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static void assert_same_result(const pk_result *real, const pk_result *played)
{
    assert_int_equal(played->mechanism, PK_MECHANISM_SCRIPT);
    assert_int_not_equal(real->mechanism, PK_MECHANISM_SCRIPT);
    assert_int_equal(real->verdict, played->verdict);
    assert_int_equal(real->leader_ending, played->leader_ending);
    assert_int_equal(real->exit_code, played->exit_code);
    assert_int_equal(real->signal_number, played->signal_number);
    assert_int_equal(real->soft_signal, played->soft_signal);
    assert_int_equal(real->hard_killed, played->hard_killed);
    assert_int_equal(real->leftover_count, played->leftover_count);
    assert_int_equal(real->spared, played->spared);
}

static void assert_same(const struct shape *shape, const struct outcome *real, const struct outcome *played)
{
    assert_int_equal(real->r, played->r);
    if (real->r < 0) {
        printf("%s\n%s\n", real->error.message, played->error.message);
        assert_int_equal(real->error.kind, played->error.kind);
        assert_int_equal(real->error.step, played->error.step);
    } else if (shape->line) {
        assert_int_equal(real->line != NULL, real->r);
        if (real->r)
            assert_string_equal(real->line, played->line);
    } else {
        assert_same_result(&real->result, &played->result);
    }
    for (int fd = 1; fd < 4; fd++) {
        if (shape->overflow && fd == 1)
            continue; /* where it was cut off depends on reads */
        assert_int_equal(real->lengths[fd], played->lengths[fd]);
        assert_int_equal(real->cut_off[fd], played->cut_off[fd]);
        if (real->lengths[fd] > 0)
            assert_memory_equal(real->streams[fd], played->streams[fd], real->lengths[fd]);
    }
}

static void forget(struct outcome *outcome)
{
    for (int fd = 1; fd < 4; fd++)
        free(outcome->streams[fd]);
    free(outcome->line);
}

static void it_is_played_as_it_was(void **state)
{
    const struct shape *shape = *state;
    pk_runner *recorder = tape_recorder(NULL, NULL);
    struct outcome real = run(shape, recorder);
    tape_end(recorder);
    pk_runner *player = tape_player(NULL);
    struct outcome played = run(shape, player), again = run(shape, player);
    assert_same(shape, &real, &played);
    assert_same(shape, &real, &again);
    pk_runner_free(player);
    forget(&real);
    forget(&played);
    forget(&again);
}

/* ---- The shapes -------------------------------------------------------------------------------------------------- */

#define SOON PK_MILLISECONDS(300)

static const struct shape shapes[] = {
    {"text", {"print", "hello"}},
    {"stderr and a code", {"print-to", "2", "oops", "--", "exit", "3"}},
    {"both, by turns", {"alternate", "200"}},
    {"megabytes", {"bytes", "3000000"}},
    {"many lines", {"lines", "20000"}},
    {"binary", {"-c", "printf '\\377\\000\\001\\n\\303'"}, .program = "sh"},
    {"UTF-8", {"-c", "printf 'gr\\303\\274n \\342\\202\\254\\n\\001\\033[1m'"}, .program = "sh"},
    {"nothing", {"exit", "0"}},
    {"the highest code", {"exit", "255"}},
    {"a signal", {"print", "last words", "--", "die", "SEGV"}},
    {"a hard signal", {"die", "KILL"}},
    {"a realtime signal", {"die", "RTMIN+3"}},
    {"no program", {"x"}, .program = "no-such-program-anywhere"},
    {"no program at a path", {"x"}, .program = "/no/such/program"},
    {"no permission", {"x"}, .program = "/"},
    {"no directory", {"print", "x"}, .directory = "/no/such/directory"},
    {"timed out", {"print", "early", "--", "hold"}, .timeout = SOON},
    {"timed out, obstinate",
     {"ignore", "TERM", "--", "print", "no", "--", "hold"},
     .timeout = SOON,
     .grace = PK_MILLISECONDS(50)},
    {"timed out, polite", {"catch-exit", "TERM", "5", "--", "print", "yes", "--", "hold"}, .timeout = SOON},
    {"silent", {"print", "tick", "--", "hold"}, .idle_timeout = SOON},
    {"stopped", {"print", "up", "--", "hold"}, .stopped = true},
    {"stopped, polite", {"catch-exit", "TERM", "7", "--", "print", "up", "--", "hold"}, .stopped = true},
    {"merged", {"alternate", "50"}, .merged = true},
    {"a prompt", {"half-line"}, .timeout = SOON},
    {"the first line", {"print", "one", "--", "print", "two", "--", "hold"}, .line = "two"},
    {"no such line", {"print", "one", "--", "print-to", "2", "x"}, .line = "two"},
    {"input", {"echo"}, .input = "a\0b\xff", .input_length = 4},
    {"empty input", {"count"}, .input = "", .input_length = 0},
    {"input that is not read", {"print", "x"}, .input = "abc", .input_length = 3},
    {"a terminal", {"print", "one", "--", "print-to", "2", "two"}, .terminal = true},
    {"a terminal that is raw",
     {"-c", "printf 'a\\n'; stty -opost; printf 'b\\n'; printf 'c\\r\\n'"},
     .program = "sh",
     .terminal = true},
    {"a terminal that echoes",
     {"-c", "read x; echo $x"},
     .program = "sh",
     .terminal = true,
     .echo = true,
     .input = "typed\n",
     .input_length = 6},
    {"a leftover", {"leave", "0", "--", "hold"}, .leftovers = PK_LEFTOVERS_FAIL},
    {"a leftover that is killed", {"leave", "3", "--", "hold"}},
    {"a leftover that stays too long", {"leave", "0", "--", "hold"}, .leftovers = PK_LEFTOVERS_WAIT, .timeout = SOON},
    {"too much", {"flood"}, .overflow = true},
    {"another descriptor", {"print-to", "3", "third"}, .third = 3},
    {"a stream that ends early", {"print", "x", "--", "close", "1", "--", "sleep", "50", "--", "print-to", "2", "y"}},
    {"arguments that are no text", {"print", "\xff\xfe\n\"\\"}},
    {"in a loop", {"alternate", "20"}, .by_loop = true},
    {"timed out in a loop", {"print", "x", "--", "hold"}, .by_loop = true, .timeout = SOON},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

int main(int argc, char **argv)
{
    static struct test tests[SHAPES];
    for (size_t i = 0; i < SHAPES; i++)
        tests[i] = (struct test)PK_TEST_NAMED(shapes[i].name, it_is_played_as_it_was, .data = &shapes[i]);
    return test_main(argc, argv, tests, SHAPES);
}
