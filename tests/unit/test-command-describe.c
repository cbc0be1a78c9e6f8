/*
 * What is shown of commands, to people who know them and to logs.
 */
#include "harness.h"
#include "scarce.h"

#include <processkit.h>

#include <stdlib.h>
#include <string.h>

/* ---- For a shell ------------------------------------------------------------------------------------------------ */

static void assert_displayed(const pk_command *command, const char *expected)
{
    char *line = pk_command_display(command);
    assert_non_null(line);
    assert_string_equal(line, expected);
    free(line);
}

static void only_what_needs_quotes_has_them(void **state)
{
    pk_auto(pk_command) plain = pk_command_new("git", "log", "--format=%h", "v1..v2", "a@b:c/d,e+f_-", NULL);
    assert_displayed(plain, "git log --format=%h v1..v2 a@b:c/d,e+f_-");
    pk_auto(pk_command) quoted =
        pk_command_new("my tool", "", "two words", "it's", "''", "~", "a~", "$x", "*", "#", NULL);
    assert_displayed(quoted, "'my tool' '' 'two words' 'it'\\''s' ''\\'''\\''' '~' 'a~' '$x' '*' '#'");
    pk_auto(pk_command) lines = pk_command_new("printf", "a\nb\\", "\xff\x1b", NULL);
    assert_displayed(lines, "printf 'a\nb\\' '\xff\x1b'");
}

static void a_program_is_no_word_of_the_shells(void **state)
{
    static const char *const programs[][2] = {
        {"if", "'if'"},       {"!", "'!'"},     {"{", "'{'"}, {"a=b", "'a=b'"},
        {"./time", "./time"}, {"cd", "env cd"}, {"-x", "-x"}, {"[", "'['"},
    };
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        pk_auto(pk_command) command = pk_command_new(programs[i][0], NULL);
        assert_displayed(command, programs[i][1]);
    }
}

static void the_directory_comes_first(void **state)
{
    static const char *const directories[][2] = {
        {"/srv/a b", "cd '/srv/a b' && true"},
        {"build", "cd ./build && true"},
        {"-", "cd ./- && true"},
        {".", "cd . && true"},
        {"./x", "cd ./x && true"},
        {".git", "cd ./.git && true"},
        {"...", "cd ./... && true"},
        {"..x/y..", "cd ./..x/y.. && true"},
        {"..", "cd -P .. && true"},
        {"../x", "cd -P ../x && true"},
        {"a/../b", "cd -P ./a/../b && true"},
    };
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        pk_auto(pk_command) command = pk_command_new("true", NULL);
        pk_command_chdir(command, directories[i][0]);
        assert_displayed(command, directories[i][1]);
    }
}

static void settings_stand_before_the_program(void **state)
{
    pk_auto(pk_command) command = pk_command_new("make", "test", NULL);
    pk_command_setenv(command, "LC_ALL", "de");
    pk_command_setenv(command, "EMPTY", "");
    pk_command_setenv(command, "CFLAGS", "-O2 -g");
    pk_command_setenv(command, "LC_ALL", "C");
    pk_command_inheritenv(command, "HOME"); /* it is there anyway */
    assert_displayed(command, "EMPTY= CFLAGS='-O2 -g' LC_ALL=C make test");
    pk_command_chdir(command, "/src");
    assert_displayed(command, "cd /src && EMPTY= CFLAGS='-O2 -g' LC_ALL=C make test");
}

static void what_a_shell_has_no_words_for_is_done_by_env(void **state)
{
    pk_auto(pk_command) command = pk_command_new("make", NULL);
    pk_command_setenv(command, "A", "1");
    pk_command_unsetenv(command, "B");
    assert_displayed(command, "env -u B A=1 make");
    pk_command_unsetenv(command, "A");
    assert_displayed(command, "env -u B -u A make");
    pk_command_inheritenv(command, "A");
    assert_displayed(command, "env -u B -u A ${A+A=\"$A\"} make");
    pk_command_clearenv(command);
    assert_displayed(command, "env -i make");
    pk_command_inheritenv(command, "HOME");
    pk_command_unsetenv(command, "B");
    pk_command_setenv(command, "x.y", "a b");
    pk_command_setenv(command, "OPTIND", "z");
    assert_displayed(command, "env -i ${HOME+HOME=\"$HOME\"} 'x.y=a b' OPTIND=z make");
}

static void env_takes_nothing_else_for_an_option_or_a_variable(void **state)
{
    pk_auto(pk_command) dash = pk_command_new("-tool", NULL);
    pk_command_clearenv(dash);
    assert_displayed(dash, "env -i -- -tool");
    pk_auto(pk_command) name = pk_command_new("tool", NULL);
    pk_command_setenv(name, "-u", "x");
    assert_displayed(name, "env -- -u=x tool");
    pk_auto(pk_command) equals = pk_command_new("a=b", "c", NULL);
    pk_command_unsetenv(equals, "X");
    assert_displayed(equals, "env -u X sh -c '\"$@\"' sh 'a=b' c");
    pk_auto(pk_command) option = pk_command_new("-", "c", NULL);
    pk_command_unsetenv(option, "X");
    assert_displayed(option, "env -u X sh -c '\"$@\"' sh - c");
}

static void of_nothing_there_is_nothing_to_display(void **state)
{
    assert_null(pk_command_display(NULL));
    pk_auto(pk_command) empty = pk_command_new(NULL, NULL);
    assert_displayed(empty, "");
    scarce_begin(1);
    char *line = pk_command_display(empty);
    assert_int_equal(scarce_end(), 1);
    assert_null(line);
}

/* ---- For a log -------------------------------------------------------------------------------------------------- */

static void assert_described(const pk_command *command, const char *expected)
{
    char line[512];
    assert_ptr_equal(pk_command_describe(command, line, sizeof(line)), line);
    assert_string_equal(line, expected);
}

static void names_are_described_and_nothing_else(void **state)
{
    pk_auto(pk_command) command = pk_command_new("/usr/bin/git", NULL);
    assert_described(command, "/usr/bin/git");
    pk_command_arg(command, "--password=hunter2");
    assert_described(command, "/usr/bin/git, 1 argument");
    pk_command_arg(command, "hunter2");
    pk_command_setenv(command, "TOKEN", "hunter2");
    pk_command_setenv(command, "LC_ALL", "C");
    pk_command_unsetenv(command, "DEBUG");
    pk_command_timeout(command, PK_SECONDS(30));
    assert_described(command, "/usr/bin/git, 2 arguments, sets TOKEN LC_ALL, unsets DEBUG, timeout 30.00s");
    pk_command_clearenv(command);
    pk_command_inheritenv(command, "PATH");
    pk_command_idle_timeout(command, PK_SECONDS(2));
    pk_command_input_text(command, "hunter2");
    pk_command_chdir(command, "/hunter2");
    pk_command_arg0(command, "hunter2");
    assert_described(command, "/usr/bin/git, 2 arguments, sets TOKEN LC_ALL, unsets DEBUG, clears the environment, "
                              "inherits PATH, timeout 30.00s, idle timeout 2.00s");
}

static void names_do_no_harm(void **state)
{
    pk_auto(pk_command) command = pk_command_new("./a\nb\033[2J", NULL);
    pk_command_setenv(command, "X\r\xff", "1");
    assert_described(command, "./a\\nb\\x1b[2J, sets X\\r\\xff");
}

/* Never in the middle of a character or an escape, and nothing comes after what was cut. */
static void it_is_cut_to_fit(void **state)
{
    char line[64], whole[64];
    pk_auto(pk_command) command = pk_command_new("t\xc3\xb6\xc3\xb6l", "x", NULL);
    pk_command_setenv(command, "A\n", "1");
    pk_command_describe(command, whole, sizeof(whole));
    assert_string_equal(whole, "t\xc3\xb6\xc3\xb6l, 1 argument, sets A\\n");
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        memset(line, '#', sizeof(line));
        assert_ptr_equal(pk_command_describe(command, line, size), line);
        size_t length = strlen(line);
        assert_true(length < size);
        assert_memory_equal(line, whole, length);
        assert_true((whole[length] & 0xc0) != 0x80);
        assert_true(length == 0 || line[length - 1] != '\\');
        assert_int_equal(line[size], '#');
    }
    assert_string_equal(line, whole);
    assert_null(pk_command_describe(command, NULL, 0));
}

static void of_nothing_that_is_said(void **state)
{
    pk_auto(pk_command) empty = pk_command_new(NULL, NULL);
    assert_described(empty, "no command");
    assert_described(NULL, "no command");
}

static const struct test tests[] = {
    PK_TEST(only_what_needs_quotes_has_them),
    PK_TEST(a_program_is_no_word_of_the_shells),
    PK_TEST(the_directory_comes_first),
    PK_TEST(settings_stand_before_the_program),
    PK_TEST(what_a_shell_has_no_words_for_is_done_by_env),
    PK_TEST(env_takes_nothing_else_for_an_option_or_a_variable),
    PK_TEST(of_nothing_there_is_nothing_to_display),
    PK_TEST(names_are_described_and_nothing_else),
    PK_TEST(names_do_no_harm),
    PK_TEST(it_is_cut_to_fit),
    PK_TEST(of_nothing_that_is_said),
};

PK_TEST_MAIN(tests)
