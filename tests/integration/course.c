/*
 * Runs, and who carries them.
 */
#include "course.h"

#include <errno.h>
#include <sys/wait.h>

const struct way way_wait_cgroup2 = {PK_MECHANISM_CGROUP2, false}, way_loop_cgroup2 = {PK_MECHANISM_CGROUP2, true},
                 way_wait_reaper = {PK_MECHANISM_REAPER, false}, way_loop_reaper = {PK_MECHANISM_REAPER, true},
                 way_wait_process_group = {PK_MECHANISM_PROCESS_GROUP, false},
                 way_loop_process_group = {PK_MECHANISM_PROCESS_GROUP, true};

enum { PATIENCE_S = 60 };

pk_command *course_reporting_command(void **state, const struct witness *witness, const char *words)
{
    const struct way *way = *state;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_command *command = cast_command(witness, words);
    options.mechanism = way->mechanism;
    pk_command_contain(command, &options);
    return command;
}

pk_command *course_command(void **state, const char *words)
{
    return course_reporting_command(state, NULL, words);
}

static void on_event(pk_process *process, pk_event event, void *data)
{
    struct course *course = data;
    assert_ptr_equal(process, course->process);
    assert_false(course->ended);
    course->ended = event == PK_EVENT_ENDED;
    assert_true(!course->ended || pk_process_result(process));
}

void course_prepare(struct course *course, void **state, const pk_command *command)
{
    pk_error error;
    (void)state;
    *course = (struct course){0};
    assert_ok(pk_command_start(command, &course->process, &error), error);
}

void course_watch(struct course *course, void **state)
{
    const struct way *way = *state;
    pk_error error;
    if (!way->by_loop)
        return;
    assert_ok(pk_loop_create(&course->loop, &error), error);
    assert_ok(pk_process_watch(course->process, course->loop, on_event, course, &error), error);
}

void course_start(struct course *course, void **state, const pk_command *command)
{
    course_prepare(course, state, command);
    course_watch(course, state);
}

static void run_by_loop(struct course *course, pk_time until)
{
    pk_error error;
    do
        assert_ok(pk_loop_dispatch(course->loop, until, &error), error);
    while (course->process && !course->ended && pk_now() < until);
}

static void run_by_wait(struct course *course, pk_time until)
{
    pk_error error = {0};
    int r = pk_process_wait(course->process, until, NULL, &error);
    assert_int_equal(error.number, r);
    if (!course->process) {
        assert_int_equal(r, -ECANCELED);
        return;
    }
    if (r != -ETIMEDOUT)
        assert_ok(r, error);
    course->ended = r == 0;
}

bool course_run(struct course *course, pk_duration duration)
{
    if (!course->process || course->ended)
        return course->ended;
    if (course->loop)
        run_by_loop(course, pk_deadline(duration));
    else
        run_by_wait(course, pk_deadline(duration));
    return course->ended;
}

const pk_result *course_end(struct course *course)
{
    course_run(course, PK_SECONDS(PATIENCE_S) * test_slowness());
    if (!course->process)
        return NULL;
    assert_true(course->ended);
    return pk_process_result(course->process);
}

void course_free_inside(struct course *course)
{
    pk_process *process = course->process;
    course->process = NULL;
    pk_process_free(process);
}

void course_close(struct course *course)
{
    pk_process_free(course->process);
    pk_loop_free(course->loop);
    *course = (struct course){0};
}

void course_await_the_spared(void)
{
    siginfo_t info;
    do
        pk_leave();
    while (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0);
}
