/*
 * What commands say about themselves.
 */
#include "harness.h"

#include <processkit.h>

#include <stdlib.h>

static void arguments_are_told_as_they_were_given(void **state)
{
    pk_auto(pk_command) command = pk_command_new("tool", "one", NULL);
    pk_command_arg0(command, "another");
    pk_command_arg(command, "");
    const char *const *argv = pk_command_argv(command);
    assert_string_equal(argv[0], "tool");
    assert_string_equal(argv[1], "one");
    assert_string_equal(argv[2], "");
    assert_null(argv[3]);
    assert_string_equal(pk_command_program(command), "tool");
}

static void without_any_the_list_is_empty(void **state)
{
    pk_auto(pk_command) command = pk_command_new(NULL, NULL);
    assert_null(pk_command_argv(command)[0]);
    assert_null(pk_command_argv(NULL)[0]);
    assert_string_equal(pk_command_program(NULL), "");
}

static void the_directory_is_told(void **state)
{
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    assert_null(pk_command_directory(command));
    pk_command_chdir(command, "one");
    pk_command_chdir(command, "two");
    assert_string_equal(pk_command_directory(command), "two");
    assert_null(pk_command_directory(NULL));
}

static void a_variable_is_what_was_said_last(void **state)
{
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    pk_command_setenv(command, "A", "1");
    pk_command_setenv(command, "AB", "other");
    assert_string_equal(pk_command_getenv(command, "A"), "1");
    pk_command_setenv(command, "A", "x=2");
    assert_string_equal(pk_command_getenv(command, "A"), "x=2");
    pk_command_setenv(command, "A", "");
    assert_string_equal(pk_command_getenv(command, "A"), "");
    pk_command_unsetenv(command, "A");
    assert_null(pk_command_getenv(command, "A"));
    assert_string_equal(pk_command_getenv(command, "AB"), "other");
    pk_command_setenv(command, "A", "3");
    pk_command_clearenv(command);
    assert_null(pk_command_getenv(command, "A"));
    assert_null(pk_command_getenv(command, "AB"));
    pk_command_setenv(command, "A", "4");
    assert_string_equal(pk_command_getenv(command, "A"), "4");
}

static void the_owners_environment_is_not_looked_at(void **state)
{
    setenv("PK_OWN", "mine", 1);
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    assert_null(pk_command_getenv(command, "PK_OWN"));
    pk_command_setenv(command, "PK_OWN", "its");
    pk_command_inheritenv(command, "PK_OWN");
    assert_null(pk_command_getenv(command, "PK_OWN"));
    assert_null(pk_command_getenv(NULL, "PK_OWN"));
    assert_null(pk_command_getenv(command, NULL));
}

static const struct test tests[] = {
    PK_TEST(arguments_are_told_as_they_were_given),
    PK_TEST(without_any_the_list_is_empty),
    PK_TEST(the_directory_is_told),
    PK_TEST(a_variable_is_what_was_said_last),
    PK_TEST(the_owners_environment_is_not_looked_at),
};

PK_TEST_MAIN(tests)
