/*
 * Clients: a command as a template, and what is made of it.
 */
#include "subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static pk_command *say(void)
{
    pk_command *say =
        pk_command_new("sh", "-c", "printf %s, \"$GREETING\" \"$@\"; exit ${CODE:-0}", "sh", "dear", NULL);
    pk_command_setenv(say, "GREETING", "hello");
    return say;
}

static void assert_says(const pk_command *command, const char *expected)
{
    pk_error error;
    char *text;
    assert_ok(pk_command_run(command, &text, &error), error);
    assert_string_equal(text, expected);
    free(text);
}

static void arguments_come_after_those_of_the_template(void **state)
{
    pk_auto(pk_command) base = say();
    pk_auto(pk_command) two = pk_command_with(base, "Ada", "Grace B.", NULL);
    pk_auto(pk_command) none = pk_command_with(base, NULL);
    assert_says(two, "hello,dear,Ada,Grace B.,");
    assert_says(none, "hello,dear,");
    assert_says(base, "hello,dear,");
}

static void they_may_be_a_vector(void **state)
{
    pk_auto(pk_command) base = say();
    pk_auto(pk_command) one = pk_command_with_argv(base, (const char *const[]){"Ada", NULL});
    pk_auto(pk_command) none = pk_command_with_argv(base, NULL);
    assert_says(one, "hello,dear,Ada,");
    assert_says(none, "hello,dear,");
}

static void the_program_may_be_another(void **state)
{
    pk_error error;
    pk_auto(pk_command) base = say();
    pk_command_set_argv(base, (const char *const[]){"sh", "-c", "echo $GREETING", NULL});
    assert_says(base, "hello");
    pk_command_arg(base, "more");
    assert_string_equal(pk_command_argv(base)[3], "more");
    pk_command_set_argv(base, NULL);
    assert_int_equal(pk_command_check(base, &error), -EINVAL);
    pk_command_set_argv(NULL, NULL);
}

static void a_copy_runs_without_its_template(void **state)
{
    pk_command *base = say();
    pk_auto(pk_command) copy = pk_command_with(base, "Ada", NULL);
    pk_command_setenv(copy, "GREETING", "good bye");
    assert_says(base, "hello,dear,");
    pk_command_free(base);
    assert_says(copy, "good bye,dear,Ada,");
}

static void one_line_runs_a_template(void **state)
{
    pk_error error;
    char *text;
    pk_auto(pk_command) base = say();
    assert_ok(pk_run_with(&text, &error, base, "Ada", NULL), error);
    assert_string_equal(text, "hello,dear,Ada,");
    free(text);
    assert_ok(pk_check_with(&error, base, "Ada", NULL), error);
    pk_command_setenv(base, "CODE", "7");
    assert_error(pk_check_with(&error, base, NULL), error, -EPROTO, PK_STEP_NONE);
    assert_int_equal(error.exit_code, 7);
    assert_error(pk_run_with(&text, &error, base, "Ada", NULL), error, -EPROTO, PK_STEP_NONE);
}

static void what_is_wrong_with_the_template_is_said_by_the_run(void **state)
{
    pk_error error;
    pk_auto(pk_command) base = say();
    pk_command_nice(base, 99);
    assert_error(pk_check_with(&error, base, "Ada", NULL), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_non_null(strstr(error.message, "99"));
    assert_error(pk_check_with(&error, NULL, "Ada", NULL), error, -ENOMEM, PK_STEP_ALLOCATE);
    assert_null(pk_command_with(NULL, "Ada", NULL));
    assert_null(pk_command_with_argv(NULL, NULL));
}

static void a_missing_program_is_no_crash(void **state)
{
    pk_error error;
    char *text;
    assert_error(pk_run(&text, &error, NULL, NULL), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_check(&error, NULL, NULL), error, -EINVAL, PK_STEP_ARGUMENTS);
}

static const struct test tests[] = {
    PK_TEST(arguments_come_after_those_of_the_template),
    PK_TEST(they_may_be_a_vector),
    PK_TEST(the_program_may_be_another),
    PK_TEST(a_copy_runs_without_its_template),
    PK_TEST(one_line_runs_a_template),
    PK_TEST_AS_USER(one_line_runs_a_template),
    PK_TEST(what_is_wrong_with_the_template_is_said_by_the_run),
    PK_TEST(a_missing_program_is_no_crash),
};

PK_TEST_MAIN(tests)
