/*
 * Starts that fail: each says which step it was, with the right errno and one clean line, and leaves nothing behind.
 */
#include "files.h"
#include "subject.h"

#include <processkit.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- One failure ------------------------------------------------------------------------------------------------ */

/* Starts the command, which must fail so, and frees it. Outputs must not be touched. */
static pk_error expect(pk_command *command, int number, pk_error_kind kind, pk_step step)
{
    pk_error error;
    pk_result result;
    pk_process *process = (pk_process *)&error;
    memset(&error, 0x55, sizeof(error));
    memset(&result, 0x55, sizeof(result));
    assert_error(pk_command_start(command, &process, &error), error, number, step);
    assert_ptr_equal(process, &error);
    assert_int_equal(error.kind, kind);
    for (const char *c = error.message; *c; c++)
        assert_false(iscntrl((unsigned char)*c));

    pk_result before = result;
    assert_int_equal(pk_command_status(command, &result, NULL), number); /* also without a record */
    assert_memory_equal(&result, &before, sizeof(result));
    pk_command_free(command);
    return error;
}

/* ---- The program ------------------------------------------------------------------------------------------------ */

static void not_found_in_path(void **state)
{
    pk_command *command = pk_command_new("pk-no-such-program", "argument", NULL);
    pk_command_setenv(command, "PATH", "/no/such/place:/usr/bin");
    pk_error error = expect(command, -ENOENT, PK_ERROR_NOT_FOUND, PK_STEP_EXEC);
    assert_string_equal(error.path, "pk-no-such-program");
    assert_string_equal(error.searched, "/no/such/place:/usr/bin");
    assert_non_null(strstr(error.message, "'pk-no-such-program'"));
    assert_null(strstr(error.message, "argument"));
}

static void not_found_at_its_path(void **state)
{
    pk_error error = expect(pk_command_new("./no-such-program", NULL), -ENOENT, PK_ERROR_NOT_FOUND, PK_STEP_EXEC);
    assert_string_equal(error.path, "./no-such-program");
    assert_string_equal(error.searched, "");
    expect(pk_command_new("/etc/passwd/program", NULL), -ENOENT, PK_ERROR_NOT_FOUND, PK_STEP_EXEC);
}

static void a_program_that_is_a_directory(void **state)
{
    pk_error error = expect(pk_command_new("/etc", NULL), -EACCES, PK_ERROR_PERMISSION, PK_STEP_EXEC);
    assert_string_equal(error.path, "/etc");
    assert_non_null(strstr(error.message, "directory"));
}

static void a_program_that_is_not_executable(void **state)
{
    assert_true(files_write("pk-script", "#!/bin/sh\n", 0644));
    pk_error error = expect(pk_command_new("./pk-script", NULL), -EACCES, PK_ERROR_PERMISSION, PK_STEP_EXEC);
    assert_string_equal(error.path, "./pk-script");

    pk_command *in_path = pk_command_new("pk-script", NULL);
    pk_command_setenv(in_path, "PATH", "/usr/bin:.:/bin");
    error = expect(in_path, -EACCES, PK_ERROR_PERMISSION, PK_STEP_EXEC);
    assert_string_equal(error.path, "./pk-script");
}

static void a_program_without_an_interpreter(void **state)
{
    assert_true(files_write("pk-script", "#!/no/such/interpreter -x\n", 0755));
    pk_error error = expect(pk_command_new("./pk-script", NULL), -ENOEXEC, PK_ERROR_SPAWN, PK_STEP_EXEC);
    assert_string_equal(error.path, "./pk-script");
    assert_non_null(strstr(error.message, "interpreter"));
}

static void a_file_that_is_no_program(void **state)
{
    assert_true(files_write("text", "just text\n", 0755));
    pk_error error = expect(pk_command_new("./text", NULL), -ENOEXEC, PK_ERROR_SPAWN, PK_STEP_EXEC);
    assert_string_equal(error.path, "./text");
    assert_true(files_write("empty", "", 0755));
    expect(pk_command_new("./empty", NULL), -ENOEXEC, PK_ERROR_SPAWN, PK_STEP_EXEC);
}

static void a_name_that_could_harm_a_terminal(void **state)
{
    const char *name = "./new\nline\033[2Jesc\xff\xe2\x80\xae";
    pk_error error = expect(pk_command_new(name, NULL), -ENOENT, PK_ERROR_NOT_FOUND, PK_STEP_EXEC);
    assert_string_equal(error.path, name);
    assert_non_null(strstr(error.message, "new\\nline\\x1b[2Jesc\\xff\\u202e"));
}

static void a_name_that_is_too_long(void **state)
{
    char name[6000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    name[0] = '/';
    pk_error error = expect(pk_command_new(name, NULL), -ENAMETOOLONG, PK_ERROR_SPAWN, PK_STEP_EXEC);
    assert_int_equal(strlen(error.path), PK_ERROR_PATH_SIZE - 1);
    assert_true(strlen(error.message) < PK_ERROR_MESSAGE_SIZE);
}

static void more_arguments_than_fit(void **state)
{
    char *huge = malloc(200001);
    memset(huge, 'h', 200000);
    huge[200000] = '\0'; /* one string may have 128 KiB */
    pk_command *command = adversary("describe", huge, NULL);
    free(huge);
    pk_error error = expect(command, -E2BIG, PK_ERROR_SPAWN, PK_STEP_EXEC);
    assert_null(strstr(error.message, "hhhhhhhh"));
}

/* ---- A program that is being written ---------------------------------------------------------------------------- */

static void a_program_that_stays_open_for_writing(void **state)
{
    assert_true(files_copy("/bin/true", "written", 0755));
    int writer = open("written", O_WRONLY | O_CLOEXEC);
    pk_error error = expect(pk_command_new("./written", NULL), -ETXTBSY, PK_ERROR_SPAWN, PK_STEP_EXEC);
    assert_string_equal(error.path, "./written");
    close(writer);
}

static void *close_soon(void *writer)
{
    const struct timespec soon = {.tv_nsec = 30000000}; /* not readiness: how long the writer takes */
    nanosleep(&soon, NULL);
    close(*(int *)writer);
    return NULL;
}

static void a_program_that_was_just_written(void **state)
{
    pthread_t thread;
    pk_error error;
    pk_result result;
    assert_true(files_copy("/bin/true", "written", 0755));
    int writer = open("written", O_WRONLY | O_CLOEXEC);
    pk_auto(pk_command) command = pk_command_new("./written", NULL);
    assert_int_equal(pthread_create(&thread, NULL, close_soon, &writer), 0);
    int status = pk_command_status(command, &result, &error);
    pthread_join(thread, NULL);
    assert_ok(status, error);
    assert_true(pk_result_is_success(&result));
}

/* ---- What the child is to be born with -------------------------------------------------------------------------- */

static void a_missing_directory(void **state)
{
    pk_command *command = adversary("exit", "0", NULL);
    pk_command_chdir(command, "/no/such\nplace");
    pk_error error = expect(command, -ENOENT, PK_ERROR_SPAWN, PK_STEP_CHDIR);
    assert_string_equal(error.path, "/no/such\nplace");
    assert_non_null(strstr(error.message, "/no/such\\nplace"));

    command = adversary("exit", "0", NULL);
    pk_command_chdir(command, "/etc/passwd");
    expect(command, -ENOTDIR, PK_ERROR_SPAWN, PK_STEP_CHDIR);
}

static void missing_files_and_descriptors(void **state)
{
    pk_command *command = adversary("exit", "0", NULL);
    pk_command_file(command, 0, "/no/such/file", PK_FILE_READ);
    pk_error error = expect(command, -ENOENT, PK_ERROR_IO, PK_STEP_OPEN_STDIO);
    assert_string_equal(error.path, "/no/such/file");

    command = adversary("exit", "0", NULL);
    pk_command_file(command, 1, "/etc", PK_FILE_APPEND);
    error = expect(command, -EISDIR, PK_ERROR_IO, PK_STEP_OPEN_STDIO);
    assert_string_equal(error.path, "/etc");

    command = adversary("exit", "0", NULL);
    pk_command_fd(command, 3, 999);
    expect(command, -EBADF, PK_ERROR_IO, PK_STEP_OPEN_STDIO);

    command = adversary("exit", "0", NULL);
    pk_command_inherit(command, 999);
    expect(command, -EBADF, PK_ERROR_IO, PK_STEP_OPEN_STDIO);
}

/* Each is a step that only root may take, or nobody. */
static void what_an_ordinary_user_may_not_do(void **state)
{
    const gid_t group = 0;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    pk_command *command = adversary("exit", "0", NULL);
    pk_command_uid(command, 0);
    expect(command, -EPERM, PK_ERROR_PERMISSION, PK_STEP_SETUID);

    command = adversary("exit", "0", NULL);
    pk_command_gid(command, 0);
    expect(command, -EPERM, PK_ERROR_PERMISSION, PK_STEP_SETGID);

    command = adversary("exit", "0", NULL);
    pk_command_groups(command, &group, 1);
    expect(command, -EPERM, PK_ERROR_PERMISSION, PK_STEP_SETGROUPS);

    command = adversary("exit", "0", NULL);
    pk_command_nice(command, -5);
    expect(command, -EACCES, PK_ERROR_PERMISSION, PK_STEP_NICE);

    command = adversary("exit", "0", NULL);
    pk_command_io_priority(command, PK_IO_REALTIME, 0);
    expect(command, -EPERM, PK_ERROR_PERMISSION, PK_STEP_IO_PRIORITY);

    command = adversary("exit", "0", NULL);
    pk_command_rlimit(command, RLIMIT_NOFILE, files.rlim_max + 1, files.rlim_max + 1);
    expect(command, -EPERM, PK_ERROR_PERMISSION, PK_STEP_RLIMIT);
}

static void what_nobody_can_do(void **state)
{
    const unsigned cpu = 1023;
    pk_command *command = adversary("exit", "0", NULL);
    pk_command_cpu_affinity(command, &cpu, 1);
    expect(command, -EINVAL, PK_ERROR_SPAWN, PK_STEP_AFFINITY);

    command = adversary("exit", "0", NULL);
    pk_command_rlimit(command, 99, 1, 1); /* a later kernel may know it */
    expect(command, -EINVAL, PK_ERROR_SPAWN, PK_STEP_RLIMIT);
}

static void a_limit_of_no_processes(void **state)
{
    struct rlimit before, none = {0, 0};
    getrlimit(RLIMIT_NPROC, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NPROC, &none);
    /* With a cgroup there is a guardian before it, and without one a reaper. */
    pk_error error = expect(adversary("exit", "0", NULL), -EAGAIN, PK_ERROR_NO_MEMORY, PK_STEP_GUARDIAN);
    setrlimit(RLIMIT_NPROC, &before);
    assert_non_null(strstr(error.message, "cannot start a"));
}

/* ---- What makes no sense ---------------------------------------------------------------------------------------- */

static void expect_invalid(pk_command *command)
{
    expect(command, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS);
}

static void requests_that_make_no_sense(void **state)
{
    const unsigned cpu = 1024;
    const char *const nothing[] = {NULL};
    pk_command *command;
    expect_invalid(pk_command_new("", NULL));
    expect_invalid(pk_command_new(NULL, NULL));
    expect_invalid(pk_command_new_argv(nothing));
    expect_invalid(pk_command_new_argv(NULL));
#define EXPECT_INVALID(call)                    \
    do {                                        \
        command = adversary("exit", "0", NULL); \
        call;                                   \
        expect_invalid(command);                \
    } while (0)
    EXPECT_INVALID(pk_command_arg(command, NULL));
    EXPECT_INVALID(pk_command_setenv(command, "", "x"));
    EXPECT_INVALID(pk_command_setenv(command, "A=B", "x"));
    EXPECT_INVALID(pk_command_setenv(command, "A", NULL));
    EXPECT_INVALID(pk_command_unsetenv(command, "A=B"));
    EXPECT_INVALID(pk_command_inheritenv(command, NULL));
    EXPECT_INVALID(pk_command_chdir(command, ""));
    EXPECT_INVALID(pk_command_chdir(command, NULL));
    EXPECT_INVALID(pk_command_null(command, -1));
    EXPECT_INVALID(pk_command_pipe(command, 65536));
    EXPECT_INVALID(pk_command_fd(command, 3, -1));
    EXPECT_INVALID(pk_command_file(command, 1, NULL, PK_FILE_READ));
    EXPECT_INVALID(pk_command_file(command, 1, "x", (pk_file_mode)7));
    EXPECT_INVALID(pk_command_uid(command, (uid_t)-1));
    EXPECT_INVALID(pk_command_gid(command, (gid_t)-1));
    EXPECT_INVALID(pk_command_umask(command, 01000));
    EXPECT_INVALID(pk_command_nice(command, 20));
    EXPECT_INVALID(pk_command_nice(command, -21));
    EXPECT_INVALID(pk_command_io_priority(command, PK_IO_BEST_EFFORT, 8));
    EXPECT_INVALID(pk_command_io_priority(command, (pk_io_class)4, 0));
    EXPECT_INVALID(pk_command_cpu_affinity(command, &cpu, 1));
    EXPECT_INVALID(pk_command_cpu_affinity(command, &cpu, 0));
    EXPECT_INVALID(pk_command_rlimit(command, -1, 1, 1));
    EXPECT_INVALID(pk_command_rlimit(command, RLIMIT_CORE, 2, 1));
    EXPECT_INVALID(pk_command_keep_ignored(command, 0));
    EXPECT_INVALID(pk_command_keep_ignored(command, 65));
    EXPECT_INVALID(pk_command_timeout(command, 0));
    EXPECT_INVALID(pk_command_stop_signal(command, 0));
    EXPECT_INVALID(pk_command_stop_signal(command, 65));
    EXPECT_INVALID(pk_command_leftovers(command, (pk_leftovers)9));
    EXPECT_INVALID(pk_command_setsid(command); pk_command_setpgid(command));
#undef EXPECT_INVALID
}

static void the_first_problem_is_reported(void **state)
{
    pk_command *command = adversary("exit", "0", NULL);
    pk_command_setenv(command, "A\nB=C", "x");
    pk_command_timeout(command, 0);
    pk_error error = expect(command, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS);
    assert_non_null(strstr(error.message, "A\\nB=C"));
}

static void a_command_for_which_there_was_no_memory(void **state)
{
    pk_command_arg(NULL, "x");
    pk_command_setenv(NULL, "A", "B");
    pk_command_pipe(NULL, 1);
    pk_command_timeout(NULL, PK_SECONDS(1));
    pk_command_leftovers(NULL, PK_LEFTOVERS_WAIT);
    assert_string_equal(pk_command_program(NULL), "");
    expect(NULL, -ENOMEM, PK_ERROR_NO_MEMORY, PK_STEP_ALLOCATE);
}

static const struct test tests[] = {
    PK_TEST(not_found_in_path),
    PK_TEST_AS_USER(not_found_in_path),
    PK_TEST(not_found_at_its_path),
    PK_TEST(a_program_that_is_a_directory),
    PK_TEST(a_program_that_is_not_executable),
    PK_TEST_AS_USER(a_program_that_is_not_executable),
    PK_TEST(a_program_without_an_interpreter),
    PK_TEST_AS_USER(a_program_without_an_interpreter),
    PK_TEST(a_file_that_is_no_program),
    PK_TEST(a_name_that_could_harm_a_terminal),
    PK_TEST(a_name_that_is_too_long),
    PK_TEST(more_arguments_than_fit),
    PK_TEST(a_program_that_stays_open_for_writing),
    PK_TEST(a_program_that_was_just_written),
    PK_TEST_AS_USER(a_program_that_was_just_written),
    PK_TEST(a_missing_directory),
    PK_TEST_AS_USER(a_missing_directory),
    PK_TEST(missing_files_and_descriptors),
    PK_TEST_AS_USER(what_an_ordinary_user_may_not_do),
    PK_TEST_AS_DELEGATED_USER(what_an_ordinary_user_may_not_do),
    PK_TEST(what_nobody_can_do),
    PK_TEST_AS_USER(a_limit_of_no_processes),
    PK_TEST_AS_DELEGATED_USER(a_limit_of_no_processes),
    PK_TEST(requests_that_make_no_sense),
    PK_TEST(the_first_problem_is_reported),
    PK_TEST(a_command_for_which_there_was_no_memory),
};

PK_TEST_MAIN(tests)
