/*
 * Commands that are played, and those who are there as well: other threads, other waiters, forked copies.
 */
#include "playing.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pk_process *start(const pk_command *command)
{
    pk_error error;
    pk_process *process = NULL;
    assert_ok(pk_command_start(command, &process, &error), error);
    return process;
}

static bool has_ended(pk_process *process)
{
    pk_error error;
    int r = pk_process_wait(process, 0, NULL, &error);
    assert_true(r == 0 || r == -ETIMEDOUT);
    return r == 0;
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, RUNS = 40 };

static void count_call(const pk_command *command, void *data)
{
    (void)command;
    atomic_fetch_add((atomic_int *)data, 1);
}

struct worker {
    pk_runner *runner;
    pthread_t thread;
    unsigned number;
    bool good;
};

/* Each has a word of its own, for which it adds a script meanwhile, and one that all of them ask. */
static bool work(const struct worker *worker)
{
    char own[16], said[16];
    snprintf(own, sizeof(own), "own-%u", worker->number);
    pk_auto(pk_script) script = pk_script_new();
    pk_script_pause(script, PK_MICROSECONDS(100));
    pk_script_print(script, own);
    pk_runner_on(worker->runner, script, PROGRAM, own, NULL);
    for (int i = 0; i < RUNS; i++) {
        pk_error error;
        char *text = NULL;
        const char *word = i % 2 ? own : "common";
        pk_auto(pk_command) command = pk_command_new(PROGRAM, word, NULL);
        pk_command_runner(command, worker->runner);
        if (pk_command_run(command, &text, &error) < 0)
            return false;
        snprintf(said, sizeof(said), "%s", text);
        free(text);
        if (strcmp(said, word) != 0)
            return false;
    }
    return true;
}

static void *run_worker(void *data)
{
    struct worker *worker = data;
    worker->good = work(worker);
    return NULL;
}

static void one_runner_serves_many_threads(void **state)
{
    (void)state;
    pk_error error;
    pk_runner *runner;
    atomic_int told = 0;
    struct worker workers[THREADS];
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "common\n");
    assert_ok(pk_runner_create_scripted(&runner, &error), error);
    pk_runner_on(runner, script, PROGRAM, NULL);
    pk_runner_tell(runner, count_call, &told);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.runner = runner, .number = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_true(workers[i].good);
    }
    assert_int_equal(told, THREADS * RUNS);
    assert_int_equal(pk_runner_count(runner), THREADS * RUNS);
    pk_runner_free(runner);
}

/* ---- Ended by another thread ------------------------------------------------------------------------------------ */

/* Acts once the script has said something, and the one who waits has heard it. */
struct other {
    sem_t heard;
    pk_process *process;
    pk_cancel *cancel;
    void (*act)(struct other *other);
    pthread_t thread;
};

static void hear(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)process, (void)fd, (void)bytes, (void)length;
    struct other *other = data;
    sem_post(&other->heard);
}

static void *run_other(void *data)
{
    struct other *other = data;
    while (sem_wait(&other->heard) != 0)
        ;
    other->act(other);
    return NULL;
}

static void kill_group(struct other *other)
{
    pk_error error;
    (void)pk_group_kill(pk_process_group(other->process), &error);
}

static void signal_group(struct other *other)
{
    pk_error error;
    (void)pk_group_signal(pk_process_group(other->process), SIGTERM, &error);
}

static void cancel(struct other *other)
{
    pk_cancel_now(other->cancel);
}

static void end_by_other(void (*act)(struct other *other), pk_result *result)
{
    pk_error error;
    struct other other = {.act = act};
    pk_auto(pk_script) script = pk_script_new();
    pk_script_on_signal(script, SIGTERM, 9);
    pk_script_print(script, "up\n");
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    assert_ok(pk_cancel_create(&other.cancel, &error), error);
    assert_int_equal(sem_init(&other.heard, 0, 0), 0);
    pk_command_on_chunk(command, 1, hear, &other);
    pk_command_cancel(command, other.cancel);
    other.process = start(command);
    assert_int_equal(pthread_create(&other.thread, NULL, run_other, &other), 0);
    assert_ok(pk_process_wait(other.process, PK_FOREVER, result, &error), error);
    pthread_join(other.thread, NULL);
    pk_process_free(other.process);
    pk_cancel_free(other.cancel);
    sem_destroy(&other.heard);
}

static void a_kill_by_another_thread_wakes_the_waiter(void **state)
{
    (void)state;
    pk_result result;
    for (int i = 0; i < 50; i++) {
        end_by_other(kill_group, &result);
        assert_int_equal(result.verdict, PK_VERDICT_SIGNALLED);
        assert_int_equal(result.signal_number, SIGKILL);
    }
}

static void a_signal_by_another_thread_wakes_the_waiter(void **state)
{
    (void)state;
    pk_result result;
    for (int i = 0; i < 50; i++) {
        end_by_other(signal_group, &result);
        assert_int_equal(result.verdict, PK_VERDICT_EXITED);
        assert_int_equal(result.exit_code, 9);
    }
}

static void a_token_cancelled_by_another_thread_ends_it(void **state)
{
    (void)state;
    pk_result result;
    for (int i = 0; i < 50; i++) {
        end_by_other(cancel, &result);
        assert_int_equal(result.verdict, PK_VERDICT_CANCELLED);
        assert_int_equal(result.exit_code, 9);
        assert_false(result.hard_killed);
    }
}

/* ---- Waiting for the group -------------------------------------------------------------------------------------- */

static void whoever_waits_for_the_group_has_it_go_on(void **state)
{
    (void)state;
    pk_error error;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_pause(script, PK_MILLISECONDS(5));
    pk_script_leave(script, PK_MILLISECONDS(5));
    pk_script_exit(script, 3);
    pk_auto(pk_command) command = play(script);
    pk_process *process = start(command);
    assert_int_equal(pk_group_is_empty(pk_process_group(process), &error), 0);
    assert_ok(pk_group_wait_empty(pk_process_group(process), PK_FOREVER, &error), error);
    assert_true(has_ended(process));
    assert_int_equal(pk_process_result(process)->exit_code, 3);
    assert_int_equal(pk_process_result(process)->leftover_count, 0);
    pk_process_free(process);
}

static void a_group_that_is_stopped_has_its_grace(void **state)
{
    (void)state;
    pk_error error;
    pk_stop_report report;
    pk_stop_options options = PK_STOP_OPTIONS_INIT;
    options.grace = PK_SECONDS(60);
    pk_auto(pk_script) script = pk_script_new();
    pk_script_on_signal(script, SIGTERM, -1);
    pk_script_pause(script, PK_MILLISECONDS(20));
    pk_script_exit(script, 4);
    pk_auto(pk_command) command = play(script);
    pk_process *process = start(command);
    assert_false(has_ended(process)); /* it ignores it by now */
    assert_ok(pk_group_stop(pk_process_group(process), &options, &report, &error), error);
    assert_true(report.drained);
    assert_int_equal(report.members_before, 1);
    assert_true(has_ended(process));
    assert_int_equal(pk_process_result(process)->exit_code, 4);
    pk_process_free(process);
}

/* ---- Standing still --------------------------------------------------------------------------------------------- */

static pk_process *start_with_handler(void)
{
    pk_auto(pk_script) script = pk_script_new();
    pk_script_on_signal(script, SIGUSR1, 6);
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    pk_process *process = start(command);
    assert_false(has_ended(process));
    return process;
}

static void who_is_stopped_obeys_when_it_goes_on(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = start_with_handler();
    assert_ok(pk_process_signal(process, SIGSTOP, &error), error);
    assert_ok(pk_process_signal(process, SIGTERM, &error), error);
    assert_false(has_ended(process));
    assert_ok(pk_process_signal(process, SIGCONT, &error), error);
    assert_true(has_ended(process));
    assert_int_equal(pk_process_result(process)->signal_number, SIGTERM);
    pk_process_free(process);
}

static void who_is_suspended_runs_no_handler(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = start_with_handler();
    pk_group *group = pk_process_group(process);
    assert_ok(pk_group_suspend(group, &error), error);
    assert_ok(pk_process_signal(process, SIGUSR1, &error), error);
    assert_false(has_ended(process));
    assert_ok(pk_process_signal(process, SIGCONT, &error), error);
    assert_false(has_ended(process));
    assert_ok(pk_group_resume(group, &error), error);
    assert_true(has_ended(process));
    assert_int_equal(pk_process_result(process)->exit_code, 6);
    pk_process_free(process);
}

static void who_is_suspended_can_be_killed(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = start_with_handler();
    assert_ok(pk_group_suspend(pk_process_group(process), &error), error);
    assert_ok(pk_process_signal(process, SIGTERM, &error), error);
    assert_true(has_ended(process));
    assert_int_equal(pk_process_result(process)->signal_number, SIGTERM);
    pk_process_free(process);
}

/* ---- Children --------------------------------------------------------------------------------------------------- */

static void a_child_lets_go_at_its_end(void **state)
{
    (void)state;
    pk_error error;
    pk_line line;
    pk_auto(pk_script) script = pk_script_new();
    pk_script_print(script, "word\n");
    pk_script_leave(script, PK_MILLISECONDS(5));
    pk_script_close(script, 1);
    pk_script_hang(script);
    pk_auto(pk_command) command = play(script);
    pk_command_capture(command, 1, NULL);
    pk_process *process = start(command);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 1);
    assert_int_equal(pk_process_next_line(process, 1, &line, PK_FOREVER, &error), 0);
    assert_false(has_ended(process));
    pk_process_free(process);
}

/* ---- Forks ------------------------------------------------------------------------------------------------------ */

/* In the child: everything is the parent's. */
static int touch_copies(pk_process *process)
{
    pk_error error;
    pk_group *group = pk_process_group(process);
    if (pk_process_wait(process, 0, NULL, &error) != -EPERM || pk_process_signal(process, SIGKILL, &error) != -EPERM ||
        pk_group_kill(group, &error) != -EPERM)
        return 1;
    pk_process_free(process);
    return 0;
}

/* The child stays until the parent has seen the end of what is written. */
static void a_forked_copy_is_inert(void **state)
{
    (void)state;
    pk_error error;
    int ends[2];
    pk_auto(pk_script) script = pk_script_new();
    pk_script_expect(script, "go");
    pk_script_print(script, "word\n");
    pk_script_leave(script, PK_MILLISECONDS(5));
    pk_auto(pk_command) command = play(script);
    pk_command_pipe(command, 0);
    pk_command_capture(command, 1, NULL);
    pk_command_drain(command, PK_SECONDS(60));
    pk_command_leftovers(command, PK_LEFTOVERS_ALLOW);
    pk_process *process = start(command);
    assert_false(has_ended(process));
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        close(ends[1]);
        int failed = touch_copies(process);
        _exit(read(ends[0], &byte, 1) == 0 ? failed : 2);
    }
    close(ends[0]);
    assert_ok(pk_process_write(process, "go", 2, NULL, PK_FOREVER, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    assert_string_equal(pk_process_capture(process, 1)->bytes, "word\n");
    assert_false(pk_process_capture(process, 1)->cut_off);
    pk_process_free(process);
    int status;
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static const struct test tests[] = {
    PK_TEST(one_runner_serves_many_threads),
    PK_TEST(a_kill_by_another_thread_wakes_the_waiter),
    PK_TEST(a_signal_by_another_thread_wakes_the_waiter),
    PK_TEST(a_token_cancelled_by_another_thread_ends_it),
    PK_TEST(whoever_waits_for_the_group_has_it_go_on),
    PK_TEST(a_group_that_is_stopped_has_its_grace),
    PK_TEST(who_is_stopped_obeys_when_it_goes_on),
    PK_TEST(who_is_suspended_runs_no_handler),
    PK_TEST(who_is_suspended_can_be_killed),
    PK_TEST(a_child_lets_go_at_its_end),
    PK_TEST(a_forked_copy_is_inert),
};

PK_TEST_MAIN(tests)
