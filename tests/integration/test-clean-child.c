/*
 * A clean child and a good guest: descriptors, signals and dispositions of the child, and that the owner's are left
 * alone.
 */
#include "files.h"
#include "lines.h"
#include "subject.h"

#include <processkit.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

static void run(pk_command *command)
{
    pk_error error;
    pk_result result;
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_true(pk_result_is_success(&result));
}

/* Runs `adversary describe` with the output in a file, so that 1 is free for the test. */
static struct description *describe_aside(pk_command *command)
{
    run(command);
    return description_read(scratch("out"));
}

static pk_command *describe_to_file(void)
{
    assert_true(files_write(scratch("out"), "", 0644));
    return adversary("--output", scratch("out"), "describe", NULL);
}

static void by_default_stdin_is_null_and_the_rest_is_the_owners(void **state)
{
    int in = open("/etc/passwd", O_RDONLY | O_CLOEXEC), saved = dup(0);
    dup2(in, 0);
    pk_auto(pk_command) command = describe_to_file();
    struct description *child = describe_aside(command);
    dup2(saved, 0);
    close(saved);
    close(in);
    assert_described(child, "fd.0", "/dev/null");
    assert_described(child, "flags.0", "read");
    assert_non_null(strstr(described(child, "fd.1"), "memfd:output"));
    assert_non_null(strstr(described(child, "fd.2"), "memfd:output"));
    assert_int_equal(described_count(child, "fd."), 3);
    description_free(child);
}

static void files_are_opened_as_asked(void **state)
{
    struct report output = {0};
    assert_true(files_write(scratch("in"), "from the file\n", 0644));
    assert_true(files_write(scratch("truncated"), "long old contents\n", 0644));
    assert_true(files_write(scratch("appended"), "old\n", 0644));
    pk_auto(pk_command) command = adversary("echo", "--", "print-to", "2", "new", NULL);
    pk_command_file(command, 0, "in", PK_FILE_READ);
    pk_command_file(command, 1, "truncated", PK_FILE_TRUNCATE);
    pk_command_file(command, 2, "appended", PK_FILE_APPEND);
    run(command);
    run(command); /* the files are opened anew */
    int fd = open(scratch("truncated"), O_RDONLY | O_CLOEXEC);
    assert_true(read_to_end(fd, &output, 1000));
    close(fd);
    assert_string_equal(output.bytes, "from the file\n");
    report_free(&output);
    fd = open(scratch("appended"), O_RDONLY | O_CLOEXEC);
    assert_true(read_to_end(fd, &output, 1000));
    close(fd);
    assert_string_equal(output.bytes, "old\nnew\nnew\n");
    report_free(&output);
}

static void any_descriptor_can_be_given(void **state)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    pk_auto(pk_command) command = describe_to_file();
    pk_command_fd(command, 0, zero);
    pk_command_fd(command, 7, full);
    pk_command_fd(command, 19, zero);
    pk_command_null(command, 5);
    pk_command_null(command, 19); /* the last call holds */
    struct description *child = describe_aside(command);
    assert_described(child, "fd.0", "/dev/zero");
    assert_described(child, "fd.7", "/dev/full");
    assert_described(child, "fd.5", "/dev/null");
    assert_described(child, "fd.19", "/dev/null");
    assert_int_equal(described_count(child, "fd."), 6);
    description_free(child);
    close(zero);
    close(full);
}

/* Each one's source is another one's target. */
static void descriptors_can_change_places(void **state)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), full = open("/dev/full", O_WRONLY | O_CLOEXEC),
        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    pk_auto(pk_command) command = describe_to_file();
    pk_command_fd(command, zero, full);
    pk_command_fd(command, full, null);
    pk_command_fd(command, null, zero);
    pk_command_fd(command, 1, 2);
    pk_command_fd(command, 2, full);
    struct description *child = describe_aside(command);
    char key[16];
    snprintf(key, sizeof(key), "fd.%d", zero);
    assert_described(child, key, "/dev/full");
    snprintf(key, sizeof(key), "fd.%d", full);
    assert_described(child, key, "/dev/null");
    snprintf(key, sizeof(key), "fd.%d", null);
    assert_described(child, key, "/dev/zero");
    assert_non_null(strstr(described(child, "fd.1"), "memfd:output"));
    assert_described(child, "fd.2", "/dev/full");
    description_free(child);
    close(zero);
    close(full);
    close(null);
}

static void nothing_else_is_inherited(void **state)
{
    int open_fds[20];
    for (int i = 0; i < 20; i++)
        open_fds[i] = open("/dev/zero", O_RDONLY); /* for once without close-on-exec */
    struct rlimit most;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
    int high = fcntl(open_fds[0], F_DUPFD, most.rlim_cur > 5000 ? 5000 : (int)most.rlim_cur - 1);
    assert_return_code(high, errno);
    pk_auto(pk_command) command = describe_to_file();
    pk_command_inherit(command, open_fds[10]);
    struct description *child = describe_aside(command);
    char key[16];
    snprintf(key, sizeof(key), "fd.%d", open_fds[10]);
    assert_described(child, key, "/dev/zero");
    assert_int_equal(described_count(child, "fd."), 4);
    description_free(child);
    close(high);
    for (int i = 0; i < 20; i++)
        close(open_fds[i]);
}

/* An owner without 0 to 2: what the child opens first must not become its stdout. */
static void closed_standard_descriptors_become_null(void **state)
{
    int saved[3];
    for (int fd = 0; fd < 3; fd++) {
        saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(fd);
    }
    pk_auto(pk_command) command = describe_to_file();
    pk_command_inherit(command, 0);
    pk_command_pipe(command, 4);
    pk_error error;
    pk_result result;
    int status = run_attended(command, &result, &error);
    for (int fd = 0; fd < 3; fd++) {
        dup2(saved[fd], fd);
        close(saved[fd]);
    }
    assert_ok(status, error);
    assert_true(pk_result_is_success(&result));
    struct description *child = description_read(scratch("out"));
    assert_described(child, "fd.0", "/dev/null");
    assert_described(child, "fd.1", "/dev/null");
    assert_described(child, "fd.2", "/dev/null");
    assert_described(child, "flags.1", "write");
    assert_memory_equal(described(child, "fd.4"), "pipe:", 5);
    assert_int_equal(described_count(child, "fd."), 4);
    description_free(child);
}

static void pipes_end_up_where_they_belong(void **state)
{
    pk_error error;
    pk_result result;
    pk_process *process;
    struct report output = {0};
    pk_auto(pk_command) command = adversary("echo", "--", "print-to", "9", "on nine", NULL);
    pk_command_pipe(command, 0);
    pk_command_pipe(command, 1);
    pk_command_pipe(command, 9);
    assert_ok(pk_command_start(command, &process, &error), error);
    assert_int_equal(pk_process_pipe(process, 2), -EBADF);
    int in = pk_process_pipe_take(process, 0);
    assert_return_code(in, 0);
    assert_int_equal(pk_process_pipe(process, 0), -EBADF);
    assert_int_equal(pk_process_pipe_take(process, 0), -EBADF);
    assert_int_equal(fcntl(in, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(in, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(write(in, "through the child\n", 18), 18);
    close(in); /* only so does the child see the end: nobody else holds that end */
    assert_true(read_to_end(pk_process_pipe(process, 1), &output, 10000));
    assert_string_equal(output.bytes, "through the child\n");
    report_free(&output);
    assert_true(read_to_end(pk_process_pipe(process, 9), &output, 10000));
    assert_string_equal(output.bytes, "on nine\n");
    report_free(&output);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_true(pk_result_is_success(&result));
    pk_process_free(process);
}

#ifndef MOST_NEEDED
#define MOST_NEEDED 12
#endif

/* With that many descriptors at most. 0, or the error, which must be the right one. */
static int run_with_limit(pk_command *command, rlim_t most)
{
    struct rlimit before, small;
    pk_error error = {0};
    pk_result result = {0};
    getrlimit(RLIMIT_NOFILE, &before);
    small = (struct rlimit){most, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &small);
    int status = run_attended(command, &result, &error);
    setrlimit(RLIMIT_NOFILE, &before);
    if (status == 0) {
        assert_int_equal(result.exit_code, 3);
    } else {
        printf("%d: %s: %s\n", (int)most, pk_step_name(error.step), error.message);
        assert_int_equal(status, -EMFILE);
        assert_int_equal(error.number, -EMFILE);
        assert_int_not_equal(error.step, PK_STEP_NONE);
        assert_non_null(strstr(error.message, strerror(EMFILE)));
    }
    return status;
}

/* Never something in between, whatever descriptor is the one too many. */
static void a_small_descriptor_limit_is_respected(void **state)
{
    pk_auto(pk_command) command = adversary("exit", "3", NULL);
    pk_command_pipe(command, 1);
    assert_int_equal(run_with_limit(command, 3), -EMFILE);
    rlim_t enough = 4;
    while (run_with_limit(command, enough) < 0)
        enough++;
    printf("%d are enough\n", (int)enough);
    assert_in_range(enough, 5, MOST_NEEDED);
    for (rlim_t most = 3; most < 16; most++)
        assert_int_equal(run_with_limit(command, most) == 0, most >= enough);
}

/* ---- Signals ---------------------------------------------------------------------------------------------------- */

static void on_signal(int signal_number)
{
    (void)signal_number;
}

static void the_childs_signals_are_clean(void **state)
{
    sigset_t all, before;
    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGRTMIN + 3, SIG_IGN);
    signal(SIGUSR1, on_signal);
    sigprocmask(SIG_SETMASK, &all, &before);
    pk_auto(pk_command) command = adversary("describe", NULL);
    struct description *child = describe(command);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_described(child, "blocked", "0000000000000000");
    assert_described(child, "ignored", "0000000000000000");
    assert_described(child, "caught", "0000000000000000");
    assert_described(child, "pending", "0000000000000000");
    description_free(child);
}

/* Below a reaper, which knows how its child ended: kernels before 6.15 keep it from an owner that ignores SIGCHLD. */
static void an_ignored_sigchld_is_not_inherited(void **state)
{
    pk_error error;
    pk_result result;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = PK_MECHANISM_REAPER;
    signal(SIGCHLD, SIG_IGN);
    pk_auto(pk_command) command = describe_to_file();
    pk_command_contain(command, &options);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_true(pk_result_is_success(&result));
    struct description *child = description_read(scratch("out"));
    assert_described(child, "ignored", "0000000000000000");
    description_free(child);
}

static void ignored_signals_can_be_kept(void **state)
{
    char expected[32];
    snprintf(expected, sizeof(expected), "%016llx", 1ULL << (SIGHUP - 1));
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGUSR1, on_signal);
    pk_auto(pk_command) command = adversary("describe", NULL);
    pk_command_keep_ignored(command, SIGHUP);
    pk_command_keep_ignored(command, SIGQUIT); /* is not ignored */
    pk_command_keep_ignored(command, SIGUSR1); /* is handled, which no program can inherit */
    struct description *child = describe(command);
    assert_described(child, "ignored", expected);
    description_free(child);
}

/* ---- The owner -------------------------------------------------------------------------------------------------- */

struct guest {
    bool blocked[_NSIG];
    void (*handlers[_NSIG])(int);
    int flags[3];
    char directory[512];
    mode_t umask;
    char **environment;
};

static void look_around(struct guest *guest)
{
    memset(guest, 0, sizeof(*guest));
    sigset_t mask;
    struct sigaction action;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < _NSIG; i++) {
        guest->blocked[i] = sigismember(&mask, i) == 1;
        guest->handlers[i] = sigaction(i, NULL, &action) == 0 ? action.sa_handler : SIG_ERR;
    }
    for (int fd = 0; fd < 3; fd++)
        guest->flags[fd] = fcntl(fd, F_GETFL);
    assert_non_null(getcwd(guest->directory, sizeof(guest->directory)));
    guest->umask = umask(0);
    umask(guest->umask);
    guest->environment = environ;
}

static void the_owner_is_left_as_it_was(void **state)
{
    struct guest before, after;
    pk_error error;
    pk_result result;
    setenv("PK_MARK", "here", 1);
    look_around(&before);
    pk_auto(pk_command) command = adversary("child", "--", "sleep", "5000", NULL);
    pk_command_setenv(command, "PK_MARK", "there");
    pk_command_chdir(command, "/");
    pk_command_umask(command, 0);
    pk_command_timeout(command, PK_MILLISECONDS(20));
    pk_command_inherit(command, 0);
    assert_ok(pk_command_status(command, &result, &error), error);
    look_around(&after);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_string_equal(getenv("PK_MARK"), "here");
}

static void *start_some(void *data)
{
    pk_error error;
    pk_result result;
    for (int i = 0; i < 25; i++) {
        if (pk_command_status(data, &result, &error) < 0 || result.exit_code != 5)
            return data;
    }
    return NULL;
}

static void a_command_can_be_started_from_many_threads(void **state)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    void *complaint;
    pk_auto(pk_command) command = adversary("exit", "5", NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start_some, command), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &complaint), 0);
        assert_null(complaint);
    }
}

static const struct test tests[] = {
    PK_TEST(by_default_stdin_is_null_and_the_rest_is_the_owners),
    PK_TEST_AS_USER(by_default_stdin_is_null_and_the_rest_is_the_owners),
    PK_TEST(files_are_opened_as_asked),
    PK_TEST(any_descriptor_can_be_given),
    PK_TEST(descriptors_can_change_places),
    PK_TEST(nothing_else_is_inherited),
    PK_TEST_AS_USER(nothing_else_is_inherited),
    PK_TEST(closed_standard_descriptors_become_null),
    PK_TEST_AS_USER(closed_standard_descriptors_become_null),
    PK_TEST(pipes_end_up_where_they_belong),
    PK_TEST_AS_USER(pipes_end_up_where_they_belong),
    PK_TEST(a_small_descriptor_limit_is_respected),
    PK_TEST_AS_USER(a_small_descriptor_limit_is_respected),
    PK_TEST(the_childs_signals_are_clean),
    PK_TEST_AS_USER(the_childs_signals_are_clean),
    PK_TEST(an_ignored_sigchld_is_not_inherited),
    PK_TEST_AS_USER(an_ignored_sigchld_is_not_inherited),
    PK_TEST(ignored_signals_can_be_kept),
    PK_TEST(the_owner_is_left_as_it_was),
    PK_TEST_AS_USER(the_owner_is_left_as_it_was),
    PK_TEST(a_command_can_be_started_from_many_threads),
};

PK_TEST_MAIN(tests)
