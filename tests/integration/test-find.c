/*
 * Finding programs: the same as a start finds, or the same error.
 */
#include "files.h"
#include "subject.h"
#include "sys/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- A place with tools in it ----------------------------------------------------------------------------------- */

/* Says where it is, from the root on. */
static const char script[] = "#!/bin/sh\ncase $0 in /*) echo \"$0\" ;; *) echo \"$(pwd -P)/$0\" ;; esac\n";

static void make_place(void)
{
    static const char *const directories[] = {"good",        "other", "plain", "folder",
                                              "folder/tool", "links", "empty", "shut"};
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        assert_return_code(mkdir(directories[i], 0755), errno);
    assert_true(files_write("good/tool", script, 0755));
    assert_true(files_write("other/tool", script, 0755));
    assert_true(files_write("plain/tool", script, 0644));
    assert_true(files_write("file", "", 0644));
    assert_return_code(symlink("../good/tool", "links/tool"), errno);
    assert_return_code(symlink("nowhere", "links/dangling"), errno);
    assert_return_code(symlink("ring", "links/ring"), errno);
    assert_return_code(mkfifo("links/pipe", 0755), errno);
    assert_return_code(chmod("shut", 0), errno);
}

static void open_place(void)
{
    assert_return_code(chmod("shut", 0700), errno);
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

static void assert_same_path(const pk_command *command, char *found)
{
    pk_error error;
    char *told;
    assert_ok(pk_command_run(command, &told, &error), error);
    assert_string_equal(found, told);
    free(told);
    free(found);
}

static void assert_same_error(const pk_command *command, const pk_error *error)
{
    pk_error other;
    assert_error(pk_command_status(command, NULL, &other), other, error->number, error->step);
    assert_int_equal(error->kind, other.kind);
    assert_string_equal(error->path, other.path);
    assert_string_equal(error->searched, other.searched);
    assert_string_equal(error->message, other.message);
}

/* Whether it is found. */
static bool compare(const pk_command *command)
{
    pk_error error;
    char untouched, *path = &untouched;
    int r = pk_command_find(command, &path, &error);
    if (r == 0) {
        assert_int_equal(path[0], '/');
        assert_same_path(command, path);
        return true;
    }
    assert_int_equal(error.number, r);
    assert_int_equal(pk_command_find(command, &path, NULL), r); /* also without a record */
    assert_ptr_equal(path, &untouched);
    assert_same_error(command, &error);
    return false;
}

/* ---- Cases ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *program;
    const char *path;      /* of the child, with @ for the test's directory; NULL: none */
    const char *directory; /* of the child */
    const char *search[3];
    bool found;
} cases[] = {
    {"tool", "/no/such:@/good:@/other", .found = true},
    {"tool", "@/empty:/no/such", .found = false},
    {"tool", "@/plain", .found = false},
    {"tool", "@/plain:@/other", .found = true},
    {"tool", "@/folder", .found = false},
    {"tool", "@/folder:@/good", .found = true},
    {"tool", "@/plain:@/empty", .found = false},
    {"tool", "@/file:@/good", .found = true},
    {"tool", "@/shut", .found = false},
    {"tool", "@/links", .found = true},
    {"dangling", "@/links", .found = false},
    {"ring", "@/links:@/good", .found = false},
    {"pipe", "@/links", .found = false},
    {"tool", "", "good", .found = true},
    {"tool", "", .found = false},
    {"tool", ":@/other", "good", .found = true},
    {"tool", "@/empty::@/other", "good", .found = true},
    {"tool", "@/other:", "good", .found = true},
    {"tool", "good", .found = true},
    {"tool", "good", "empty", .found = false},
    {"tool", "../good", "empty", .found = true},
    {"pk-no-such-tool", NULL, .found = false},
    {"./tool", "@/good", "other", .found = true},
    {"./tool", "@/good", .found = false},
    {"good/tool", "", .found = true},
    {"good/tool/more", "", .found = false},
    {"./folder/tool", "", .found = false},
    {"./plain/tool", "", .found = false},
    {"/no/such/tool", "", .found = false},
    {"tool", "@/good", "no-such-place", .found = false},
    {"tool", "@/good", "file", .found = false},
    {"tool", "@/good", "shut", .found = true}, /* by root */
    {"tool", "@/good", "empty", {"other"}, .found = true},
    {"tool", "@/good", NULL, {"empty", "plain"}, .found = true},
    {"tool", "@/empty", NULL, {"empty", "plain"}, .found = false},
    {"tool", "@/empty", "good", {"/no/such", "empty"}, .found = false},
};

/* An @ is the test's directory. */
static void expand(const char *text, char *path)
{
    for (; *text; text++) {
        if (*text == '@')
            path = stpcpy(path, scratch("."));
        else
            *path++ = *text;
    }
    *path = '\0';
}

static pk_command *command_of_case(size_t i)
{
    char path[1024];
    pk_command *command = pk_command_new(cases[i].program, NULL);
    pk_command_unsetenv(command, "PATH");
    if (cases[i].path) {
        expand(cases[i].path, path);
        pk_command_setenv(command, "PATH", path);
    }
    if (cases[i].directory)
        pk_command_chdir(command, cases[i].directory);
    for (size_t j = 0; j < 3 && cases[i].search[j]; j++)
        pk_command_search(command, cases[i].search[j]);
    return command;
}

static void what_a_start_finds_is_found(void **state)
{
    make_place();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pk_auto(pk_command) command = command_of_case(i);
        bool is_shut = cases[i].directory && strcmp(cases[i].directory, "shut") == 0;
        print_message("case %zu\n", i);
        assert_int_equal(compare(command), cases[i].found && (geteuid() == 0 || !is_shut));
    }
    open_place();
}

/* ---- From where the owner is ------------------------------------------------------------------------------------ */

static void assert_found(const pk_command *command, const char *expected)
{
    pk_error error;
    char *path;
    assert_ok(pk_command_find(command, &path, &error), error);
    assert_string_equal(path, expected);
    free(path);
}

static void a_name_is_found_in_the_owners_path(void **state)
{
    pk_error error;
    char *path, expected[1024];
    make_place();
    snprintf(expected, sizeof(expected), "%s/tool", scratch("good"));
    setenv("PATH", "empty:good:other", 1);
    assert_ok(pk_find_program("tool", &path, &error), error);
    assert_string_equal(path, expected);
    free(path);
    assert_error(pk_find_program("pk-no-such-tool", &path, &error), error, -ENOENT, PK_STEP_EXEC);
    assert_string_equal(error.searched, "empty:good:other");
    assert_error(pk_find_program("", &path, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_find_program(NULL, &path, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    unsetenv("PATH");
    assert_ok(pk_find_program("sh", &path, &error), error);
    assert_string_equal(path, "/bin/sh");
    free(path);
}

static void what_is_wrong_with_the_command_is_said(void **state)
{
    pk_error error;
    char *path;
    pk_auto(pk_command) command = pk_command_new("sh", NULL);
    pk_command_nice(command, 99);
    assert_error(pk_command_find(command, &path, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    assert_error(pk_command_find(NULL, &path, &error), error, -ENOMEM, PK_STEP_ALLOCATE);
}

static void from_the_root_there_is_one_slash(void **state)
{
    assert_return_code(chdir("/"), errno);
    pk_auto(pk_command) command = pk_command_new("bin/sh", NULL);
    assert_found(command, "/bin/sh");
    pk_auto(pk_command) below = pk_command_new("./sh", NULL);
    pk_command_chdir(below, "bin/");
    assert_found(below, "/bin/./sh");
    pk_command_chdir(below, "/bin");
    assert_found(below, "/bin/./sh");
    assert_return_code(chdir(scratch(".")), errno);
}

static void without_a_working_directory_only_what_is_relative_is_lost(void **state)
{
    pk_error error;
    char *path;
    assert_return_code(mkdir("gone", 0755), errno);
    assert_return_code(chdir("gone"), errno);
    assert_return_code(rmdir("../gone"), errno);
    pk_auto(pk_command) named = pk_command_new("sh", NULL);
    pk_command_setenv(named, "PATH", "/bin");
    assert_found(named, "/bin/sh");
    pk_auto(pk_command) relative = pk_command_new("./sh", NULL);
    assert_error(pk_command_find(relative, &path, &error), error, -ENOENT, PK_STEP_EXEC);
    pk_command_chdir(relative, "/bin");
    assert_found(relative, "/bin/./sh");
}

/* ---- Old kernels and faults ------------------------------------------------------------------------------------- */

static void an_older_call_says_as_much(void **state)
{
    static const int missing[] = {ENOSYS, EPERM};
    make_place();
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            pk_auto(pk_command) command = command_of_case(j);
            char *path = NULL;
            sys_fault_set("faccessat2", 0, missing[i]);
            int r = pk_command_find(command, &path, NULL);
            sys_fault_clear();
            assert_int_equal(r == 0, cases[j].found);
            free(path);
        }
    }
    open_place();
}

/* Even if another candidate would do: as with the start, which stops at what it does not understand. */
static void a_call_that_fails_is_said(void **state)
{
    static const char *const calls[] = {"getcwd", "openat", "fstatat", "faccessat2"};
    pk_error error;
    char *path;
    make_place();
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    pk_command_setenv(command, "PATH", "empty:../good");
    pk_command_search(command, "plain");
    pk_command_chdir(command, "empty");
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        sys_fault_set(calls[i], 1, EIO);
        int r = pk_command_find(command, &path, &error);
        assert_int_equal(sys_fault_count(calls[i]), 1);
        sys_fault_clear();
        assert_int_equal(r, -EIO);
        assert_int_equal(error.number, -EIO);
        assert_int_equal(error.kind, PK_ERROR_SPAWN);
    }
}

static const struct test tests[] = {
    PK_TEST(what_a_start_finds_is_found),
    PK_TEST_AS_USER(what_a_start_finds_is_found),
    PK_TEST(a_name_is_found_in_the_owners_path),
    PK_TEST(what_is_wrong_with_the_command_is_said),
    PK_TEST(from_the_root_there_is_one_slash),
    PK_TEST(without_a_working_directory_only_what_is_relative_is_lost),
    PK_TEST_WITH(an_older_call_says_as_much, .needs = NEEDS_ROOT),
    PK_TEST(a_call_that_fails_is_said),
};

PK_TEST_MAIN(tests)
