/*
 * The harness itself: that what goes wrong in a test is seen and said, and that nothing of it is left.
 */
#include "harness.h"
#include "kin.h"
#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct expectation {
    const char *test;
    const char *result; /* begins the line of the result */
    const char *remark; /* is in the output; NULL: there is no output */
};

static const struct expectation expectations[] = {
    {"good", "ok 1 - good\n", NULL},
    {"wrong", "not ok 1 - wrong\n", "# before it\n# [  ERROR   ] --- 0x1 != 0x2\n"},
    {"wrong_in_lines", "not ok 1 - wrong_in_lines\n", "# not ok 7 - forged\n# ?[31mred\n"},
    {"skips", "ok 1 - skips # SKIP needs a machine with 1000 processors\n", NULL},
    {"skips_silently", "not ok 1", "use skip_test()"},
    {"needs_controllers@user", "ok 1 - needs_controllers@user # SKIP needs a ", NULL},
    {"leaks_fd", "not ok 1", "# LEAK: descriptor 3 is open: /dev/zero\n"},
    {"closes_stdin", "not ok 1", "# LEAK: descriptor 0 was closed: /dev/null\n"},
    {"leaks_child", "not ok 1", "(test) is running\n"},
    {"leaks_zombie", "not ok 1", "(test) has ended and was not waited for\n"},
    {"leaks_orphan", "not ok 1", "(test) outlived the test\n"},
    {"leaks_subreaper", "not ok 1", "(test) outlived the test\n"},
#ifndef __SANITIZE_THREAD__ /* which adds one of its own */
    {"leaks_thread", "not ok 1", "# LEAK: 2 threads, and 1 before\n"},
#endif
    {"leaks_file", "not ok 1", "# LEAK: the temporary file forgotten was left behind\n"},
    {"leaks_cgroup", "not ok 1", "-0 was left behind\n"},
    {"is_killed", "not ok 1", "# the test process was ended by signal 9"},
    {"crashes", "not ok 1", "Segmentation fault"},
    {"exits", "not ok 1", "# the test ended before its body did, with exit status 0\n"},
    {"hangs", "not ok 1", "# not finished after "},
    {"is_ordinary@user", "ok 1 - is_ordinary@user", NULL},
    {"is_ordinary@delegated", "ok 1 - is_ordinary@delegated", NULL},
    {"kills_what_it_did_not_start", "not ok 1", "process 1 (not-ours) is none of ours\n"},
};

/* Runs the fixture for one of its tests and returns its output. It must not leave anything that would come to us. */
static int run_fixture(const char *test, struct report *output)
{
    int fds[2], status;
    const char *fixture = getenv("PK_HARNESS_FIXTURE");
    assert_non_null(fixture);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(fixture, fixture, test, NULL);
        _exit(127);
    }
    close(fds[1]);
    bool complete = read_to_end(fds[0], output, 20000 * (int)test_slowness());
    close(fds[0]);
    assert_true(complete);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says_what_went_wrong(void **state)
{
    const struct expectation *expectation = *state;
    struct report output = {0};
    int status = run_fixture(expectation->test, &output);
    printf("%s", output.bytes);
    assert_memory_equal(output.bytes, "1..1\n", 5);
    assert_memory_equal(output.bytes + 5, expectation->result, strlen(expectation->result));
    assert_int_equal(status, expectation->result[0] == 'n');
    if (expectation->remark)
        assert_non_null(strstr(output.bytes, expectation->remark));
    else
        assert_null(strstr(output.bytes, "\n#"));

    struct kin_list left = kin_below(getpid());
    assert_int_equal(left.count, 0);
    kin_free(&left);
    report_free(&output);
}

enum { COUNT = sizeof(expectations) / sizeof(expectations[0]) };

int main(int argc, char **argv)
{
    struct test tests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        tests[i] = (struct test)PK_TEST_NAMED(expectations[i].test, says_what_went_wrong, .data = &expectations[i]);
        if (strcmp(expectations[i].test, "leaks_cgroup") == 0)
            tests[i].needs = NEEDS_CGROUP2;
    }
    return test_main(argc, argv, tests, COUNT);
}
