/*
 * The test harness: one process per test, a deadline for each, and a count of what it leaks.
 *
 *     static void group_can_be_created(void **state) { ... assert_int_equal(...); }
 *
 *     static const struct test tests[] = {
 *         PK_TEST(group_can_be_created),
 *         PK_TEST_WITH(group_survives_a_storm, .deadline_s = 60, .needs = NEEDS_CGROUP2),
 *         PK_TEST_AS_USER(group_can_be_created),
 *     };
 *     PK_TEST_MAIN(tests)
 *
 * Without arguments the binary runs all of them and prints TAP; `--list` prints the names; names run those only; and
 * `--in-process NAME` runs one without the process around it, for a debugger (70: passed, 77: skipped).
 *
 * A test is the body of a cmocka test, so all assert_* work. It begins with stdin on /dev/null, output that is shown if
 * it fails, a session of its own, an empty working directory, and an empty TMPDIR that must be empty again at the end.
 * It fails if it leaves an open descriptor, a child, a descendant, a thread, a cgroup or a temporary file behind.
 */
#ifndef PK_TESTS_HARNESS_H
#define PK_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Who runs the test. Whoever runs the binary, if that is no root. */
enum test_identity {
    TEST_AS_IS,
    TEST_AS_USER,           /* an ordinary user, who may make no cgroup */
    TEST_AS_DELEGATED_USER, /* an ordinary user in a cgroup that belongs to it */
};

/* What the test cannot do without; it is skipped, by name, where that is missing. */
enum test_needs {
    NEEDS_ROOT = 1 << 0,
    NEEDS_CGROUP2 = 1 << 1,     /* a cgroup v2 directory can be made below our own */
    NEEDS_CONTROLLERS = 1 << 2, /* memory, pids and cpu are there as well */
    NEEDS_COMMAND = 1 << 3,     /* pk was built */
};

struct test {
    const char *name;
    void (*body)(void **state);
    const void *data; /* *state of the body */
    unsigned deadline_s;
    unsigned needs;
    enum test_identity as;
};

#define PK_TEST(function)              PK_TEST_NAMED(#function, function)
#define PK_TEST_WITH(function, ...)    PK_TEST_NAMED(#function, function, __VA_ARGS__)
#define PK_TEST_AS_USER(function, ...) PK_TEST_NAMED(#function "@user", function, .as = TEST_AS_USER, __VA_ARGS__)
#define PK_TEST_AS_DELEGATED_USER(function, ...) \
    PK_TEST_NAMED(#function "@delegated", function, .as = TEST_AS_DELEGATED_USER, __VA_ARGS__)
#define PK_TEST_NAMED(text, function, ...)              \
    {                                                   \
        .name = (text), .body = (function), __VA_ARGS__ \
    }

#define PK_TEST_MAIN(tests)                                                      \
    int main(int argc, char **argv)                                              \
    {                                                                            \
        return test_main(argc, argv, tests, sizeof(tests) / sizeof((tests)[0])); \
    }

/* For tables that are made at run time. */
int test_main(int argc, char **argv, const struct test *tests, size_t count);

/* Ends the test as skipped; says what is missing, such as "a kernel with cgroup.kill". */
_Noreturn void skip_test(const char *missing, ...) __attribute__((__format__(__printf__, 1, 2)));

/* A path in the test's own directory, which is also where it starts. Valid until the eighth call after this one. */
const char *scratch(const char *name);

/* Paths of the programs to run as children. */
const char *adversary_path(void);
const char *pk_path(void);

/* Multiplies deadlines where everything is slow (sanitizers, valgrind): PK_TEST_SLOWNESS, 1 if it is not set. */
unsigned test_slowness(void);

/* Less where everything is slow: repetitions, lines or bytes of which some are enough there. At least 1. */
unsigned fewer(unsigned count);

#endif
