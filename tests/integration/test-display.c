/*
 * Displayed commands: a shell makes of them what a start makes of the command.
 */
#include "subject.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static bool is_by_the_shell(const char *line)
{
    static const char *const own[] = {"env.PWD=", "env.OLDPWD=", "env._=", "env.SHLVL="};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strncmp(line, own[i], strlen(own[i])) == 0)
            return true;
    return false;
}

static bool is_compared(const char *line)
{
    bool is_environment = strncmp(line, "env.", 4) == 0 && !is_by_the_shell(line);
    return is_environment || strncmp(line, "arg", 3) == 0 || strncmp(line, "cwd", 3) == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines that are compared, in order. */
static size_t pick(struct report *report, char **lines, size_t most)
{
    size_t count = 0;
    char *rest = report->bytes;
    for (char *line; (line = strsep(&rest, "\n"));) {
        assert_true(count < most);
        if (is_compared(line))
            lines[count++] = line;
    }
    qsort(lines, count, sizeof(*lines), by_text);
    return count;
}

static void assert_same(pk_command *command, const char *shell, const char *applet)
{
    enum { MOST = 500 };
    char *expected[MOST], *found[MOST], *text = pk_command_display(command);
    pk_auto(pk_command) line = pk_command_new(shell, NULL);
    if (applet)
        pk_command_arg(line, applet);
    pk_command_arg(line, "-c");
    pk_command_arg(line, "--");
    pk_command_arg(line, text);
    struct report own = capture(command), other = capture(line);
    size_t count = pick(&own, expected, MOST);
    assert_int_equal(pick(&other, found, MOST), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(found[i], expected[i]);
    assert_true(count > 2);
    report_free(&own);
    report_free(&other);
    free(text);
}

static bool is_busybox(const char *program)
{
    char path[PATH_MAX];
    return realpath(program, path) && strstr(path, "busybox");
}

/* By each shell that there is and has no programs of its own; false: there is none. */
static bool compare_programs(pk_command *command)
{
    static const char *const shells[] = {"/bin/sh", "/bin/bash"};
    bool any = false;
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (access(shells[i], X_OK) < 0 || is_busybox(shells[i]))
            continue;
        assert_same(command, shells[i], NULL);
        any = true;
    }
    return any;
}

static void compare(pk_command *command)
{
    compare_programs(command);
    if (is_busybox("/bin/sh"))
        assert_same(command, "/bin/sh", NULL);
    if (access("/bin/busybox", X_OK) == 0)
        assert_same(command, "/bin/busybox", "sh");
}

/* ---- Cases ------------------------------------------------------------------------------------------------------ */

static const char *const nasty[] = {
    "plain", "two words", "  ",       "\t",      "\n",    "a\n\nb\n",  "'",    "''",           "it's", "\"", "\\",
    "\\'",   "a\\",       "`id`",     "$(id)",   "$HOME", "${x}",      "~",    "~root",        "a:~",  "-",  "--",
    "-n",    "-e x",      "A=b",      "=",       "*",     "?",         "[a]",  "{a,b}",        "!",    "!!", "#",
    "# x",   ";",         "&",        "&&",      "|",     "<",         ">x",   "2>&1",         "(",    ")",  "^a",
    "%1",    "if",        "\xff\xfe", "\x1b[0m", "\x01",  "h\xc3\xb6", "\xc3", "\xe2\x80\xae", "@",    "+x", ",",
    "",
};
enum { NASTY = sizeof(nasty) / sizeof(nasty[0]) };

static void every_text_is_read_back_as_an_argument(void **state)
{
    pk_auto(pk_command) command = adversary("describe", NULL);
    for (size_t i = 0; i < NASTY; i++)
        pk_command_arg(command, nasty[i]);
    compare(command);
}

static void and_as_a_value(void **state)
{
    char name[32];
    pk_auto(pk_command) command = adversary("describe", NULL);
    for (size_t i = 0; i < NASTY; i++) {
        snprintf(name, sizeof(name), "PK_N%zu", i);
        pk_command_setenv(command, name, nasty[i]);
    }
    compare(command);
    pk_command_unsetenv(command, "PK_N1"); /* by env now */
    compare(command);
}

static void and_as_a_directory(void **state)
{
    for (size_t i = 0; i < NASTY - 1; i++) {
        assert_return_code(mkdir(nasty[i], 0755), errno);
        pk_auto(pk_command) command = adversary("describe", NULL);
        pk_command_chdir(command, nasty[i]);
        assert_same(command, "/bin/sh", NULL);
        assert_return_code(rmdir(nasty[i]), errno);
    }
}

/* In the PATH of the shell, which finds env there too. */
static void run_as(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s:/usr/bin:/bin", scratch("."));
    setenv("PATH", path, 1);
    assert_return_code(symlink(adversary_path(), name), errno);
    pk_auto(pk_command) command = pk_command_new(name, "describe", NULL);
    if (!compare_programs(command))
        skip_test("a shell without programs of its own");
    pk_command_unsetenv(command, "PK_NOT_THERE"); /* by env */
    compare_programs(command);
    assert_return_code(unlink(name), errno);
}

static void and_as_a_program(void **state)
{
    for (size_t i = 0; i < NASTY - 1; i++)
        run_as(nasty[i]);
}

static void programs_may_have_names_of_the_shells(void **state)
{
    static const char *const names[] = {"cd", "exec", "exit", "kill", "time", "a=b", "-x", "while", "export"};
    if (is_busybox("/usr/bin/env") || is_busybox("/bin/env"))
        skip_test("an env without programs of its own");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        run_as(names[i]);
}

static void the_environment_is_changed_in_order(void **state)
{
    setenv("PK_OWN", "mine and \"yours\"", 1);
    setenv("PK_DROP", "x", 1);
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_setenv(command, "PK_A", "1");
    pk_command_unsetenv(command, "PK_DROP");
    pk_command_setenv(command, "PK_OWN", "2");
    compare(command);
    pk_command_inheritenv(command, "PK_OWN");
    pk_command_setenv(command, "PK_B", "2");
    pk_command_inheritenv(command, "PK_B"); /* the owner has none: it stays */
    pk_command_unsetenv(command, "PK_A");
    compare(command);
    pk_command_clearenv(command);
    compare(command);
    pk_command_inheritenv(command, "PK_OWN");
    pk_command_inheritenv(command, "PK_NOT_THERE");
    pk_command_setenv(command, "odd.name", "3");
    pk_command_setenv(command, "-dash", "4");
    pk_command_setenv(command, "UID", "5");
    compare(command);
}

/* The shell would rather go back to where it came from. */
static void up_is_where_the_directory_is(void **state)
{
    assert_return_code(mkdir("real", 0755), errno);
    assert_return_code(mkdir("real/below", 0755), errno);
    assert_return_code(symlink("real/below", "link"), errno);
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_chdir(command, "link/..");
    compare(command);
}

static const struct test tests[] = {
    PK_TEST(every_text_is_read_back_as_an_argument),
    PK_TEST(and_as_a_value),
    PK_TEST_WITH(and_as_a_directory, .deadline_s = 60),
    PK_TEST_WITH(and_as_a_program, .deadline_s = 120),
    PK_TEST_WITH(programs_may_have_names_of_the_shells, .deadline_s = 60),
    PK_TEST(the_environment_is_changed_in_order),
    PK_TEST(up_is_where_the_directory_is),
};

PK_TEST_MAIN(tests)
