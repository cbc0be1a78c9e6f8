/*
 * Verbs: what each wants to know, and gets to know.
 */
#include "course.h"

#include <processkit/run.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What they give --------------------------------------------------------------------------------------------- */

static void run_gives_stdout_without_its_newlines(void **state)
{
    pk_error error;
    char *text = NULL;
    pk_auto(pk_command) command = course_command(state, "lines 2 -- print-to 2 noise");
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_string_equal(text, "line 1\nline 2");
    free(text);
    pk_auto(pk_command) silent = course_command(state, "exit 0");
    assert_ok(pk_command_run(silent, &text, &error), error);
    assert_string_equal(text, "");
    free(text);
}

static void one_line_is_enough(void **state)
{
    (void)state;
    pk_error error;
    char *text = NULL;
    assert_ok(pk_run(&text, &error, adversary_path(), "print", "a word", NULL), error);
    assert_string_equal(text, "a word");
    free(text);
    assert_ok(pk_check(&error, adversary_path(), "print", "a word", NULL), error);
    assert_int_equal(pk_check(&error, adversary_path(), "exit", "1", NULL), -EPROTO);
    assert_int_equal(pk_run(&text, &error, "no-such-program-anywhere", NULL), -ENOENT);
    assert_int_equal(error.kind, PK_ERROR_NOT_FOUND);
    assert_int_equal(pk_run(&text, &error, NULL, NULL), -EINVAL);
}

static void check_wants_success_and_nothing_else(void **state)
{
    pk_error error;
    pk_auto(pk_command) loud = course_command(state, "bytes 100000 -- exit 0");
    assert_ok(pk_command_check(loud, &error), error);
    pk_auto(pk_command) failing = course_command(state, "exit 4");
    assert_int_equal(pk_command_check(failing, &error), -EPROTO);
}

static void output_tells_everything(void **state)
{
    pk_error error;
    pk_output *output = NULL;
    pk_auto(pk_command) command = course_command(state, "print out -- print-to 2 err -- exit 3");
    assert_ok(pk_command_output(command, &output, &error), error);
    assert_int_equal(pk_output_result(output)->verdict, PK_VERDICT_EXITED);
    assert_int_equal(pk_output_result(output)->exit_code, 3);
    assert_string_equal(pk_output_text(output, 1), "out\n");
    assert_string_equal(pk_output_text(output, 2), "err\n");
    assert_string_equal(pk_output_text(output, 0), "");
    assert_int_equal(pk_output_capture(output, 2)->total, 4);
    assert_null(pk_output_capture(output, 7));
    assert_int_equal(pk_output_check(output, &error), -EPROTO);
    assert_int_equal(error.exit_code, 3);
    assert_null(pk_output_free(output));
    assert_null(pk_output_free(NULL));
}

/* It is data: neither a descriptor nor a group is behind it. */
static void an_output_holds_no_descriptor(void **state)
{
    pk_error error;
    pk_output *output = NULL;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    int tee = open("/dev/null", O_WRONLY | O_CLOEXEC);
    options.spill = scratch("spill");
    pk_auto(pk_command) command = course_command(state, "print out");
    pk_command_capture(command, 1, &options);
    pk_command_tee(command, 1, tee, PK_TEE_RAW);
    pk_command_tee(command, 2, tee, PK_TEE_TEXT);
    assert_ok(pk_command_status(command, NULL, &error), error); /* what is made once is there from now on */
    int before = cast_count_descriptors();
    assert_ok(pk_command_output(command, &output, &error), error);
    assert_int_equal(cast_count_descriptors(), before);
    assert_string_equal(pk_output_text(output, 1), "out\n");
    pk_output_free(output);
    close(tee);
}

static void exit_codes_are_given(void **state)
{
    pk_error error;
    for (int code = 0; code < 256; code += 51) {
        char words[32];
        snprintf(words, sizeof(words), "exit %d", code);
        pk_auto(pk_command) command = course_command(state, words);
        assert_int_equal(pk_command_exit_code(command, &error), code);
    }
    pk_auto(pk_command) killed = course_command(state, "die TERM");
    assert_int_equal(pk_command_exit_code(killed, &error), -EPROTO);
    assert_int_equal(error.kind, PK_ERROR_SIGNALLED);
}

static void a_probe_says_yes_or_no(void **state)
{
    pk_error error;
    static const int answers[] = {1, 0, -EPROTO};
    for (int code = 0; code < 3; code++) {
        char words[32];
        snprintf(words, sizeof(words), "exit %d", code);
        pk_auto(pk_command) command = course_command(state, words);
        assert_int_equal(pk_command_probe(command, &error), answers[code]);
    }
    assert_int_equal(error.kind, PK_ERROR_EXIT);
    assert_int_equal(error.exit_code, 2);
    pk_auto(pk_command) killed = course_command(state, "die TERM");
    assert_int_equal(pk_command_probe(killed, &error), -EPROTO);
}

static void some_codes_can_be_a_success(void **state)
{
    pk_error error;
    static const int codes[] = {3, 255};
    static const struct {
        const char *words;
        int result;
    } runs[] = {{"exit 3", 0}, {"exit 255", 0}, {"exit 0", -EPROTO}, {"exit 4", -EPROTO}};
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        pk_result result;
        pk_auto(pk_command) command = course_command(state, runs[i].words);
        pk_command_ok_codes(command, codes, 2);
        assert_int_equal(pk_command_check(command, &error), runs[i].result);
        assert_ok(pk_command_status(command, &result, &error), error);
        assert_int_equal(pk_result_is_success(&result), runs[i].result == 0);
        assert_int_equal(result.ok_code, runs[i].result == 0);
    }
    static const int wrong[] = {256}, negative[] = {-1};
    pk_auto(pk_command) command = course_command(state, "exit 0");
    pk_command_ok_codes(command, wrong, 1);
    assert_int_equal(pk_command_check(command, &error), -EINVAL);
    pk_auto(pk_command) other = course_command(state, "exit 0");
    pk_command_ok_codes(other, negative, 1);
    assert_int_equal(pk_command_check(other, &error), -EINVAL);
    pk_auto(pk_command) none = course_command(state, "exit 0");
    pk_command_ok_codes(none, codes, 0);
    assert_int_equal(pk_command_check(none, &error), -EINVAL);
}

/* ---- Lines ------------------------------------------------------------------------------------------------------ */

static bool is_seven(const pk_line *line, void *data)
{
    ++*(int *)data;
    return strcmp(line->text, "line 7") == 0;
}

static void the_first_line_that_matches_is_enough(void **state)
{
    pk_error error;
    char *line = NULL;
    int seen = 0;
    pk_auto(pk_command) command = course_command(state, "lines 10 -- hold");
    assert_int_equal(pk_command_first_line(command, is_seven, &seen, &line, &error), 1);
    assert_string_equal(line, "line 7");
    assert_int_equal(seen, 7);
    free(line);
    assert_int_equal(pk_command_first_line(command, NULL, NULL, &line, &error), 1);
    assert_string_equal(line, "line 1");
    free(line);
}

static void there_may_be_no_such_line(void **state)
{
    pk_error error;
    char *line = NULL;
    int seen = 0;
    pk_auto(pk_command) failing = course_command(state, "lines 3 -- exit 9");
    assert_int_equal(pk_command_first_line(failing, is_seven, &seen, &line, &error), 0);
    assert_int_equal(seen, 3);
    pk_auto(pk_command) late = course_command(state, "lines 3 -- hold");
    pk_command_timeout(late, PK_MILLISECONDS(300));
    assert_int_equal(pk_command_first_line(late, is_seven, &seen, &line, &error), 0);
    assert_null(line);
    pk_auto(pk_command) half = course_command(state, "half-line -- exit 0");
    assert_int_equal(pk_command_first_line(half, NULL, NULL, &line, &error), 1);
    assert_string_equal(line, "half a line");
    free(line);
    pk_auto(pk_command) missing = pk_command_new("no-such-program-anywhere", NULL);
    assert_int_equal(pk_command_first_line(missing, NULL, NULL, &line, &error), -ENOENT);
}

/* ---- Parsing ---------------------------------------------------------------------------------------------------- */

static int parse_lines(const char *text, size_t length, char *why, size_t size, void *data)
{
    int lines = 0;
    assert_int_equal(strlen(text), length);
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    if (lines > 2 && data)
        snprintf(why, size, "%d lines are too many", lines);
    return lines > 2 ? -E2BIG : lines;
}

static void what_it_writes_can_be_parsed(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "lines 2");
    assert_int_equal(pk_command_parse(command, parse_lines, NULL, &error), 2);
    pk_auto(pk_command) more = course_command(state, "lines 3");
    char expected[600];
    assert_int_equal(pk_command_parse(more, parse_lines, &error, &error), -E2BIG);
    assert_int_equal(error.kind, PK_ERROR_PARSE);
    snprintf(expected, sizeof(expected), "cannot make sense of what %s wrote: 3 lines are too many", adversary_path());
    assert_string_equal(error.message, expected);
    assert_int_equal(pk_command_parse(more, parse_lines, NULL, &error), -E2BIG);
    snprintf(expected, sizeof(expected), "cannot make sense of what %s wrote: Argument list too long",
             adversary_path());
    assert_string_equal(error.message, expected);
    pk_auto(pk_command) failing = course_command(state, "lines 2 -- exit 1");
    assert_int_equal(pk_command_parse(failing, parse_lines, NULL, &error), -EPROTO);
}

/* ---- Inherited stdio -------------------------------------------------------------------------------------------- */

/* What a command says about its output holds. */
static void output_may_go_elsewhere(void **state)
{
    pk_error error;
    pk_output *output = NULL;
    char *text = NULL;
    pk_auto(pk_command) command = course_command(state, "print out -- print-to 2 err");
    pk_command_inherit(command, 1);
    pk_command_null(command, 2);
    assert_ok(pk_command_output(command, &output, &error), error);
    assert_null(pk_output_capture(output, 1));
    assert_string_equal(pk_output_text(output, 1), "");
    assert_string_equal(pk_output_text(output, 2), "");
    assert_ok(pk_output_check(output, &error), error);
    pk_output_free(output);
    assert_ok(pk_command_check(command, &error), error);
    assert_int_equal(pk_command_probe(command, &error), 1);
    assert_int_equal(pk_command_run(command, &text, &error), -EINVAL);
    assert_int_equal(pk_command_parse(command, parse_lines, NULL, &error), -EINVAL);
    assert_int_equal(pk_command_first_line(command, NULL, NULL, &text, &error), -EINVAL);
    assert_null(text);
}

static void merged_output_is_kept_as_one(void **state)
{
    pk_error error;
    char *text = NULL;
    pk_auto(pk_command) command = course_command(state, "alternate 2");
    pk_command_same(command, 2, 1);
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_string_equal(text, "out 1\nerr 1\nout 2\nerr 2");
    free(text);
}

static void output_that_is_passed_on_is_kept_as_well(void **state)
{
    pk_error error;
    char *text = NULL;
    char passed[16] = "";
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pk_auto(pk_command) command = course_command(state, "print out");
    pk_command_tee(command, 1, ends[1], PK_TEE_RAW);
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_string_equal(text, "out");
    assert_int_equal(read(ends[0], passed, sizeof(passed)), 4);
    free(text);
    close(ends[0]);
    close(ends[1]);
}

static const struct test tests[] = {
    EACH_MECHANISM(run_gives_stdout_without_its_newlines),
    PK_TEST(one_line_is_enough),
    EACH_MECHANISM(check_wants_success_and_nothing_else),
    EACH_MECHANISM(output_tells_everything),
    EACH_MECHANISM(an_output_holds_no_descriptor),
    EACH_MECHANISM(exit_codes_are_given),
    EACH_MECHANISM(a_probe_says_yes_or_no),
    EACH_MECHANISM(some_codes_can_be_a_success),
    EACH_MECHANISM(the_first_line_that_matches_is_enough),
    EACH_MECHANISM(there_may_be_no_such_line),
    EACH_MECHANISM(what_it_writes_can_be_parsed),
    EACH_MECHANISM(output_may_go_elsewhere),
    EACH_MECHANISM(merged_output_is_kept_as_one),
    EACH_MECHANISM(output_that_is_passed_on_is_kept_as_well),
};

PK_TEST_MAIN(tests)
