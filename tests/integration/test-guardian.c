/*
 * The end of the owner, in every way there is: nothing of its groups is left, and no guardian.
 */
#include "kin.h"
#include "testator.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- A household: groups with everything that could get away ---------------------------------------------------- */

static const char *const shapes[] = {
    "tree 12",
    "child -- setsid -- close-stdio -- ignore TERM,INT,HUP -- hold",
    "double-fork -- setsid -- block-all -- hold",
    "cgroup -- hold",
    "wide 3", /* suspended */
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct household {
    struct witness *witnesses[SHAPES];
    void (*end)(struct testator *testator);
};

static pk_group *last_group;

static void make_groups(const struct household *household)
{
    for (int i = 0; i < SHAPES; i++) {
        last_group = cast_group(PK_MECHANISM_CGROUP2);
        cast_start(last_group, household->witnesses[i], shapes[i]);
    }
}

static void live_and_end(struct testator *testator, const void *data)
{
    const struct household *household = data;
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    make_groups(household);
    household->end(testator);
}

static void open_witnesses(struct household *household)
{
    for (int i = 0; i < SHAPES; i++)
        household->witnesses[i] = witness_new();
}

static void assert_all_stand(struct testator *testator, struct household *household)
{
    testator_hear(testator);
    for (int i = 0; i < SHAPES; i++)
        witness_ready(household->witnesses[i]);
    testator_tell(testator);
    testator_hear(testator);
    for (int i = 0; i < SHAPES; i++)
        witness_assert_alive(household->witnesses[i]);
    assert_false(pidfd_is_dead(testator->guardian, 0));
}

static void assert_all_dead(struct household *household)
{
    for (int i = 0; i < SHAPES; i++) {
        witness_assert_dead(household->witnesses[i], GONE_MS);
        witness_free(household->witnesses[i]);
    }
}

/* ---- Ways to end ------------------------------------------------------------------------------------------------ */

/* Until all members stand, and again until the test is ready for the end. */
static void await(struct testator *testator)
{
    pk_error error;
    testator_say(testator);
    testator_listen(testator);
    assert_ok(pk_group_suspend(last_group, &error), error);
    testator_say(testator);
    testator_listen(testator);
}

static void end_by_exit(struct testator *testator)
{
    await(testator);
    exit(0);
}

static void end_at_once(struct testator *testator)
{
    await(testator);
    _exit(0);
}

static void end_by_abort(struct testator *testator)
{
    await(testator);
    abort();
}

static void end_by_fault(struct testator *testator)
{
    await(testator);
    *(volatile int *)(uintptr_t)testator->testament->values[3] = 1; /* which is 0 */
}

static void end_by_signal(struct testator *testator)
{
    await(testator);
    for (;;)
        pause();
}

static void become_another_program(struct testator *testator)
{
    await(testator);
    execl(adversary_path(), "adversary", "hold", NULL);
}

/* The copy lives on, never executes anything, and must not pass for the owner. */
static void leave_a_copy(struct testator *testator)
{
    pid_t copy = fork();
    if (copy == 0)
        for (;;)
            pause();
    testator->testament->values[0] = copy;
}

static void become_another_program_beside_a_copy(struct testator *testator)
{
    leave_a_copy(testator);
    become_another_program(testator);
}

static void end_beside_a_copy(struct testator *testator)
{
    leave_a_copy(testator);
    end_at_once(testator);
}

static void ignore_event(pk_process *process, pk_event event, void *data)
{
    (void)process, (void)event, (void)data;
}

/* What a loop holds to notice the loss of the guardian is in the copy, too. */
static void become_another_program_beside_a_copy_of_a_loop(struct testator *testator)
{
    pk_error error;
    pk_loop *loop;
    pk_process *process = cast_adversary(cast_group(PK_MECHANISM_CGROUP2), NULL, "hold");
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, ignore_event, NULL, &error), error);
    assert_ok(pk_loop_dispatch(loop, 0, &error), error);
    become_another_program_beside_a_copy(testator);
}

static void end_with_descriptors_closed_twice(struct testator *testator)
{
    for (int round = 0; round < 2; round++)
        for (int fd = 0; fd < 3; fd++)
            close(fd);
    await(testator);
    _exit(0);
}

/* ---- Nothing is left -------------------------------------------------------------------------------------------- */

struct way {
    void (*end)(struct testator *testator);
    bool goes_on; /* as another program */
};

static void nothing_is_left_after(void **state)
{
    const struct way *way = *state;
    struct household household = {.end = way->end};
    open_witnesses(&household);
    struct testator *testator = testator_begin(live_and_end, &household);
    assert_all_stand(testator, &household);
    testator_tell(testator);
    if (household.end == end_by_signal)
        testator_signal(testator, SIGKILL);
    testator_assert_nothing_left(testator);
    assert_all_dead(&household);
    if (way->goes_on)
        assert_false(pidfd_is_dead(testator->pidfd, 0));
    if (testator->testament->values[0] > 0)
        kill((pid_t)testator->testament->values[0], SIGKILL); /* the copy */
    testator_close(testator);
}

/* A program that was closed early, or closes too much, gives the numbers 0 to 2 away: the first groups get them. */
static void close_stdio_and_end(struct testator *testator, const void *data)
{
    for (int fd = 0; fd < 3; fd++)
        close(fd);
    make_groups(data);
    end_with_descriptors_closed_twice(testator);
}

static void nothing_is_left_of_an_owner_without_stdio(void **state)
{
    (void)state;
    struct household household = {.end = NULL};
    open_witnesses(&household);
    struct testator *testator = testator_begin(close_stdio_and_end, &household);
    assert_all_stand(testator, &household);
    testator_tell(testator);
    testator_assert_nothing_left(testator);
    assert_all_dead(&household);
    testator_close(testator);
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

static void *make_groups_in_thread(void *data)
{
    make_groups(data);
    return NULL;
}

static void start_from_a_thread_that_ends(struct testator *testator, const void *data)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, make_groups_in_thread, (void *)(uintptr_t)data), 0);
    pthread_join(thread, NULL);
    guardian_is_asked();
    end_at_once(testator);
}

static void *go_on_alone(void *data)
{
    guardian_is_asked();
    end_at_once(data);
    return NULL;
}

static void end_the_main_thread(struct testator *testator, const void *data)
{
    pthread_t thread;
    make_groups(data);
    assert_int_equal(pthread_create(&thread, NULL, go_on_alone, testator), 0);
    pthread_exit(NULL);
}

static const struct household *household_of_thread;

static void *begin_alone(void *data)
{
    kin_await_end_of_main_thread();
    make_groups(household_of_thread);
    return go_on_alone(data);
}

/* What a process has below /proc/self is empty from then on. */
static void begin_after_the_main_thread(struct testator *testator, const void *data)
{
    pthread_t thread;
    household_of_thread = data;
    assert_int_equal(pthread_create(&thread, NULL, begin_alone, testator), 0);
    pthread_exit(NULL);
}

static void the_end_of_a_thread_is_not_the_owners(void **state)
{
    struct household household = {.end = NULL};
    open_witnesses(&household);
    struct testator *testator = testator_begin((void (*)(struct testator *, const void *)) * state, &household);
    assert_all_stand(testator, &household);
    testator_tell(testator);
    testator_assert_nothing_left(testator);
    assert_all_dead(&household);
    testator_close(testator);
}

#define AFTER(how, lives_on)                                                                                        \
    PK_TEST_NAMED("nothing_is_left_after/" #how, nothing_is_left_after, .data = &(const struct way){how, lives_on}, \
                  .needs = NEEDS_CGROUP2)
#define THREADS(way)                                                                                    \
    PK_TEST_NAMED("the_end_of_a_thread_is_not_the_owners/" #way, the_end_of_a_thread_is_not_the_owners, \
                  .data = (const void *)(way), .needs = NEEDS_CGROUP2)

static const struct test tests[] = {
    AFTER(end_by_exit, false),
    AFTER(end_at_once, false),
    AFTER(end_by_abort, false),
    AFTER(end_by_fault, false),
    AFTER(end_by_signal, false),
    AFTER(become_another_program, true),
    AFTER(become_another_program_beside_a_copy, true),
    AFTER(become_another_program_beside_a_copy_of_a_loop, true),
    AFTER(end_beside_a_copy, false),
    AFTER(end_with_descriptors_closed_twice, false),
    PK_TEST_NAMED("nothing_is_left_after/end_by_signal@delegated", nothing_is_left_after,
                  .data = &(const struct way){end_by_signal, false}, .as = TEST_AS_DELEGATED_USER),
    PK_TEST_WITH(nothing_is_left_of_an_owner_without_stdio, .needs = NEEDS_CGROUP2),
    THREADS(start_from_a_thread_that_ends),
    THREADS(end_the_main_thread),
    THREADS(begin_after_the_main_thread),
};

PK_TEST_MAIN(tests)
