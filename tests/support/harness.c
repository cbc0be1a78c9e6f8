/*
 * The main function of every test binary: which tests, and TAP on stdout.
 */
#include "harness.h"

#include "body.h"
#include "trial.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The library's close goes past the thread sanitizer, as it must in a child that shares its owner's memory. So a number
 * that one thread has closed and another gets looks like one descriptor that is made twice. */
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "race:^sys_pipe$\nrace:^sys_eventfd$\nrace:^sys_timerfd_create$\nrace:^sys_epoll_create$\n"
           "race:^sys_epoll_ctl$\nrace:^sys_fcntl$\nrace:^sys_socketpair$\n";
}
#endif

static const struct test *find(const struct test *tests, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tests[i].name, name) == 0)
            return &tests[i];
    }
    fprintf(stderr, "no such test: %s (see --list)\n", name);
    exit(2);
}

/* TAP comments: each line begins with '#', and nothing in it can move the cursor. */
static void print_comments(const struct report *output)
{
    bool begins = true;
    for (size_t i = 0; i < output->length; i++) {
        unsigned char c = (unsigned char)output->bytes[i];
        if (begins)
            fputs("# ", stdout);
        begins = c == '\n';
        putchar(c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f) ? c : '?');
    }
}

static enum outcome run(const struct test *test, size_t number, const char *self)
{
    struct verdict verdict = trial_run(test, self);
    enum outcome outcome = verdict.outcome;
    bool good = outcome == OUTCOME_PASSED || outcome == OUTCOME_SKIPPED;
    printf("%s %zu - %s", good ? "ok" : "not ok", number, test->name);
    if (outcome == OUTCOME_SKIPPED)
        printf(" # SKIP needs %s", verdict.missing.bytes);
    putchar('\n');
    if (!good || getenv("PK_TEST_VERBOSE"))
        print_comments(&verdict.output);
    fflush(stdout);
    verdict_free(&verdict);
    return outcome;
}

static int run_all(const struct test *const *chosen, size_t count, const char *self)
{
    size_t failed = 0;
    printf("1..%zu\n", count);
    fflush(stdout); /* or every child would print it again */
    trial_prepare();
    for (size_t i = 0; i < count; i++) {
        enum outcome outcome = run(chosen[i], i + 1, self);
        if (outcome == OUTCOME_INTERRUPTED)
            return 130;
        failed += outcome == OUTCOME_FAILED;
    }
    return failed > 0;
}

static int list(const struct test *tests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        puts(tests[i].name);
    return 0;
}

/* By the name it was started with, which is right also under valgrind. */
static const char *find_self(const char *argv0)
{
    static char self[PATH_MAX];
    if (!realpath(strchr(argv0, '/') ? argv0 : "/proc/self/exe", self)) {
        perror(argv0);
        exit(2);
    }
    return self;
}

int test_main(int argc, char **argv, const struct test *tests, size_t count)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list(tests, count);
    if (argc == 3 && strcmp(argv[1], "--in-process") == 0)
        return body_run(find(tests, count, argv[2]));

    const struct test **chosen = calloc(count + (size_t)argc, sizeof(const struct test *));
    size_t number = 0;
    if (!chosen)
        return 2;
    for (int i = 1; i < argc; i++)
        chosen[number++] = find(tests, count, argv[i]);
    for (size_t i = 0; i < count && argc == 1; i++)
        chosen[number++] = &tests[i];
    int status = run_all(chosen, number, find_self(argv[0]));
    free(chosen);
    return status;
}
