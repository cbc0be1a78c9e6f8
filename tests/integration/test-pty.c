/*
 * Terminals: what a child finds at one of its own, and which cannot be had.
 */
#include "at-terminal.h"
#include "files.h"
#include "io/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

/* What it says about itself, by way of a file. */
static struct description *describe_at(void **state, pk_command *command)
{
    assert_true(files_write(scratch("described"), "", 0666));
    assert_return_code(chmod(scratch("described"), 0666), errno);
    pk_process *process = pty_start(state, command);
    pk_result result = pty_end(process);
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
    pk_auto(pk_command) command = pty_command(NULL, "echo");
    pk_process *one = pty_start(state, command), *other = pty_start(state, command);
    pty_write(pk_process_pipe(one, 0), "one\n\4");
    pty_write(pk_process_pipe(other, 0), "other\n\4");
    pty_assert_rest(pk_process_pipe(one, 1), "one\r\n");
    pty_assert_rest(pk_process_pipe(other, 1), "other\r\n");
    assert_int_equal(pty_end(one).exit_code, 0);
    assert_int_equal(pty_end(other).exit_code, 0);
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
    pk_process *process = pty_start(state, command);
    int input = pk_process_pipe_take(process, 0);
    assert_int_equal(pk_process_pipe(process, 1), -EBADF);
    pty_write(input, "seven\4\3"); /* no terminal reads this */
    close(input);
    pty_assert_rest(pk_process_pipe(process, 2), "err\r\n");
    assert_int_equal(pty_end(process).exit_code, 0);
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
    pk_process *process = pty_start(state, command);
    struct report out = {0};
    pty_write(pk_process_pipe(process, 0), "in\n\4");
    assert_true(read_to_end(pk_process_pipe(process, 1), &out, PATIENCE_MS));
    assert_string_equal(out.bytes, "in\n");
    pty_assert_rest(pk_process_pipe(process, 2), "err\r\n");
    assert_int_equal(pty_end(process).exit_code, 0);
    report_free(&out);
}

/* ---- Refusals --------------------------------------------------------------------------------------------------- */

static void refuse_to_start(pk_command *command, pk_step step)
{
    pk_error error;
    pk_process *process = NULL;
    assert_error(pk_command_start(command, &process, &error), error, -EINVAL, step);
    pk_command_free(command);
}

static void what_makes_no_sense_is_refused(void **state)
{
    pk_pty_options options = PK_PTY_OPTIONS_INIT;
    pk_command *command = pty_command(NULL, "exit 0");
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

    command = pty_command(NULL, "exit 0");
    for (int fd = 0; fd <= 2; fd++)
        pk_command_null(command, fd);
    refuse_to_start(command, PK_STEP_TERMINAL);

    command = pty_command(NULL, "exit 0");
    pk_command_capture(command, 2, NULL);
    refuse_to_start(command, PK_STEP_TERMINAL);
    pk_command_pty(NULL, NULL);
}

static void it_cannot_be_detached_with_one(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = pty_command(NULL, "exit 0");
    assert_error(pk_command_detach(command, "pk-test-terminal", NULL, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
}

static void what_is_no_terminal_is_not_resized(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = cast_command(NULL, "echo");
    pk_command_pipe(command, 0);
    pk_process *process = pty_start(state, command);
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
    PK_TEST(what_makes_no_sense_is_refused),
    PK_TEST(it_cannot_be_detached_with_one),
    PK_TEST_NAMED("what_is_no_terminal_is_not_resized", what_is_no_terminal_is_not_resized,
                  .data = &cast_process_group),
};

PK_TEST_MAIN(tests)
