/*
 * What is counted, in which process, by any thread.
 */
#include "course.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pk_counters now(void)
{
    pk_counters counters = PK_COUNTERS_INIT;
    pk_counters_read(&counters);
    return counters;
}

static uint64_t count_ends(const pk_counters *counters)
{
    uint64_t ends = 0;
    for (int i = 0; i < PK_COUNTERS_ENDS; i++)
        ends += counters->ends[i];
    return ends;
}

static void nothing_at_first(void **state)
{
    (void)state;
    pk_counters zeros = PK_COUNTERS_INIT, counters = now();
    assert_memory_equal(&counters, &zeros, sizeof(zeros));
}

static void starts_and_ends(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "read-bytes 1");
    pk_command_pipe(command, 0);
    for (unsigned i = 0; i < 3; i++) {
        course_start(&course, state, command);
        pk_counters counters = now();
        assert_int_equal(counters.starts, i + 1);
        assert_int_equal(counters.live, 1);
        assert_int_equal(count_ends(&counters), i);
        pk_process_close_input(course.process);
        course_end(&course);
        counters = now();
        assert_int_equal(counters.live, 0);
        assert_int_equal(counters.ends[PK_VERDICT_EXITED], i + 1);
        course_close(&course);
    }
    pk_counters counters = now();
    assert_int_equal(counters.starts, 3);
    assert_int_equal(counters.freed + counters.failed_starts + counters.soft_signals, 0);
    if (test_slowness() == 1) /* where a reaper may be late to say that nothing is left, it is told to kill */
        assert_int_equal(counters.hard_kills, 0);
}

static void starts_that_fail(void **state)
{
    (void)state;
    pk_process *process;
    pk_auto(pk_command) command = pk_command_new("no-such-program", NULL);
    assert_int_equal(pk_command_start(command, &process, NULL), -ENOENT);
    assert_int_equal(pk_command_start(NULL, &process, NULL), -ENOMEM);
    assert_int_equal(now().failed_starts, 2);
    assert_int_equal(now().starts, 0);
}

static void what_ends_runs(void **state)
{
    struct course course;
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "block-all -- hold");
    pk_command_timeout(command, PK_SECONDS(2)); /* for it to do so */
    pk_command_grace(command, PK_MILLISECONDS(20));
    course_start(&course, state, command);
    course_end(&course);
    course_close(&course);
    pk_counters counters = now();
    assert_int_equal(counters.ends[PK_VERDICT_TIMED_OUT], 1);
    assert_int_equal(counters.soft_signals, 1);
    assert_int_equal(counters.hard_kills, 1);
    assert_int_equal(counters.unkillable, 0);

    pk_group *group;
    pk_process *process;
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.mechanism = way->mechanism;
    assert_ok(pk_group_create(&options, &group, &error), error);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_group_kill(group, &error), error);
    assert_int_equal(now().hard_kills, 2);
    pk_process_free(process);
    assert_int_equal(now().freed, 1);
    assert_int_equal(now().live, 0);
    pk_group_free(group);
}

static void a_freed_handle_is_no_end(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "hold");
    course_start(&course, state, command);
    assert_int_equal(now().live, 1);
    course_close(&course);
    pk_counters counters = now();
    assert_int_equal(counters.live, 0);
    assert_int_equal(counters.freed, 1);
    assert_int_equal(counters.hard_kills, 1);
    assert_int_equal(count_ends(&counters), 0);
}

static void a_forked_child_begins_with_zeros(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "hold");
    course_start(&course, state, command);
    pid_t child = fork();
    if (child == 0) {
        pk_process_free(course.process); /* the parent's */
        pk_counters counters = now();
        _exit(counters.starts + counters.live + counters.freed == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(now().starts, 1);
    assert_int_equal(now().live, 1);
    course_close(&course);
}

/* A program that was compiled when there were fewer. */
static void no_more_is_written_than_is_known(void **state)
{
    (void)state;
    pk_process *process;
    pk_counters counters;
    memset(&counters, 0xff, sizeof(counters));
    counters.size = offsetof(pk_counters, failed_starts);
    assert_int_equal(pk_command_start(NULL, &process, NULL), -ENOMEM);
    pk_counters_read(&counters);
    assert_int_equal(counters.size, offsetof(pk_counters, failed_starts));
    assert_int_equal(counters.starts, 0);
    assert_true(counters.failed_starts == UINT64_MAX);
}

enum { THREADS = 4, RUNS = 25 };

static void *run_some(void *data)
{
    int failed = 0;
    for (int i = 0; i < RUNS; i++)
        failed += pk_command_status(data, NULL, NULL) < 0;
    return failed ? data : NULL;
}

static void any_thread_counts(void **state)
{
    pthread_t threads[THREADS];
    pk_auto(pk_command) command = course_command(state, "exit 0");
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_some, command), 0);
    for (int i = 0; i < 1000; i++)
        assert_true(now().live <= THREADS);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(now().starts, THREADS * RUNS);
    assert_int_equal(now().ends[PK_VERDICT_EXITED], THREADS * RUNS);
    assert_int_equal(now().live, 0);
}

static void lost_guardians(void **state)
{
    struct course course;
    pk_auto(pk_command) command = course_command(state, "hold");
    course_start(&course, state, command);
    assert_int_equal(now().guard_losses, 0);
    pid_t guardian = pk_guardian_pid();
    if (guardian <= 0)
        skip_test("a guardian");
    kill(guardian, SIGKILL);
    while (now().guard_losses == 0)
        course_run(&course, PK_MILLISECONDS(10));
    assert_int_equal(now().guard_losses, 1);
    course_close(&course);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct test tests[] = {
    PK_TEST(nothing_at_first),
    EACH_WAY(starts_and_ends),
    PK_TEST(starts_that_fail),
    EACH_MECHANISM(what_ends_runs),
    EACH_WAY(a_freed_handle_is_no_end),
    EACH_MECHANISM(a_forked_child_begins_with_zeros),
    PK_TEST(no_more_is_written_than_is_known),
    EACH_MECHANISM(any_thread_counts),
    PK_TEST_NAMED("lost_guardians/wait", lost_guardians, .data = &way_wait_cgroup2, .needs = NEEDS_CGROUP2),
    PK_TEST_NAMED("lost_guardians/loop", lost_guardians, .data = &way_loop_cgroup2, .needs = NEEDS_CGROUP2),
};
PK_TEST_MAIN(tests)
