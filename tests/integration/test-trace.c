/*
 * What a trace tells of runs, whoever carries them, and what its callback may do.
 */
#include "course.h"
#include "process/trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* For an adversary to do what it is told: nothing tells a command with a deadline when that is. */
static const pk_duration enough = PK_SECONDS(2);

struct diary {
    char kinds[512]; /* their names, a space behind each */
    pk_trace last;   /* its `program` is not valid any more */
    pk_trace spawned, soft_signal, leader_exited;
    int count;
    pk_trace_kind act_at; /* 0: never */
    void (*act)(struct course *course);
    struct course *course;
};

static void write_diary(const pk_trace *trace, void *data)
{
    struct diary *diary = data;
    size_t length = strlen(diary->kinds);
    snprintf(diary->kinds + length, sizeof(diary->kinds) - length, "%s ", pk_trace_kind_name(trace->kind));
    assert_int_equal(trace->size, sizeof(*trace));
    assert_true(trace->time <= pk_now());
    assert_true(trace->time >= diary->last.time);
    diary->last = *trace;
    if (trace->kind == PK_TRACE_SPAWNED)
        diary->spawned = *trace;
    if (trace->kind == PK_TRACE_SOFT_SIGNAL)
        diary->soft_signal = *trace;
    if (trace->kind == PK_TRACE_LEADER_EXITED)
        diary->leader_exited = *trace;
    diary->count++;
    if (trace->kind == diary->act_at)
        diary->act(diary->course);
}

static pk_command *traced(void **state, const char *words, struct diary *diary)
{
    pk_command *command = course_command(state, words);
    pk_command_trace(command, write_diary, diary);
    return command;
}

/* To its end, traced by the command. */
static void assert_kinds(void **state, pk_command *command, struct diary *diary, const char *kinds)
{
    struct course course;
    course_start(&course, state, command);
    pid_t pid = pk_process_pid(course.process);
    pk_verdict verdict = course_end(&course)->verdict;
    course_close(&course);
    assert_string_equal(diary->kinds, kinds);
    assert_int_equal(diary->last.kind, PK_TRACE_ENDED);
    assert_int_equal(diary->last.verdict, verdict);
    assert_int_equal(diary->last.pid, pid);
}

/* ---- Runs -------------------------------------------------------------------------------------------------------- */

static void a_plain_run(void **state)
{
    struct diary diary = {0};
    const struct way *way = *state;
    pk_auto(pk_command) command = traced(state, "exit 3", &diary);
    pk_time before = pk_now();
    assert_kinds(state, command, &diary, "spawned leader-exited tree-empty ended ");
    assert_int_equal(diary.spawned.mechanism, way->mechanism);
    assert_int_equal(diary.spawned.pid, diary.last.pid);
    assert_true(diary.spawned.time >= before + diary.spawned.duration);
    assert_true(diary.spawned.duration > 0 && diary.spawned.duration < diary.last.duration);
    assert_int_equal(diary.leader_exited.ending, PK_ENDING_EXITED);
    assert_int_equal(diary.leader_exited.exit_code, 3);
    assert_int_equal(diary.leader_exited.verdict, 0);
    assert_int_equal(diary.last.exit_code, 3);
}

static void a_run_that_times_out(void **state)
{
    struct diary diary = {0};
    pk_auto(pk_command) command = traced(state, "hold", &diary);
    pk_command_timeout(command, PK_MILLISECONDS(50));
    assert_kinds(state, command, &diary, "spawned timed-out soft-signal leader-exited tree-empty ended ");
    assert_int_equal(diary.soft_signal.signal_number, SIGTERM);
    assert_int_equal(diary.soft_signal.number, 0);
    assert_true(diary.soft_signal.duration >= PK_MILLISECONDS(50));
    assert_int_equal(diary.last.signal_number, SIGTERM);
    assert_int_equal(diary.last.ending, PK_ENDING_SIGNALLED);
}

static void a_run_that_does_not_obey(void **state)
{
    struct diary diary = {0};
    pk_auto(pk_command) command = traced(state, "ignore TERM -- hold", &diary);
    pk_command_timeout(command, enough);
    pk_command_grace(command, PK_MILLISECONDS(20));
    assert_kinds(state, command, &diary, "spawned timed-out soft-signal hard-kill leader-exited tree-empty ended ");
    assert_int_equal(diary.last.signal_number, SIGKILL);
}

static void a_run_that_is_silent(void **state)
{
    struct diary diary = {0};
    pk_auto(pk_command) command = traced(state, "hold", &diary);
    pk_command_capture(command, 1, NULL);
    pk_command_idle_timeout(command, PK_MILLISECONDS(50));
    assert_kinds(state, command, &diary, "spawned idle soft-signal leader-exited tree-empty ended ");
}

static void a_run_that_is_cancelled(void **state)
{
    struct diary diary = {0};
    struct course course;
    pk_error error;
    pk_auto(pk_cancel) cancel = NULL;
    pk_auto(pk_command) command = traced(state, "hold", &diary);
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_command_cancel(command, cancel);
    course_start(&course, state, command);
    pk_cancel_now(cancel);
    course_end(&course);
    course_close(&course);
    assert_string_equal(diary.kinds, "spawned cancelled soft-signal leader-exited tree-empty ended ");
}

static void a_run_that_is_too_loud(void **state)
{
    struct diary diary = {0};
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = options.tail = 100;
    options.overflow = PK_OVERFLOW_KILL;
    pk_auto(pk_command) command = traced(state, "flood", &diary);
    pk_command_capture(command, 1, &options);
    assert_kinds(state, command, &diary, "spawned overflow hard-kill leader-exited tree-empty ended ");
}

/* It stands when this returns. */
static void begin_stubborn(struct course *course, void **state, struct diary *diary)
{
    pk_error error;
    pk_line line;
    pk_auto(pk_command) command = traced(state, "block-all -- print ready -- hold", diary);
    pk_command_pipe(command, 1);
    course_prepare(course, state, command);
    assert_ok(pk_process_next_line(course->process, 1, &line, PK_FOREVER, &error), error);
    course_watch(course, state);
}

static void a_run_that_is_stopped(void **state)
{
    struct diary diary = {0};
    struct course course;
    pk_error error;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    begin_stubborn(&course, state, &diary);
    options.signal_number = SIGINT;
    assert_ok(pk_process_stop(course.process, &options, &error), error);
    assert_int_equal(diary.soft_signal.signal_number, SIGINT);
    options.signal_number = SIGTERM;
    assert_ok(pk_process_stop(course.process, &options, &error), error);
    options.grace = 0;
    assert_ok(pk_process_stop(course.process, &options, &error), error);
    course_end(&course);
    course_close(&course);
    assert_string_equal(diary.kinds,
                        "spawned stopped soft-signal soft-signal hard-kill leader-exited tree-empty ended ");
    assert_int_equal(diary.soft_signal.signal_number, SIGTERM);
}

static void leftovers_that_are_killed(void **state)
{
    struct diary diary = {0};
    pk_auto(pk_command) command = traced(state, "leave 0 -- hold", &diary);
    assert_kinds(state, command, &diary, "spawned leader-exited hard-kill tree-empty ended ");
}

static void leftovers_that_stay(void **state)
{
    struct diary diary = {0};
    pk_auto(pk_command) command = traced(state, "leave 0 -- sleep 50", &diary);
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_command_capture(command, 1, NULL); /* which ends with it */
    pk_command_drain(command, PK_SECONDS(300));
    assert_kinds(state, command, &diary, "spawned leader-exited spared ended ");
    course_await_the_spared();
}

static void a_run_in_a_shared_group(void **state)
{
    const struct way *way = *state;
    struct diary diary = {0};
    pk_error error;
    pk_process *process;
    pk_command *command = cast_command(NULL, "exit 0");
    pk_group *group = cast_group(way->mechanism);
    pk_command_trace(command, write_diary, &diary);
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    pk_process_free(process);
    pk_group_free(group);
    pk_command_free(command);
    assert_string_equal(diary.kinds, "spawned leader-exited ended ");
}

/* ---- Starts ------------------------------------------------------------------------------------------------------ */

static void read_program(const pk_trace *trace, void *data)
{
    assert_string_equal(trace->program, "no-such-program");
    write_diary(trace, data);
}

static void a_start_that_fails(void **state)
{
    (void)state;
    struct diary diary = {0};
    pk_error error;
    pk_process *process;
    pk_auto(pk_command) command = pk_command_new("no-such-program", "secret", NULL);
    pk_command_setenv(command, "SECRET", "secret");
    pk_command_trace(command, read_program, &diary);
    assert_int_equal(pk_command_start(command, &process, &error), -ENOENT);
    assert_string_equal(diary.kinds, "spawn-failed ");
    assert_int_equal(diary.last.step, PK_STEP_EXEC);
    assert_int_equal(diary.last.number, -ENOENT);
    assert_int_equal(diary.last.pid, 0);
    assert_int_equal(pk_command_start(command, &process, NULL), -ENOENT); /* without anybody who wants to know why */
    assert_int_equal(diary.last.step, PK_STEP_EXEC);
    pk_command_timeout(command, 0);
    assert_int_equal(pk_command_start(command, &process, NULL), -EINVAL);
    assert_int_equal(diary.last.step, PK_STEP_ARGUMENTS);
    pk_command_trace(command, NULL, NULL);
    assert_int_equal(pk_command_start(command, &process, NULL), -EINVAL);
    assert_int_equal(diary.count, 3);
}

static void a_further_attempt(void **state)
{
    (void)state;
    struct diary diary = {0};
    pk_error why = {.number = -EAGAIN, .step = PK_STEP_CLONE};
    pk_auto(pk_command) command = pk_command_new("no-such-program", NULL);
    trace_retry(command, 2, PK_SECONDS(1), &why);
    pk_command_trace(command, read_program, &diary);
    trace_retry(command, 3, PK_SECONDS(2), &why);
    assert_string_equal(diary.kinds, "retry ");
    assert_int_equal(diary.last.attempt, 3);
    assert_int_equal(diary.last.pause, PK_SECONDS(2));
    assert_int_equal(diary.last.number, -EAGAIN);
    assert_int_equal(diary.last.step, PK_STEP_CLONE);
}

static bool always(const pk_error *error, unsigned attempt, void *data)
{
    (void)error, (void)attempt, (void)data;
    return true;
}

static void a_command_that_is_tried_again(void **state)
{
    struct diary diary = {0};
    pk_error error;
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    options.attempts = 2;
    options.first_pause = 0;
    options.again = always;
    pk_auto(pk_command) command = traced(state, "exit 3", &diary);
    pk_command_retry(command, &options);
    assert_int_equal(pk_command_check(command, &error), -EPROTO);
    assert_string_equal(diary.kinds, "spawned leader-exited tree-empty ended retry "
                                     "spawned leader-exited tree-empty ended ");
}

static void names_of_kinds(void **state)
{
    (void)state;
    assert_string_equal(pk_trace_kind_name(PK_TRACE_SPAWN_FAILED), "spawn-failed");
    assert_string_equal(pk_trace_kind_name(PK_TRACE_FREED), "freed");
    assert_string_equal(pk_trace_kind_name(0), "unknown");
    assert_string_equal(pk_trace_kind_name(PK_TRACE_FREED + 1), "unknown");
    for (pk_trace_kind kind = PK_TRACE_SPAWNED; kind <= PK_TRACE_FREED; kind++)
        assert_string_not_equal(pk_trace_kind_name(kind), "unknown");
}

/* ---- What a callback may do -------------------------------------------------------------------------------------- */

static void free_at(void **state, const char *words, pk_trace_kind kind, const char *kinds)
{
    struct course course;
    struct diary diary = {.act_at = kind, .act = course_free_inside, .course = &course};
    pk_auto(pk_command) command = traced(state, words, &diary);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_timeout(command, enough);
    pk_command_grace(command, PK_SECONDS(300));
    course_start(&course, state, command);
    assert_null(course_end(&course));
    course_close(&course);
    assert_string_equal(diary.kinds, kinds);
}

static void it_may_free_the_process(void **state)
{
    free_at(state, "block-all -- hold", PK_TRACE_TIMED_OUT, "spawned timed-out freed ");
    free_at(state, "block-all -- hold", PK_TRACE_SOFT_SIGNAL, "spawned timed-out soft-signal freed ");
    free_at(state, "leave 0 -- hold", PK_TRACE_LEADER_EXITED, "spawned leader-exited freed ");
    free_at(state, "exit 0", PK_TRACE_ENDED, "spawned leader-exited tree-empty ended ");
}

/* Between the end and the record of it. */
static void one_that_is_freed_in_between_has_its_end_told(void **state)
{
    free_at(state, "exit 0", PK_TRACE_TREE_EMPTY, "spawned leader-exited tree-empty ended ");
}

static void kill_now(struct course *course)
{
    pk_error error;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = 0;
    assert_ok(pk_process_stop(course->process, &options, &error), error);
}

static void it_may_stop_the_process(void **state)
{
    struct course course;
    struct diary diary = {.act_at = PK_TRACE_TIMED_OUT, .act = kill_now, .course = &course};
    pk_auto(pk_command) command = traced(state, "block-all -- hold", &diary);
    pk_command_timeout(command, enough);
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    course_close(&course);
    assert_string_equal(diary.kinds, "spawned timed-out soft-signal hard-kill leader-exited tree-empty ended ");
}

static void a_freed_process_is_told_of(void **state)
{
    struct diary diary = {0};
    struct course course;
    pk_auto(pk_command) command = traced(state, "hold", &diary);
    course_start(&course, state, command);
    course_close(&course);
    assert_string_equal(diary.kinds, "spawned freed ");
}

/* ---- Loops ------------------------------------------------------------------------------------------------------- */

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    struct course *course = data;
    course->ended = event == PK_EVENT_ENDED;
}

static void watch_traced(struct course *course, struct diary *diary)
{
    pk_error error;
    assert_ok(pk_loop_create(&course->loop, &error), error);
    pk_loop_trace(course->loop, write_diary, diary);
    assert_ok(pk_process_watch(course->process, course->loop, note_end, course, &error), error);
    assert_string_equal(diary->kinds, ""); /* callbacks come from the dispatch only */
}

static void a_loop_traces_what_it_carries(void **state)
{
    struct diary of_loop = {0}, of_command = {0};
    struct course course;
    pk_auto(pk_command) command = traced(state, "exit 7", &of_command);
    course_prepare(&course, state, command);
    watch_traced(&course, &of_loop);
    pk_command_trace(command, NULL, NULL); /* for those that are started from now on */
    assert_string_equal(of_command.kinds, "spawned ");
    course_end(&course);
    course_close(&course);
    assert_string_equal(of_loop.kinds, "spawned leader-exited tree-empty ended ");
    assert_string_equal(of_command.kinds, "spawned leader-exited tree-empty ended ");
    assert_int_equal(of_loop.spawned.time, of_command.spawned.time);
    assert_int_equal(of_loop.spawned.duration, of_command.spawned.duration);
    assert_int_equal(of_loop.last.exit_code, 7);
}

/* One that goes on until it is let go, in a loop that is traced: what has been told when it has begun. */
static void begin_in_loop(struct course *course, void **state, struct diary *diary)
{
    pk_auto(pk_command) command = course_command(state, "read-bytes 1");
    pk_command_pipe(command, 0);
    course_prepare(course, state, command);
    watch_traced(course, diary);
    course_run(course, PK_MILLISECONDS(20));
    assert_string_equal(diary->kinds, "spawned ");
}

static void end_in_loop(struct course *course)
{
    pk_process_close_input(course->process);
    course_end(course);
    course_close(course);
}

static void a_loop_that_is_not_traced_any_more_is_silent(void **state)
{
    struct diary diary = {0};
    struct course course;
    begin_in_loop(&course, state, &diary);
    pk_loop_trace(course.loop, NULL, NULL);
    end_in_loop(&course);
    assert_string_equal(diary.kinds, "spawned ");
}

static void a_loop_hears_of_what_is_freed(void **state)
{
    struct diary diary = {0};
    struct course course;
    begin_in_loop(&course, state, &diary);
    course_close(&course);
    assert_string_equal(diary.kinds, "spawned freed ");
}

static void a_trace_may_begin_in_the_middle(void **state)
{
    struct diary diary = {0};
    struct course course;
    pk_auto(pk_command) command = course_command(state, "exit 0");
    course_start(&course, state, command);
    pk_loop_trace(course.loop, write_diary, &diary);
    course_end(&course);
    course_close(&course);
    assert_string_equal(diary.kinds, "spawned leader-exited tree-empty ended ");
}

/* Nobody carries it on any more. */
static void a_loop_may_be_freed_first(void **state)
{
    struct diary diary = {0};
    struct course course;
    begin_in_loop(&course, state, &diary);
    course.loop = pk_loop_free(course.loop);
    course_close(&course);
    assert_string_equal(diary.kinds, "spawned ");
}

/* What has ended before the watch is none that the loop carries. */
static void a_loop_is_not_told_of_what_has_ended_before(void **state)
{
    struct diary diary = {0};
    struct course course;
    pk_error error;
    pk_auto(pk_command) command = course_command(state, "exit 0");
    course_prepare(&course, state, command);
    assert_ok(pk_process_wait(course.process, PK_FOREVER, NULL, &error), error);
    watch_traced(&course, &diary);
    course_end(&course);
    course_close(&course);
    assert_string_equal(diary.kinds, "");
}

/* ------------------------------------------------------------------------------------------------------------------ */

#define EACH_LOOP(function)                                                                           \
    PK_TEST_NAMED(#function "/cgroup2", function, .data = &way_loop_cgroup2, .needs = NEEDS_CGROUP2), \
        PK_TEST_NAMED(#function "/reaper", function, .data = &way_loop_reaper)

static const struct test tests[] = {
    EACH_WAY(a_plain_run),
    EACH_WAY(a_run_that_times_out),
    EACH_WAY(a_run_that_does_not_obey),
    EACH_WAY(a_run_that_is_silent),
    EACH_WAY(a_run_that_is_cancelled),
    EACH_WAY(a_run_that_is_too_loud),
    EACH_WAY(a_run_that_is_stopped),
    EACH_WAY(leftovers_that_are_killed),
    EACH_WAY(leftovers_that_stay),
    EACH_MECHANISM(a_run_in_a_shared_group),
    PK_TEST(a_start_that_fails),
    PK_TEST(a_further_attempt),
    EACH_WAY(a_command_that_is_tried_again),
    PK_TEST(names_of_kinds),
    EACH_WAY(it_may_free_the_process),
    EACH_WAY(one_that_is_freed_in_between_has_its_end_told),
    EACH_WAY(it_may_stop_the_process),
    EACH_WAY(a_freed_process_is_told_of),
    EACH_LOOP(a_loop_traces_what_it_carries),
    EACH_LOOP(a_loop_that_is_not_traced_any_more_is_silent),
    EACH_LOOP(a_loop_hears_of_what_is_freed),
    EACH_LOOP(a_trace_may_begin_in_the_middle),
    EACH_LOOP(a_loop_may_be_freed_first),
    EACH_LOOP(a_loop_is_not_told_of_what_has_ended_before),
};
PK_TEST_MAIN(tests)
