/*
 * When a run with streams is over: holders, drains, deadlines, silence, cancelling, and tees in the way.
 */
#include "course.h"
#include "lines.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pk_command *captured(void **state, const struct witness *witness, const char *words)
{
    pk_command *command = course_reporting_command(state, witness, words);
    pk_command_capture(command, 1, NULL);
    return command;
}

/* ---- Who still holds the pipe ----------------------------------------------------------------------------------- */

/* It is killed with the tree, wherever it went: nothing is waited for. */
static void a_silent_holder_dies_with_the_tree(void **state)
{
    struct course course;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = captured(state, witness, "print early -- leave 0 -- setsid -- hold");
    pk_command_drain(command, PK_SECONDS(300));
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_EXITED);
    assert_captured(&course, 1, "early\n");
    assert_false(pk_process_capture(course.process, 1)->cut_off);
    witness_update(witness);
    witness_assert_dead(witness, GONE_MS);
    course_close(&course);
    witness_free(witness);
}

/* One that is out of reach is waited for as long as the drain, and no longer. */
static void give_up_on(void **state, const char *words, pk_leftovers policy, pk_duration drain)
{
    struct course course;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = captured(state, witness, words);
    pk_command_leftovers(command, policy);
    pk_command_drain(command, drain);
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_EXITED);
    const pk_capture *capture = pk_process_capture(course.process, 1);
    assert_memory_equal(capture->bytes, "early\n", 6);
    assert_true(capture->cut_off);
    course_close(&course);
    witness_update(witness);
    if (strstr(words, "hold")) /* a writer finds its pipe closed */
        assert_int_equal(witness_alive(witness), 1);
    witness_free(witness);
    course_await_the_spared();
}

static void an_escaped_holder_costs_the_drain(void **state)
{
    pk_time begin = pk_now();
    give_up_on(state, "print early -- leave 0 -- setsid -- hold", PK_LEFTOVERS_KILL, PK_MILLISECONDS(300));
    assert_true(pk_now() - begin >= PK_MILLISECONDS(300));
    begin = pk_now();
    give_up_on(state, "print early -- leave 0 -- setsid -- hold", PK_LEFTOVERS_KILL, 0);
    assert_true(pk_now() - begin < PK_SECONDS(5) * test_slowness());
}

/* Nor does that cost any work. */
static void an_escaped_holder_wakes_nobody(void **state)
{
    struct course course;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = captured(state, witness, "print early -- leave 0 -- setsid -- hold");
    pk_command_drain(command, PK_MILLISECONDS(500));
    course_start(&course, state, command);
    sys_fault_clear();
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_EXITED);
    assert_in_range(sys_fault_count("ppoll") + sys_fault_count("epoll_pwait2") + sys_fault_count("epoll_wait"), 1, 60);
    course_close(&course);
    witness_update(witness);
    witness_free(witness);
    course_await_the_spared();
}

static void a_spared_holder_costs_the_drain(void **state)
{
    pk_time begin = pk_now();
    give_up_on(state, "print early -- leave 0 -- hold", PK_LEFTOVERS_ALLOW, PK_MILLISECONDS(300));
    assert_true(pk_now() - begin >= PK_MILLISECONDS(300));
}

/* Nor is there an end of what it writes. */
static void a_spared_writer_costs_the_drain(void **state)
{
    pk_time begin = pk_now();
    give_up_on(state, "print early -- leave 0 -- flood", PK_LEFTOVERS_ALLOW, PK_MILLISECONDS(50));
    give_up_on(state, "print early -- leave 0 -- chatter 1", PK_LEFTOVERS_ALLOW, PK_MILLISECONDS(50));
    assert_true(pk_now() - begin < PK_SECONDS(20) * test_slowness());
}

static void an_escaped_writer_costs_the_drain(void **state)
{
    give_up_on(state, "print early -- leave 0 -- setsid -- flood", PK_LEFTOVERS_KILL, PK_MILLISECONDS(50));
}

static void late_output_is_kept(void **state)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, NULL, "print early -- leave 0 -- sleep 50 -- print late");
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_command_drain(command, PK_SECONDS(300));
    course_start(&course, state, command);
    course_end(&course);
    assert_captured(&course, 1, "early\nlate\n");
    assert_false(pk_process_capture(course.process, 1)->cut_off);
    course_close(&course);
    course_await_the_spared();
}

/* ---- Time ------------------------------------------------------------------------------------------------------- */

static void a_deadline_ends_a_silent_run(void **state)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, NULL, "print early -- half-line");
    pk_command_timeout(command, PK_MILLISECONDS(500) * test_slowness());
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    assert_captured(&course, 1, "early\nhalf a line");
    course_close(&course);
}

static void deadlines_may_be_past_or_never(void **state)
{
    struct course course;
    pk_auto(pk_command) past = captured(state, NULL, "hold");
    pk_command_timeout(past, 1);
    course_start(&course, state, past);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    course_close(&course);

    pk_auto(pk_command) never = captured(state, NULL, "print early");
    pk_command_timeout(never, PK_FOREVER);
    pk_command_idle_timeout(never, PK_FOREVER);
    pk_command_drain(never, PK_FOREVER);
    course_start(&course, state, never);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_EXITED);
    assert_captured(&course, 1, "early\n");
    course_close(&course);
}

static void silence_ends_a_run(void **state)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, NULL, "print early -- hold");
    pk_command_idle_timeout(command, PK_MILLISECONDS(300) * test_slowness());
    course_start(&course, state, command);
    const pk_result *result = course_end(&course);
    assert_int_equal(result->verdict, PK_VERDICT_IDLE);
    assert_int_equal(result->soft_signal, SIGTERM);
    assert_true(result->wall >= PK_MILLISECONDS(300));
    assert_captured(&course, 1, "early\n");
    course_close(&course);
}

static void who_writes_is_not_silent(void **state)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, NULL, "chatter 20");
    pk_duration idle = PK_MILLISECONDS(500) * (3 + test_slowness());
    pk_command_idle_timeout(command, idle);
    pk_command_timeout(command, idle + idle / 4);
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    course_close(&course);
}

static void be_away(pk_duration duration)
{
    struct timespec time = {(time_t)(duration / PK_SECONDS(1)), (long)(duration % PK_SECONDS(1))};
    nanosleep(&time, NULL);
}

/* That nobody has read it yet is not the child's fault. */
static void an_owner_who_was_away_finds_no_silence(void **state)
{
    struct course course;
    pk_duration idle = PK_MILLISECONDS(400) * test_slowness();
    pk_auto(pk_command) command = captured(state, NULL, "chatter 10");
    pk_command_idle_timeout(command, idle);
    course_start(&course, state, command);
    course_run(&course, PK_MILLISECONDS(1));
    be_away(idle + idle / 4);
    assert_false(course_run(&course, PK_MILLISECONDS(100)));
    assert_int_equal(pk_process_stop(course.process, NULL, NULL), 0);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_STOPPED);
    course_close(&course);
}

/* The run had ended before. */
static void what_has_ended_is_neither_idle_nor_late_nor_cancelled(void **state)
{
    struct course course;
    pk_cancel *cancel;
    pk_error error;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_auto(pk_command) command = captured(state, NULL, "print done");
    pk_command_idle_timeout(command, PK_MILLISECONDS(1000));
    pk_command_timeout(command, PK_MILLISECONDS(1000));
    pk_command_cancel(command, cancel);
    course_start(&course, state, command);
    assert_true(pidfd_is_dead(pk_process_pidfd(course.process), 900));
    be_away(PK_MILLISECONDS(1010));
    pk_cancel_now(cancel);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_EXITED);
    assert_captured(&course, 1, "done\n");
    course_close(&course);
    pk_cancel_free(cancel);
}

/* Nobody has looked yet when the owner stops it. */
static void what_has_ended_was_not_stopped(void **state)
{
    struct course course;
    pk_stop_options hard = PK_STOP_OPTIONS_INIT;
    hard.grace = 0;
    for (int stops = 1; stops <= 2; stops++) {
        pk_auto(pk_command) command = captured(state, NULL, "print done -- exit 3");
        course_start(&course, state, command);
        assert_true(pidfd_is_dead(pk_process_pidfd(course.process), 20000));
        for (int i = 0; i < stops; i++)
            assert_int_equal(pk_process_stop(course.process, i ? &hard : NULL, NULL), 0);
        const pk_result *result = course_end(&course);
        assert_int_equal(result->verdict, PK_VERDICT_EXITED);
        assert_int_equal(result->exit_code, 3);
        assert_int_equal(result->soft_signal, 0);
        assert_false(result->hard_killed);
        assert_captured(&course, 1, "done\n");
        course_close(&course);
    }
}

/* Its tree is ended, as leftovers are. */
static void a_leader_that_has_ended_was_not_stopped(void **state)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, NULL, "print done -- leave 3 -- hold");
    course_start(&course, state, command);
    assert_true(pidfd_is_dead(pk_process_pidfd(course.process), 20000));
    assert_int_equal(pk_process_stop(course.process, NULL, NULL), 0);
    const pk_result *result = course_end(&course);
    assert_int_equal(result->verdict, PK_VERDICT_EXITED);
    assert_int_equal(result->exit_code, 3);
    assert_int_equal(result->leftover_count, 1);
    course_close(&course);
}

/* ---- Cancelling ------------------------------------------------------------------------------------------------- */

static pk_cancel *token;

static void cancel_in_handler(int number)
{
    (void)number;
    pk_cancel_now(token);
}

static void *cancel_in_thread(void *data)
{
    (void)data;
    pk_cancel_now(token);
    return NULL;
}

static void start_cancellable(void **state, struct course *course)
{
    pk_error error;
    assert_ok(pk_cancel_create(&token, &error), error);
    pk_auto(pk_command) command = captured(state, NULL, "print early -- hold");
    pk_command_cancel(command, token);
    course_start(course, state, command);
    while (pk_process_bytes(course->process, 1) < 6)
        course_run(course, PK_MILLISECONDS(1));
}

static void end_cancelled(struct course *course)
{
    const pk_result *result = course_end(course);
    assert_int_equal(result->verdict, PK_VERDICT_CANCELLED);
    assert_int_equal(result->soft_signal, SIGTERM);
    assert_captured(course, 1, "early\n");
    assert_true(pk_cancel_is_set(token));
    course_close(course);
    token = pk_cancel_free(token);
}

static void a_run_can_be_cancelled(void **state)
{
    struct course course;
    start_cancellable(state, &course);
    assert_false(course_run(&course, PK_MILLISECONDS(1)));
    pk_cancel_now(token);
    pk_cancel_now(token);
    end_cancelled(&course);
}

static void it_can_be_cancelled_from_another_thread(void **state)
{
    struct course course;
    pthread_t thread;
    start_cancellable(state, &course);
    assert_int_equal(pthread_create(&thread, NULL, cancel_in_thread, NULL), 0);
    course_end(&course);
    pthread_join(thread, NULL);
    end_cancelled(&course);
}

static void it_can_be_cancelled_from_a_signal_handler(void **state)
{
    struct course course;
    struct sigaction action = {.sa_handler = cancel_in_handler};
    struct itimerspec soon = {.it_value.tv_nsec = 30000000};
    timer_t timer;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    start_cancellable(state, &course);
    assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
    end_cancelled(&course);
    timer_delete(timer);
}

static void what_was_cancelled_does_not_start(void **state)
{
    pk_error error = {0};
    pk_process *process = NULL;
    assert_ok(pk_cancel_create(&token, &error), error);
    pk_auto(pk_command) command = captured(state, NULL, "hold");
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.spill = scratch("not made");
    pk_command_capture(command, 1, &options);
    pk_command_cancel(command, token);
    pk_cancel_now(token);
    assert_int_equal(pk_command_start(command, &process, &error), -ECANCELED);
    assert_int_equal(access(options.spill, F_OK), -1);
    assert_int_equal(error.kind, PK_ERROR_CANCELLED);
    assert_null(process);
    pk_command_cancel(command, NULL); /* not any more */
    assert_ok(pk_command_start(command, &process, &error), error);
    pk_process_free(process);
    token = pk_cancel_free(token);
}

/* The last one frees it: a run needs neither command nor caller for that. */
static void a_run_keeps_its_token(void **state)
{
    struct course courses[3];
    pk_error error;
    assert_ok(pk_cancel_create(&token, &error), error);
    pk_command *command = captured(state, NULL, "hold");
    pk_command_cancel(command, token);
    for (int i = 0; i < 3; i++)
        course_start(&courses[i], state, command);
    pk_command_free(command);
    course_close(&courses[0]);
    pk_cancel_now(token);
    token = pk_cancel_free(token);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(course_end(&courses[i])->verdict, PK_VERDICT_CANCELLED);
        course_close(&courses[i]);
    }
}

/* ---- Tees in the way -------------------------------------------------------------------------------------------- */

static void a_blocked_tee_holds_the_child_and_no_deadline(void **state)
{
    struct course course;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pk_auto(pk_command) command = captured(state, NULL, "flood");
    pk_command_tee(command, 1, ends[1], PK_TEE_RAW);
    pk_command_timeout(command, PK_MILLISECONDS(500));
    course_start(&course, state, command);
    assert_int_equal(course_end(&course)->verdict, PK_VERDICT_TIMED_OUT);
    assert_true(pk_process_bytes(course.process, 1) < 1000000);
    assert_true(pk_process_capture(course.process, 1)->cut_off);
    assert_int_equal(pk_process_tee_error(course.process, 1), 0);
    course_close(&course);
    close(ends[0]);
    close(ends[1]);
}

/* Without a deadline it is waited for, and then everything comes. */
static void a_slow_tee_gets_everything(void **state)
{
    enum { TOTAL = 500000 };
    struct course course;
    int ends[2];
    static char buffer[65536];
    size_t got = 0;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    pk_auto(pk_command) command = captured(state, NULL, "bytes 500000");
    pk_command_tee(command, 1, ends[1], PK_TEE_RAW);
    pk_command_drain(command, 0);
    course_start(&course, state, command);
    while (!course_run(&course, PK_MILLISECONDS(2))) {
        ssize_t r = read(ends[0], buffer, 30000);
        got += r > 0 ? (size_t)r : 0;
    }
    for (ssize_t r; (r = read(ends[0], buffer, sizeof(buffer))) > 0;)
        got += (size_t)r;
    assert_int_equal(got, TOTAL);
    assert_int_equal(pk_process_capture(course.process, 1)->length, TOTAL);
    assert_false(pk_process_capture(course.process, 1)->cut_off);
    course_close(&course);
    close(ends[0]);
    close(ends[1]);
}

static void run_with_failing_tee(void **state, int fd, int error)
{
    struct course course;
    pk_auto(pk_command) command = captured(state, NULL, "bytes 500000");
    pk_command_tee(command, 1, fd, PK_TEE_RAW);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_int_equal(pk_process_capture(course.process, 1)->length, 500000);
    assert_int_equal(pk_process_tee_error(course.process, 1), error);
    course_close(&course);
}

static void a_tee_that_fails_is_left_out(void **state)
{
    int ends[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
    run_with_failing_tee(state, ends[1], -EPIPE);
    run_with_failing_tee(state, full, -ENOSPC);
    close(ends[1]);
    close(full);
}

static void a_full_disk_is_told(void **state)
{
    struct course course;
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.spill = "/dev/full";
    pk_auto(pk_command) command = course_command(state, "bytes 500000");
    pk_command_capture(command, 1, &options);
    course_start(&course, state, command);
    assert_true(pk_result_is_success(course_end(&course)));
    assert_int_equal(pk_process_capture(course.process, 1)->spill_error, -ENOSPC);
    assert_int_equal(pk_process_capture(course.process, 1)->length, 500000);
    course_close(&course);
}

static const struct test tests[] = {
    EACH_WAY(a_silent_holder_dies_with_the_tree),
    EACH_LEAKY_WAY(an_escaped_holder_costs_the_drain),
    EACH_LEAKY_WAY(an_escaped_holder_wakes_nobody),
    EACH_LEAKY_WAY(an_escaped_writer_costs_the_drain),
    EACH_WAY(a_spared_holder_costs_the_drain),
    EACH_WAY(a_spared_writer_costs_the_drain),
    EACH_WAY(late_output_is_kept),
    EACH_WAY(a_deadline_ends_a_silent_run),
    EACH_WAY(deadlines_may_be_past_or_never),
    EACH_WAY(silence_ends_a_run),
    EACH_WAY(who_writes_is_not_silent),
    EACH_WAY(an_owner_who_was_away_finds_no_silence),
    EACH_WAY(what_has_ended_is_neither_idle_nor_late_nor_cancelled),
    EACH_WAY(what_has_ended_was_not_stopped),
    EACH_WAY(a_leader_that_has_ended_was_not_stopped),
    EACH_WAY(a_run_can_be_cancelled),
    EACH_WAY(it_can_be_cancelled_from_another_thread),
    EACH_WAY(it_can_be_cancelled_from_a_signal_handler),
    EACH_WAY(what_was_cancelled_does_not_start),
    EACH_WAY(a_run_keeps_its_token),
    EACH_WAY(a_blocked_tee_holds_the_child_and_no_deadline),
    EACH_WAY(a_slow_tee_gets_everything),
    EACH_WAY(a_tee_that_fails_is_left_out),
    EACH_WAY(a_full_disk_is_told),
};

PK_TEST_MAIN(tests)
