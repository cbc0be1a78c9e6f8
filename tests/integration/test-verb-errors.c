/*
 * Verbs that are told no: by which error for which end, and in which words.
 */
#include "course.h"
#include "sys/fault.h"

#include <processkit/run.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Without the directory, whose name is not the test's. */
static void assert_message(const pk_error *error, const char *rest)
{
    char expected[PK_ERROR_MESSAGE_SIZE + 300];
    snprintf(expected, sizeof(expected), "%s %s", adversary_path(), rest);
    assert_string_equal(error->message, expected);
    assert_string_equal(error->path, adversary_path());
}

/* ---- Errors ----------------------------------------------------------------------------------------------------- */

struct refusal {
    const char *name;
    const char *words;
    void (*prepare)(pk_command *command);
    int number;
    pk_error_kind kind;
    const char *message; /* behind the program; NULL: there is a time in it, see `begins` */
    const char *begins;
    int exit_code, signal_number;
};

static void with_timeout(pk_command *command)
{
    pk_command_timeout(command, PK_MILLISECONDS(300));
}

static void with_idle_timeout(pk_command *command)
{
    pk_command_idle_timeout(command, PK_MILLISECONDS(300));
}

static void with_leftovers(pk_command *command)
{
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
}

static void with_small_capture(pk_command *command)
{
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = 10;
    options.tail = 0;
    options.overflow = PK_OVERFLOW_FAIL;
    pk_command_capture(command, 1, &options);
}

static ssize_t fail_to_give(void *buffer, size_t size, void *data)
{
    (void)buffer, (void)size, (void)data;
    return -EREMOTEIO;
}

static void with_failing_input(pk_command *command)
{
    pk_command_input_callback(command, fail_to_give, NULL);
}

static const struct refusal refusals[] = {
    {"exit", "exit 3", NULL, -EPROTO, PK_ERROR_EXIT, "exited with 3", NULL, 3, 0},
    {"exit-said", "print-to 2 first -- print-to 2 last -- exit 3", NULL, -EPROTO, PK_ERROR_EXIT, "exited with 3: last",
     NULL, 3, 0},
    {"signalled", "die USR1", NULL, -EPROTO, PK_ERROR_SIGNALLED, "killed by SIGUSR1", NULL, 0, SIGUSR1},
    {"timeout", "print-to 2 slow -- hold", with_timeout, -ETIMEDOUT, PK_ERROR_TIMEOUT, NULL, "timed out after ", 0,
     SIGTERM},
    {"idle", "hold", with_idle_timeout, -ETIMEDOUT, PK_ERROR_IDLE_TIMEOUT, NULL, "fell silent, ended after ", 0,
     SIGTERM},
    {"too-large", "bytes 11 -- exit 0", with_small_capture, -EOVERFLOW, PK_ERROR_OUTPUT_TOO_LARGE,
     "wrote more than is kept; exited with 0", NULL, 0, 0},
    {"leftovers", "leave 0 -- hold", with_leftovers, -EBUSY, PK_ERROR_TEARDOWN, "exited with 0, but left 1 running",
     NULL, 0, 0},
};

static void assert_refused(const struct refusal *refusal, int result, const pk_error *error)
{
    char begin[600];
    assert_int_equal(result, refusal->number);
    assert_int_equal(error->number, refusal->number);
    assert_int_equal(error->kind, refusal->kind);
    assert_int_equal(error->exit_code, refusal->exit_code);
    assert_int_equal(error->signal_number, refusal->signal_number);
    if (refusal->message) {
        assert_message(error, refusal->message);
        return;
    }
    snprintf(begin, sizeof(begin), "%s %s", adversary_path(), refusal->begins);
    assert_memory_equal(error->message, begin, strlen(begin));
    assert_non_null(strstr(error->message, "; killed by SIGTERM"));
}

static void each_end_has_its_error(void **state)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal *refusal = &refusals[i];
        pk_error error = {0};
        char *text = NULL;
        print_message("%s\n", refusal->name);
        pk_auto(pk_command) command = course_command(state, refusal->words);
        if (refusal->prepare)
            refusal->prepare(command);
        assert_refused(refusal, pk_command_check(command, &error), &error);
        error = (pk_error){0};
        assert_refused(refusal, pk_command_run(command, &text, &error), &error);
        assert_null(text);
        if (refusal->kind == PK_ERROR_EXIT)
            continue;
        error = (pk_error){0};
        assert_refused(refusal, pk_command_exit_code(command, &error), &error);
        error = (pk_error){0};
        assert_refused(refusal, pk_command_probe(command, &error), &error);
    }
}

static void missing_input_is_an_error_of_a_success(void **state)
{
    pk_error error = {0};
    char expected[600];
    pk_auto(pk_command) command = course_command(state, "count");
    with_failing_input(command);
    assert_int_equal(pk_command_check(command, &error), -EREMOTEIO);
    assert_int_equal(error.kind, PK_ERROR_STDIN);
    snprintf(expected, sizeof(expected), "cannot give %s its input: Remote I/O error", adversary_path());
    assert_string_equal(error.message, expected);
    pk_auto(pk_command) failing = course_command(state, "count -- exit 2");
    with_failing_input(failing);
    assert_int_equal(pk_command_check(failing, &error), -EPROTO); /* that it failed is said first */
}

static int parse_nothing(const char *text, size_t length, char *why, size_t size, void *data)
{
    (void)text, (void)length, (void)data;
    memset(why, 0, size);
    return 0;
}

static void all_of_it_is_wanted(void **state)
{
    pk_error error = {0};
    char *text = NULL;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = options.tail = 1024;
    pk_auto(pk_command) command = course_command(state, "bytes 4096");
    pk_command_capture(command, 1, &options);
    assert_ok(pk_command_check(command, &error), error);
    assert_int_equal(pk_command_run(command, &text, &error), -EOVERFLOW);
    assert_int_equal(error.kind, PK_ERROR_OUTPUT_TOO_LARGE);
    assert_message(&error, "wrote 4.0 KiB, which is more than is kept (see pk_command_capture)");
    assert_int_equal(pk_command_parse(command, parse_nothing, NULL, &error), -EOVERFLOW);
    options.tail = 3072;
    pk_command_capture(command, 1, &options);
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_int_equal(strlen(text), 4096);
    free(text);
}

static void stopped_and_cancelled_are_one(void **state)
{
    struct course course;
    pk_error error = {0};
    pk_cancel *cancel;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    for (int i = 0; i < 2; i++) {
        pk_auto(pk_command) command = course_command(state, "print early -- hold");
        pk_command_capture(command, 1, NULL);
        pk_command_cancel(command, cancel);
        course_start(&course, state, command);
        assert_int_equal(pk_process_check(course.process, &error), -EBUSY);
        while (pk_process_bytes(course.process, 1) < 6)
            course_run(&course, PK_MILLISECONDS(1));
        if (i == 0)
            assert_ok(pk_process_stop(course.process, NULL, &error), error);
        else
            pk_cancel_now(cancel);
        course_end(&course);
        assert_int_equal(pk_process_check(course.process, &error), -ECANCELED);
        assert_int_equal(error.kind, PK_ERROR_CANCELLED);
        assert_non_null(strstr(error.message, i ? " cancelled after " : " stopped after "));
        course_close(&course);
    }
    pk_auto(pk_command) command = course_command(state, "hold");
    pk_command_cancel(command, cancel);
    assert_int_equal(pk_command_check(command, &error), -ECANCELED);
    assert_int_equal(error.kind, PK_ERROR_CANCELLED);
    assert_ptr_equal(pk_cancel_free(cancel), NULL);
}

/* Another part of the program was faster, on a kernel that forgets then. With a reaper it is its child, and nobody
 * else's. */
static void an_end_can_be_lost(void **state)
{
    struct course course;
    pk_error error = {0};
    pk_auto(pk_command) command = course_command(state, "exit 3");
    pk_command_capture(command, 1, NULL);
    course_start(&course, state, command);
    sys_fault_set("pidfd_get_info", 0, ENOTTY);
    assert_int_equal(waitpid(pk_process_pid(course.process), NULL, 0), pk_process_pid(course.process));
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_LOST);
    sys_fault_clear();
    assert_int_equal(pk_process_check(course.process, &error), -ECHILD);
    assert_int_equal(error.kind, PK_ERROR_LOST);
    assert_message(&error, "ended, but its status was taken by another wait");
    course_close(&course);
}

/* ---- Messages --------------------------------------------------------------------------------------------------- */

static void assert_said(void **state, const char *text, const char *said)
{
    pk_error error = {0};
    char expected[600];
    const char *const argv[] = {adversary_path(), "print-to", "2", text, "--", "exit", "1", NULL};
    struct way way = *(const struct way *)*state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way.mechanism;
    pk_auto(pk_command) command = pk_command_new_argv(argv);
    pk_command_contain(command, &options);
    assert_int_equal(pk_command_check(command, &error), -EPROTO);
    snprintf(expected, sizeof(expected), "exited with 1%s%s", said ? ": " : "", said ? said : "");
    assert_message(&error, expected);
}

static const char *repeated(const char *text, size_t times, const char *end)
{
    static char texts[4][1024];
    static unsigned next;
    char *result = texts[next++ % 4];
    result[0] = '\0';
    for (size_t i = 0; i < times; i++)
        strcat(result, text);
    return strcat(result, end);
}

static void the_last_line_of_stderr_is_said(void **state)
{
    assert_said(state, "plain", "plain");
    assert_said(state, "first\nlast", "last");
    assert_said(state, "last\n\n \t\n", "last");
    assert_said(state, "10%\r20%\r", "20%");
    assert_said(state, "  \t spaces \t ", "spaces");
    assert_said(state, "", NULL);
    assert_said(state, "\n \n", NULL);
    assert_said(state, "100%s%n", "100%s%n");
}

static void what_would_harm_a_terminal_is_escaped(void **state)
{
    assert_said(state, "a\033[31mb\ac", "a\\x1b[31mb\\x07c");
    assert_said(state, "tab\tin it", "tab\\tin it");
    assert_said(state, "\xe2\x80\xae reversed", "\\u202e reversed");
    assert_said(state, "bad \xff\xc3 bytes", "bad \\xff\\xc3 bytes");
    assert_said(state, "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
}

static void a_long_line_is_cut(void **state)
{
    assert_said(state, repeated("x", 200, ""), repeated("x", 200, ""));
    assert_said(state, repeated("x", 201, ""), repeated("x", 200, "..."));
    assert_said(state, repeated("\xc3\xbc", 100, ""), repeated("\xc3\xbc", 100, ""));
    assert_said(state, repeated("\xc3\xbc", 100, "x"), repeated("\xc3\xbc", 100, "..."));
    /* Never within a character. */
    assert_said(state, repeated("\xe2\x82\xac", 70, ""), repeated("\xe2\x82\xac", 66, "..."));
}

/* A NUL is no end of it. */
static void all_of_the_last_line_is_said(void **state)
{
    pk_error error = {0};
    (void)state;
    assert_int_equal(pk_check(&error, "/bin/sh", "-c", "printf 'one\\0two\\0\\n' >&2; exit 1", NULL), -EPROTO);
    assert_string_equal(error.message, "/bin/sh exited with 1: one\\x00two");
}

/* ---- What would wait in vain ------------------------------------------------------------------------------------ */

static void assert_unattended(int result, const pk_error *error, int fd)
{
    char words[64];
    snprintf(words, sizeof(words),
             fd ? "nobody would read from its descriptor %d (" : "nobody would write to its descriptor %d (", fd);
    assert_int_equal(result, -EINVAL);
    assert_int_equal(error->kind, PK_ERROR_INVALID);
    assert_int_equal(error->step, PK_STEP_ARGUMENTS);
    if (!strstr(error->message, words))
        fail_msg("'%s' lacks '%s'", error->message, words);
}

/* Each begins with making its spill file. */
static void pipes_are_for_who_gets_the_process(void **state)
{
    pk_output *output = NULL;
    char *line = NULL;
    for (int fd = 0; fd <= 4; fd++) {
        pk_error error = {0};
        pk_auto(pk_command) command = course_command(state, "touch started -- echo -- bytes 1000000");
        pk_command_pipe(command, fd);
        assert_unattended(pk_command_status(command, NULL, &error), &error, fd);
        assert_unattended(pk_command_output(command, &output, &error), &error, fd);
        assert_unattended(pk_command_check(command, &error), &error, fd);
        assert_unattended(pk_command_probe(command, &error), &error, fd);
        assert_unattended(pk_command_exit_code(command, &error), &error, fd);
        if (fd != 1) /* what is wanted itself has an error of its own */
            assert_unattended(pk_command_first_line(command, NULL, NULL, &line, &error), &error, fd);
        assert_int_equal(access("started", F_OK), -1);
    }
    assert_null(output);
    assert_null(line);
}

static void so_are_terminals(void **state)
{
    pk_error error = {0};
    pk_result result;
    pk_auto(pk_command) command = course_command(state, "bytes 100000 -- exit 0");
    pk_command_pty(command, NULL);
    assert_unattended(pk_command_status(command, NULL, &error), &error, 1);
    assert_ok(pk_command_check(command, &error), error);
    pk_command_capture(command, 1, NULL);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_true(pk_result_is_success(&result));
}

static void what_is_attended_runs(void **state)
{
    pk_error error = {0};
    pk_auto(pk_command) command = course_command(state, "echo -- bytes 100000 -- print-to 4 four");
    pk_command_pipe(command, 0);
    pk_command_input_text(command, "words");
    pk_command_pipe(command, 1);
    pk_command_capture(command, 1, NULL);
    pk_command_pipe(command, 4);
    pk_command_on_chunk(command, 4, NULL, NULL);
    assert_ok(pk_command_check(command, &error), error);
    assert_ok(pk_command_status(command, NULL, &error), error);
}

static const struct test tests[] = {
    EACH_MECHANISM(each_end_has_its_error),
    EACH_MECHANISM(missing_input_is_an_error_of_a_success),
    EACH_MECHANISM(all_of_it_is_wanted),
    EACH_WAY(stopped_and_cancelled_are_one),
    PK_TEST_NAMED("an_end_can_be_lost/wait", an_end_can_be_lost, .data = &way_wait_process_group),
    PK_TEST_NAMED("an_end_can_be_lost/loop", an_end_can_be_lost, .data = &way_loop_process_group),
    EACH_MECHANISM(the_last_line_of_stderr_is_said),
    EACH_MECHANISM(what_would_harm_a_terminal_is_escaped),
    EACH_MECHANISM(a_long_line_is_cut),
    PK_TEST(all_of_the_last_line_is_said),
    EACH_MECHANISM(pipes_are_for_who_gets_the_process),
    EACH_MECHANISM(so_are_terminals),
    EACH_MECHANISM(what_is_attended_runs),
};

PK_TEST_MAIN(tests)
