/*
 * Commands: what a child is born with, told by the child itself.
 */
#include "files.h"
#include "subject.h"

#include <processkit.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Arguments and names ---------------------------------------------------------------------------------------- */

static void arguments_arrive_as_they_are(void **state)
{
    char *huge = malloc(100001);
    memset(huge, 'h', 100000);
    huge[100000] = '\0';
    pk_auto(pk_command) command = adversary("describe", "", "two words", "--", "a\nb\\c\033[0m", "$HOME *", NULL);
    struct description *child = describe(command);
    assert_described(child, "argc", "7");
    assert_described(child, "arg.0", adversary_path());
    assert_described(child, "arg.2", "");
    assert_described(child, "arg.3", "two words");
    assert_described(child, "arg.4", "--");
    assert_described(child, "arg.5", "a\\x0ab\\x5cc\\x1b[0m");
    assert_described(child, "arg.6", "$HOME *");
    description_free(child);

    pk_auto(pk_command) one_more = pk_command_new_argv(
        (const char *const[]){adversary_path(), "exec", "/bin/sh", "-c", "printf %s \"$1\" | wc -c", "sh", NULL});
    pk_command_arg(one_more, huge);
    struct report count = capture(one_more);
    assert_string_equal(count.bytes, "100000\n");
    report_free(&count);
    free(huge);
}

static void argv0_can_be_another(void **state)
{
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_arg0(command, "-login shell");
    assert_string_equal(pk_command_program(command), adversary_path());
    struct description *child = describe(command);
    assert_described(child, "arg.0", "-login shell");
    assert_described(child, "program", adversary_path());
    description_free(child);
}

/* ---- Environment and directory ---------------------------------------------------------------------------------- */

static void environment_is_the_owners(void **state)
{
    pk_auto(pk_command) command = adversary("describe", NULL);
    setenv("PK_SET_LATER", "at the start", 1); /* after the command was made */
    struct description *child = describe(command);
    assert_described(child, "env.PK_SET_LATER", "at the start");
    assert_described(child, "env.PATH", getenv("PATH"));
    description_free(child);
}

static void environment_changes_in_order(void **state)
{
    setenv("PK_OWN", "mine", 1);
    setenv("PK_OTHER", "other", 1);
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_setenv(command, "PK_LOST", "before clearenv");
    pk_command_clearenv(command);
    pk_command_inheritenv(command, "PK_OWN");
    pk_command_inheritenv(command, "PK_NOT_THERE");
    pk_command_setenv(command, "PK_TWICE", "one");
    pk_command_setenv(command, "PK_TWICE", "two=2");
    pk_command_setenv(command, "PK_UNSET", "x");
    pk_command_unsetenv(command, "PK_UNSET");
    pk_command_unsetenv(command, "PK_NEVER_SET");
    pk_command_setenv(command, "PK_EMPTY", "");
    struct description *child = describe(command);
    assert_described(child, "env.PK_OWN", "mine");
    assert_described(child, "env.PK_TWICE", "two=2");
    assert_described(child, "env.PK_EMPTY", "");
    assert_int_equal(described_count(child, "env."), 3);
    description_free(child);
}

static void directory_is_entered(void **state)
{
    assert_return_code(mkdir(scratch("below"), 0755), errno);
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_chdir(command, "below");
    struct description *child = describe(command);
    assert_described(child, "cwd", scratch("below"));
    description_free(child);
}

static void a_relative_program_is_below_the_childs_directory(void **state)
{
    assert_return_code(mkdir(scratch("below"), 0755), errno);
    assert_return_code(symlink(adversary_path(), scratch("below/tool")), errno);
    pk_auto(pk_command) command = pk_command_new("./tool", "describe", NULL);
    pk_command_chdir(command, "below");
    struct description *child = describe(command);
    assert_described(child, "arg.0", "./tool");
    description_free(child);
}

static void names_are_looked_up_in_the_childs_path(void **state)
{
    char path[6000], long_name[4200];
    memset(long_name, 'l', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_return_code(mkdir(scratch("first"), 0755), errno);
    assert_return_code(mkdir(scratch("second"), 0755), errno);
    assert_true(files_write(scratch("first/pk-tool"), "not executable", 0644)); /* is passed over */
    assert_return_code(symlink(adversary_path(), scratch("second/pk-tool")), errno);
    snprintf(path, sizeof(path), "/no/such/place:/etc/passwd:/%s:%s:%s", long_name, scratch("first"),
             scratch("second"));
    pk_auto(pk_command) command = pk_command_new("pk-tool", "describe", NULL);
    pk_command_setenv(command, "PATH", path);
    struct description *child = describe(command);
    assert_described(child, "arg.0", "pk-tool");
    description_free(child);
}

static void without_path_the_systems_is_used(void **state)
{
    setenv("PATH", "/no/such/place", 1);
    pk_auto(pk_command) command = pk_command_new("echo", "found", NULL);
    pk_command_unsetenv(command, "PATH");
    struct report output = capture(command);
    assert_string_equal(output.bytes, "found\n");
    report_free(&output);
}

/* A script that says which one it is. */
static const char *make_tool(const char *directory)
{
    char text[64];
    const char *path = scratch(directory);
    mkdir(path, 0755);
    snprintf(text, sizeof(text), "#!/bin/sh\necho %s\n", directory);
    assert_true(files_write(scratch("script"), text, 0755));
    assert_return_code(rename("script", strcat(strcpy(text, directory), "/pk-tool")), errno);
    return path;
}

static void assert_finds(pk_command *command, const char *expected)
{
    struct report output = capture(command);
    output.bytes[output.length - 1] = '\0';
    assert_string_equal(output.bytes, expected);
    report_free(&output);
}

static void directories_to_search_come_before_path(void **state)
{
    const char *first = make_tool("first"), *second = make_tool("second"), *third = make_tool("third");
    pk_auto(pk_command) command = pk_command_new("pk-tool", NULL);
    pk_command_setenv(command, "PATH", third);
    assert_finds(command, "third");
    pk_command_search(command, "/no/such/place");
    pk_command_search(command, second);
    pk_command_search(command, first);
    assert_finds(command, "second");
}

/* A relative one is the owner's, and of the time of the start. */
static void a_relative_directory_to_search_is_the_owners(void **state)
{
    make_tool("tools");
    assert_return_code(mkdir("below", 0755), errno);
    pk_auto(pk_command) command = pk_command_new("pk-tool", NULL);
    pk_command_search(command, "tools");
    pk_command_chdir(command, "/");
    assert_finds(command, "tools");
    assert_return_code(chdir("below"), errno);
    pk_auto(pk_command) from_below = pk_command_copy(command);
    pk_command_search(from_below, "../tools");
    assert_finds(from_below, "tools");
    assert_return_code(chdir(".."), errno);
}

static void a_path_is_not_searched_for(void **state)
{
    pk_error error;
    pk_auto(pk_command) command = pk_command_new("./pk-tool", NULL);
    pk_command_search(command, make_tool("tools"));
    assert_error(pk_command_status(command, NULL, &error), error, -ENOENT, PK_STEP_EXEC);
}

static void the_childs_path_stays_as_it_is(void **state)
{
    pk_auto(pk_command) command = pk_command_new("sh", "-c", "echo \"$PATH\"", NULL);
    pk_command_search(command, make_tool("tools"));
    pk_command_setenv(command, "PATH", "/usr/bin:/bin");
    assert_finds(command, "/usr/bin:/bin");
}

static void what_was_searched_is_told(void **state)
{
    pk_error error;
    char expected[512];
    snprintf(expected, sizeof(expected), "/no/such:%s:/bin::/usr/bin", scratch("tools:odd"));
    pk_auto(pk_command) command = pk_command_new("pk-tool", NULL);
    pk_command_search(command, "/no/such");
    pk_command_search(command, "tools:odd");
    pk_command_setenv(command, "PATH", "/bin::/usr/bin");
    assert_error(pk_command_status(command, NULL, &error), error, -ENOENT, PK_STEP_EXEC);
    assert_string_equal(error.searched, expected);
    assert_non_null(strstr(error.message, "nor in PATH"));
}

/* As much as fits. */
static void much_that_was_searched_is_cut(void **state)
{
    pk_error error;
    char path[3000];
    for (size_t i = 0; i < sizeof(path); i++)
        path[i] = i % 100 ? 'p' : i % 200 ? '/' : ':';
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    pk_auto(pk_command) command = pk_command_new("pk-tool", NULL);
    pk_command_setenv(command, "PATH", path);
    assert_error(pk_command_status(command, NULL, &error), error, -ENOENT, PK_STEP_EXEC);
    assert_int_equal(strlen(error.searched), PK_ERROR_SEARCHED_SIZE - 1);
    assert_memory_equal(error.searched, path, PK_ERROR_SEARCHED_SIZE - 1);
}

static void a_relative_one_needs_a_working_directory(void **state)
{
    pk_error error;
    assert_return_code(mkdir("gone", 0755), errno);
    assert_return_code(chdir("gone"), errno);
    assert_return_code(rmdir("../gone"), errno);
    pk_auto(pk_command) command = pk_command_new("true", NULL);
    pk_command_search(command, "/no/such");
    pk_command_chdir(command, "/");
    assert_ok(pk_command_check(command, &error), error);
    pk_command_search(command, "tools");
    assert_error(pk_command_status(command, NULL, &error), error, -ENOENT, PK_STEP_EXEC);
    assert_int_equal(error.kind, PK_ERROR_SPAWN);
    assert_string_equal(error.path, "tools");
    pk_auto(pk_command) nameless = pk_command_new("true", NULL);
    pk_command_search(nameless, "");
    assert_error(pk_command_status(nameless, NULL, &error), error, -EINVAL, PK_STEP_ARGUMENTS);
    pk_command_search(NULL, "tools");
}

/* ---- Session, scheduling, limits -------------------------------------------------------------------------------- */

static void session_and_process_group(void **state)
{
    pk_auto(pk_command) plain = adversary("describe", NULL);
    pk_auto(pk_command) session = adversary("describe", NULL);
    pk_auto(pk_command) group = adversary("describe", NULL);
    char own[16];
    snprintf(own, sizeof(own), "%d", getsid(0));

    struct description *child = describe(plain);
    assert_described(child, "sid", own);
    description_free(child);

    pk_command_setsid(session);
    child = describe(session);
    assert_described(child, "sid", described(child, "pid"));
    assert_described(child, "pgid", described(child, "pid"));
    description_free(child);

    pk_command_setpgid(group);
    child = describe(group);
    assert_described(child, "sid", own);
    assert_described(child, "pgid", described(child, "pid"));
    description_free(child);
}

/* A terminal goes on working: the child stays in the foreground. */
static void in_a_cgroup_the_process_group_is_the_owners(void **state)
{
    char own[16];
    snprintf(own, sizeof(own), "%d", getpgrp());
    pk_auto(pk_command) command = adversary("describe", NULL);
    struct description *child = describe(command);
    assert_described(child, "pgid", own);
    assert_non_null(strstr(described(child, "cgroup"), "/processkit-"));
    description_free(child);
}

static void attributes_are_set(void **state)
{
    const unsigned cpu = 0;
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_umask(command, 027);
    pk_command_nice(command, 7);
    pk_command_io_priority(command, PK_IO_BEST_EFFORT, 6);
    pk_command_cpu_affinity(command, &cpu, 1);
    pk_command_rlimit(command, RLIMIT_NOFILE, 64, 128);
    pk_command_rlimit(command, RLIMIT_CORE, 0, 0);
    pk_command_rlimit(command, RLIMIT_FSIZE, PK_RLIM_INFINITY, PK_RLIM_INFINITY);
    pk_command_rlimit(command, RLIMIT_NOFILE, 32, 64); /* once more: the last one holds */
    struct description *child = describe(command);
    assert_described(child, "umask", "0027");
    assert_described(child, "nice", "7");
    assert_described(child, "io_priority", "2:6");
    assert_described(child, "cpus", "0");
    assert_described(child, "rlimit.nofile", "32:64");
    assert_described(child, "rlimit.core", "0:0");
    assert_described(child, "rlimit.fsize", "unlimited:unlimited");
    description_free(child);
}

static void attributes_are_inherited_otherwise(void **state)
{
    umask(031);
    setpriority(PRIO_PROCESS, 0, 3);
    pk_auto(pk_command) command = adversary("describe", NULL);
    struct description *child = describe(command);
    assert_described(child, "umask", "0031");
    assert_described(child, "nice", "3");
    assert_described(child, "parent_death", "0");
    description_free(child);
}

static void the_idle_io_class_needs_no_level(void **state)
{
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_io_priority(command, PK_IO_IDLE, 5);
    struct description *child = describe(command);
    assert_memory_equal(described(child, "io_priority"), "3:", 2);
    description_free(child);
}

/* ---- Identity --------------------------------------------------------------------------------------------------- */

static void user_and_groups_are_set(void **state)
{
    const gid_t groups[] = {1234, 5678};
    pk_auto(pk_command) command = pk_command_new(adversary_path(), "describe", NULL);
    pk_command_uid(command, 4321);
    pk_command_gid(command, 8765);
    pk_command_groups(command, groups, 2);
    struct description *child = describe(command);
    assert_described(child, "uid", "4321,4321,4321");
    assert_described(child, "gid", "8765,8765,8765");
    assert_described(child, "groups", "1234,5678");
    description_free(child);
}

static void a_change_of_user_drops_the_groups(void **state)
{
    const gid_t own[] = {7, 8};
    assert_return_code(setgroups(2, own), errno);
    pk_auto(pk_command) kept = adversary("describe", NULL);
    pk_auto(pk_command) dropped = adversary("describe", NULL);
    pk_auto(pk_command) none = adversary("describe", NULL);
    struct description *child = describe(kept);
    assert_described(child, "groups", "7,8");
    description_free(child);

    pk_command_uid(dropped, 4321);
    child = describe(dropped);
    assert_described(child, "groups", "");
    description_free(child);

    pk_command_groups(none, NULL, 0);
    child = describe(none);
    assert_described(child, "groups", "");
    assert_described(child, "uid", "0,0,0");
    description_free(child);
}

static void another_user_is_contained_as_well(void **state)
{
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_uid(command, 4321);
    pk_command_gid(command, 4321);
    struct description *child = describe(command);
    assert_non_null(strstr(described(child, "cgroup"), "/processkit-"));
    description_free(child);
}

/* The directory is one that only the child's user may enter. */
static void the_directory_is_entered_as_the_childs_user(void **state)
{
    pk_error error;
    pk_result result;
    assert_return_code(mkdir(scratch("private"), 0700), errno);
    pk_auto(pk_command) command = adversary("exit", "0", NULL);
    pk_command_uid(command, 4321);
    pk_command_gid(command, 4321);
    pk_command_chdir(command, scratch("private"));
    assert_error(pk_command_status(command, &result, &error), error, -EACCES, PK_STEP_CHDIR);
    assert_return_code(chown(scratch("private"), 4321, 4321), errno);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_true(pk_result_is_success(&result));
}

/* An ordinary user may say what it is anyway. */
static void an_ordinary_user_can_name_itself(void **state)
{
    char own[64];
    snprintf(own, sizeof(own), "%u,%u,%u", getuid(), getuid(), getuid());
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_uid(command, getuid());
    pk_command_gid(command, getgid());
    struct description *child = describe(command);
    assert_described(child, "uid", own);
    description_free(child);
}

static const struct test tests[] = {
    PK_TEST(arguments_arrive_as_they_are),
    PK_TEST_AS_USER(arguments_arrive_as_they_are),
    PK_TEST(argv0_can_be_another),
    PK_TEST(environment_is_the_owners),
    PK_TEST(environment_changes_in_order),
    PK_TEST_AS_USER(environment_changes_in_order),
    PK_TEST(directory_is_entered),
    PK_TEST_AS_USER(directory_is_entered),
    PK_TEST(a_relative_program_is_below_the_childs_directory),
    PK_TEST(names_are_looked_up_in_the_childs_path),
    PK_TEST_AS_USER(names_are_looked_up_in_the_childs_path),
    PK_TEST(without_path_the_systems_is_used),
    PK_TEST(directories_to_search_come_before_path),
    PK_TEST_AS_USER(directories_to_search_come_before_path),
    PK_TEST(a_relative_directory_to_search_is_the_owners),
    PK_TEST(a_path_is_not_searched_for),
    PK_TEST(the_childs_path_stays_as_it_is),
    PK_TEST(what_was_searched_is_told),
    PK_TEST(much_that_was_searched_is_cut),
    PK_TEST(a_relative_one_needs_a_working_directory),
    PK_TEST(session_and_process_group),
    PK_TEST_AS_USER(session_and_process_group),
    PK_TEST_WITH(in_a_cgroup_the_process_group_is_the_owners, .needs = NEEDS_CGROUP2),
    PK_TEST_AS_DELEGATED_USER(in_a_cgroup_the_process_group_is_the_owners, .needs = NEEDS_CGROUP2),
    PK_TEST(attributes_are_set),
    PK_TEST_AS_USER(attributes_are_set),
    PK_TEST_AS_DELEGATED_USER(attributes_are_set),
    PK_TEST(attributes_are_inherited_otherwise),
    PK_TEST(the_idle_io_class_needs_no_level),
    PK_TEST_WITH(user_and_groups_are_set, .needs = NEEDS_ROOT),
    PK_TEST_WITH(a_change_of_user_drops_the_groups, .needs = NEEDS_ROOT),
    PK_TEST_WITH(another_user_is_contained_as_well, .needs = NEEDS_ROOT | NEEDS_CGROUP2),
    PK_TEST_WITH(the_directory_is_entered_as_the_childs_user, .needs = NEEDS_ROOT),
    PK_TEST_AS_USER(an_ordinary_user_can_name_itself),
};

PK_TEST_MAIN(tests)
