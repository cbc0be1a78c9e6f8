/*
 * Running one test body under cmocka, and the helpers a body may call.
 */
#include "body.h"

#include "census.h"
#include "hierarchy.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct test *current;
static bool finished;
static bool skipped;

/* ---- For bodies ------------------------------------------------------------------------------------------------- */

_Noreturn void skip_test(const char *missing, ...)
{
    char reason[512];
    va_list arguments;
    va_start(arguments, missing);
    vsnprintf(reason, sizeof(reason), missing, arguments);
    va_end(arguments);
    printf("%s%s\n", SKIP_MARK, reason);
    skipped = true;
    skip();
    abort(); /* cmocka does not say that skip() never returns */
}

const char *scratch(const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    const char *directory = getenv("PK_TEST_SCRATCH");
    snprintf(path, PATH_MAX, "%s/%s", directory ? directory : "/tmp", name);
    return path;
}

static const char *program(const char *variable)
{
    const char *path = getenv(variable);
    if (!path || access(path, X_OK) < 0)
        skip_test("a program at $%s (%s)", variable, path ? path : "not set");
    return path;
}

const char *adversary_path(void)
{
    return program("PK_ADVERSARY");
}

const char *pk_path(void)
{
    return program("PK_COMMAND");
}

unsigned test_slowness(void)
{
    const char *text = getenv("PK_TEST_SLOWNESS");
    int factor = text ? atoi(text) : 1;
    return factor > 1 ? (unsigned)factor : 1;
}

unsigned fewer(unsigned count)
{
    unsigned less = count / test_slowness();
    return less > 0 ? less : 1;
}

/* ---- Running ---------------------------------------------------------------------------------------------------- */

static void check_needs(unsigned needs)
{
    char place[PATH_MAX];
    if (needs & NEEDS_ROOT && geteuid() != 0)
        skip_test("root");
    if (needs & (NEEDS_CGROUP2 | NEEDS_CONTROLLERS) && !hierarchy_own(place))
        skip_test("a cgroup2 mount");
    if (needs & (NEEDS_CGROUP2 | NEEDS_CONTROLLERS) && !hierarchy_is_writable(place))
        skip_test("a writable cgroup2 directory (%s)", place);
    if (needs & NEEDS_CONTROLLERS && !hierarchy_has_controllers(place))
        skip_test("the memory, pids and cpu controllers in %s", place);
    if (needs & NEEDS_COMMAND)
        pk_path();
}

static void run_current(void **state)
{
    check_needs(current->needs);
    *state = (void *)(uintptr_t)current->data;
    current->body(state);
    finished = true;
}

/* What the library keeps for its next groups is no leak. Not every test has the library. */
extern bool owner_tidy(void) __attribute__((weak));

static int compare_tidied(const struct census *before)
{
    if (owner_tidy)
        owner_tidy();
    return census_compare(before);
}

int body_run(const struct test *test)
{
    const struct CMUnitTest group[] = {{.name = test->name, .test_func = run_current}};
    current = test;
    setvbuf(stdout, NULL, _IOLBF, 0); /* or a fork in the test would print everything twice */
    prctl(PR_SET_NAME, "test");

    struct census before = census_take();
    int failures = cmocka_run_group_tests_name(test->name, group, NULL, NULL);
    int status = EXIT_FAILED;
    if (failures == 0 && !finished && !skipped)
        printf("the test ended with skip(): use skip_test() and say what is missing\n");
    else if (failures == 0 && compare_tidied(&before) == 0) /* a failed test has had no chance to clean up */
        status = skipped ? EXIT_SKIPPED : EXIT_PASSED;
    census_free(&before);
    return status;
}
