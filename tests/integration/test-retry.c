/*
 * Retries: how often, after what, with which pauses, and what is said in the end; of blocking verbs and of tasks.
 */
#include "errand.h"
#include "files.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Attempts are counted by what they leave -------------------------------------------------------------------- */

/* Fails with `code` until it has been tried `times` times. */
static pk_command *stubborn(int times, int code)
{
    char script[300];
    snprintf(script, sizeof(script),
             "echo x >>tries; echo try; [ $(wc -l <tries) -ge %d ] || { echo no >&2; exit %d; }", times, code);
    unlink("tries");
    return pk_command_new("sh", "-c", script, NULL);
}

static int count_tries(void)
{
    char text[64];
    int fd = open("tries", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text));
    if (fd >= 0)
        close(fd);
    return (int)length / 2;
}

struct judge {
    unsigned asked;
    unsigned stop_at; /* 0: never */
    pk_error_kind kind;
    pk_cancel *cancel; /* when it is asked first */
    int tell;          /* a pipe to write to; 0: none */
};

static bool go_on(const pk_error *error, unsigned attempt, void *data)
{
    struct judge *judge = data;
    assert_int_equal(attempt, ++judge->asked);
    assert_int_equal(error->kind, judge->kind);
    assert_int_equal(count_tries(), attempt);
    if (judge->cancel)
        pk_cancel_now(judge->cancel);
    if (judge->tell)
        assert_int_equal(write(judge->tell, "x", 1), 1);
    return attempt != judge->stop_at;
}

static void retry(pk_command *command, unsigned attempts, struct judge *judge)
{
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    options.attempts = attempts;
    options.first_pause = 0;
    options.again = judge ? go_on : NULL;
    options.data = judge;
    pk_command_retry(command, &options);
}

static void it_is_tried_until_it_succeeds(void **state)
{
    struct errand errand;
    struct judge judge = {.kind = PK_ERROR_EXIT};
    pk_auto(pk_command) command = stubborn(3, 1);
    retry(command, 5, &judge);
    errand_run(&errand, command, PK_VERB_RUN, errand_waiting(state));
    assert_int_equal(errand.number, 0);
    assert_int_equal(errand.error.kind, PK_ERROR_NONE);
    assert_string_equal(errand.text, "try"); /* of the last attempt alone */
    assert_int_equal(count_tries(), 3);
    assert_int_equal(judge.asked, 2);
}

static void it_is_tried_as_often_as_is_said(void **state)
{
    struct errand errand;
    struct judge judge = {.kind = PK_ERROR_EXIT};
    pk_auto(pk_command) command = stubborn(9, 3);
    retry(command, 4, &judge);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(errand.number, -EPROTO);
    assert_string_equal(errand.error.message, "tried 4 times: sh exited with 3: no");
    assert_int_equal(errand.error.exit_code, 3);
    assert_string_equal(errand.error.path, "sh");
    assert_int_equal(count_tries(), 4);
    assert_int_equal(judge.asked, 3); /* the last one is not asked about */
}

static void the_callback_may_say_no(void **state)
{
    struct errand errand;
    struct judge judge = {.kind = PK_ERROR_EXIT, .stop_at = 1};
    pk_auto(pk_command) command = stubborn(9, 3);
    retry(command, 4, &judge);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_string_equal(errand.error.message, "sh exited with 3: no"); /* once is not worth a word */
    assert_int_equal(count_tries(), 1);
}

static void which_verbs_try_again(void **state)
{
    static const struct {
        int verb, tries;
    } verbs[] = {{PK_VERB_CHECK, 2},     {PK_VERB_RUN, 2},    {PK_VERB_PROBE, 2},     {ERRAND_PARSE, 2},
                 {PK_VERB_EXIT_CODE, 1}, {PK_VERB_OUTPUT, 1}, {ERRAND_FIRST_LINE, 1}, {PK_VERB_STATUS, 1}};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct errand errand;
        struct judge judge = {.kind = PK_ERROR_EXIT};
        print_message("verb %d\n", verbs[i].verb);
        pk_auto(pk_command) command = stubborn(9, 3); /* whose code is what pk_command_exit_code wants */
        retry(command, 2, &judge);
        errand_run(&errand, command, verbs[i].verb, errand_waiting(state));
        assert_int_equal(count_tries(), verbs[i].tries);
    }
}

/* ---- Without a callback ----------------------------------------------------------------------------------------- */

static void no_end_of_a_program_is_transient(void **state)
{
    struct errand errand;
    pk_auto(pk_command) failing = stubborn(9, 3);
    retry(failing, 4, NULL);
    errand_run(&errand, failing, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(count_tries(), 1);
    pk_auto(pk_command) slow = pk_command_new("sh", "-c", "echo x >>tries; exec sleep 60", NULL);
    unlink("tries");
    pk_command_timeout(slow, PK_MILLISECONDS(300));
    retry(slow, 4, NULL);
    errand_run(&errand, slow, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(errand.error.kind, PK_ERROR_TIMEOUT);
    assert_int_equal(count_tries(), 1);
    pk_auto(pk_command) missing = pk_command_new("no-such-program-anywhere", NULL);
    retry(missing, 4, NULL);
    errand_run(&errand, missing, PK_VERB_CHECK, errand_waiting(state));
    assert_string_equal(errand.error.message, "cannot run 'no-such-program-anywhere': not found in PATH");
}

static void a_failed_start_is(void **state)
{
    struct errand errand;
    pk_auto(pk_command) command = stubborn(1, 0);
    retry(command, 4, NULL);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state)); /* what is made once is there from now on */
    sys_fault_clear();
    sys_fault_set("clone3", 1, EAGAIN);
    sys_fault_set("clone3", 2, EAGAIN);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_ok(errand.number, errand.error);
    assert_int_equal(sys_fault_count("clone3"), 3);
    sys_fault_clear();
    sys_fault_set("clone3", 0, EAGAIN);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(errand.number, -EAGAIN);
    assert_int_equal(sys_fault_count("clone3"), 4);
    assert_memory_equal(errand.error.message, "tried 4 times: cannot ", 22);
    sys_fault_clear();
}

/* A real one: the file is open for writing. */
static void a_program_that_is_being_written_is_tried_again(void **state)
{
    struct errand errand;
    assert_true(files_write("tool", "#!/bin/sh\necho done\n", 0755));
    int writer = open("tool", O_WRONLY | O_CLOEXEC);
    pk_auto(pk_command) command = pk_command_new("./tool", NULL);
    retry(command, 2, NULL);
    errand_run(&errand, command, PK_VERB_RUN, errand_waiting(state));
    close(writer);
    assert_int_equal(errand.number, -ETXTBSY);
    assert_string_equal(errand.error.message, "tried 2 times: cannot run './tool': it is still being written");
    errand_run(&errand, command, PK_VERB_RUN, errand_waiting(state));
    assert_string_equal(errand.text, "done");
}

/* ---- Over, whatever is said ------------------------------------------------------------------------------------- */

static ssize_t give_nothing(void *buffer, size_t size, void *data)
{
    (void)buffer, (void)size, (void)data;
    return 0;
}

static void with_callback(pk_command *command)
{
    pk_command_input_callback(command, give_nothing, NULL);
}

static void with_own_stdin(pk_command *command)
{
    pk_command_inherit(command, 0);
}

static void with_descriptor(pk_command *command)
{
    pk_command_fd(command, 0, 0);
}

static void with_text(pk_command *command)
{
    pk_command_input_text(command, "again and again");
}

static void input_that_is_there_once_is_given_once(void **state)
{
    static const struct {
        void (*prepare)(pk_command *command);
        int tries;
    } inputs[] = {{with_callback, 1}, {with_own_stdin, 1}, {with_descriptor, 1}, {with_text, 3}};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct errand errand;
        struct judge judge = {.kind = PK_ERROR_EXIT};
        pk_auto(pk_command) command = stubborn(9, 3);
        inputs[i].prepare(command);
        retry(command, 3, &judge);
        errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
        assert_int_equal(count_tries(), inputs[i].tries);
    }
}

static void what_did_not_start_has_read_nothing(void **state)
{
    struct errand errand;
    pk_auto(pk_command) command = stubborn(1, 0);
    with_callback(command);
    retry(command, 2, NULL);
    sys_fault_clear();
    sys_fault_set("clone3", 0, EAGAIN);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(sys_fault_count("clone3"), 2);
    sys_fault_clear();
}

static void a_pause_ends_with_the_token(void **state)
{
    for (int sooner = 0; sooner < 2; sooner++) {
        struct errand errand;
        pk_error error;
        struct judge judge = {.kind = PK_ERROR_EXIT};
        pk_retry_options options = PK_RETRY_OPTIONS_INIT;
        pk_time begun = pk_now();
        assert_ok(pk_cancel_create(&judge.cancel, &error), error);
        pk_auto(pk_command) command = stubborn(9, 3);
        options.first_pause = options.most_pause = PK_MINUTES(10);
        options.jitter = false;
        options.again = go_on;
        options.data = &judge;
        pk_command_retry(command, &options);
        pk_command_cancel(command, judge.cancel);
        if (sooner)
            pk_cancel_now(judge.cancel);
        errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
        pk_cancel_free(judge.cancel);
        assert_int_equal(errand.number, -ECANCELED);
        assert_int_equal(errand.error.kind, PK_ERROR_CANCELLED);
        assert_string_equal(errand.error.message,
                            sooner ? "cannot start sh: it was cancelled before"
                                   : "sh was cancelled before it was tried again: sh exited with 3: no");
        assert_int_equal(count_tries(), !sooner);
        assert_true(pk_now() - begun < PK_SECONDS(60));
    }
}

struct canceller {
    pk_cancel *cancel;
    int told_by;
};

static void *cancel_when_told(void *data)
{
    const struct canceller *canceller = data;
    char byte;
    if (read(canceller->told_by, &byte, 1) == 1)
        pk_cancel_now(canceller->cancel);
    return NULL;
}

/* From another thread, while it waits. */
static void anybody_may_end_a_pause(void **state)
{
    struct errand errand;
    pk_error error;
    int ends[2];
    pthread_t thread;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct judge judge = {.kind = PK_ERROR_EXIT, .tell = ends[1]};
    struct canceller canceller = {.told_by = ends[0]};
    assert_ok(pk_cancel_create(&canceller.cancel, &error), error);
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    pk_auto(pk_command) command = stubborn(9, 3);
    options.first_pause = options.most_pause = PK_FOREVER;
    options.jitter = false;
    options.again = go_on;
    options.data = &judge;
    pk_command_retry(command, &options);
    pk_command_cancel(command, canceller.cancel);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_told, &canceller), 0);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    pthread_join(thread, NULL);
    assert_int_equal(errand.error.kind, PK_ERROR_CANCELLED);
    assert_int_equal(count_tries(), 1);
    pk_cancel_free(canceller.cancel);
    close(ends[0]);
    close(ends[1]);
}

static void a_cancelled_run_is_not_tried_again(void **state)
{
    struct errand errand;
    struct judge judge = {.kind = PK_ERROR_CANCELLED};
    pk_error error;
    pk_cancel *cancel;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_cancel_now(cancel);
    pk_auto(pk_command) command = stubborn(9, 3);
    retry(command, 3, &judge);
    pk_command_cancel(command, cancel);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(errand.error.kind, PK_ERROR_CANCELLED);
    assert_int_equal(judge.asked, 0);
    pk_cancel_free(cancel);
}

static bool always(const pk_error *error, unsigned attempt, void *data)
{
    (void)error, (void)attempt;
    ++*(int *)data;
    return true;
}

static void stop_it(pk_process *process, const pk_line *line, void *data)
{
    (void)line, (void)data;
    assert_int_equal(pk_process_stop(process, NULL, NULL), 0);
}

static void free_it(pk_process *process, const pk_line *line, void *data)
{
    (void)line, (void)data;
    pk_process_free(process);
}

/* Nobody is asked whether to try again what the program has ended itself, or what cannot go well. */
static void some_ends_are_the_end(void **state)
{
    static const struct {
        pk_line_callback on_line;
        pk_error_kind kind;
    } ends[] = {{stop_it, PK_ERROR_CANCELLED}, {free_it, PK_ERROR_INVALID}, {NULL, PK_ERROR_INVALID}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct errand errand;
        int asked = 0;
        pk_retry_options options = PK_RETRY_OPTIONS_INIT;
        pk_auto(pk_command) command = cast_command(NULL, "lines 1 -- hold");
        options.first_pause = 0;
        options.again = always;
        options.data = &asked;
        pk_command_retry(command, &options);
        if (ends[i].on_line)
            pk_command_on_line(command, 1, ends[i].on_line, NULL);
        else
            pk_command_null(command, 1);
        errand_run(&errand, command, PK_VERB_RUN, errand_waiting(state));
        assert_int_equal(errand.error.kind, ends[i].kind);
        assert_int_equal(asked, 0);
    }
}

/* ---- Pauses ----------------------------------------------------------------------------------------------------- */

/* 20, 40 and 50 ms. */
static void pauses_are_kept(void **state)
{
    struct errand errand;
    struct judge judge = {.kind = PK_ERROR_EXIT};
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    pk_auto(pk_command) command = stubborn(9, 3);
    options.first_pause = PK_MILLISECONDS(20);
    options.most_pause = PK_MILLISECONDS(50);
    options.jitter = false;
    options.again = go_on;
    options.data = &judge;
    pk_command_retry(command, &options);
    pk_time begun = pk_now();
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(count_tries(), 4);
    assert_true(pk_now() - begun >= PK_MILLISECONDS(110));
}

/* ---- Being watched ---------------------------------------------------------------------------------------------- */

struct log {
    unsigned attempts[4];
    int count;
};

static void log_retry(const pk_trace *trace, void *data)
{
    struct log *log = data;
    if (trace->kind != PK_TRACE_RETRY)
        return;
    assert_true(log->count < 4);
    assert_true(trace->pause <= PK_MILLISECONDS(2));
    assert_int_equal(trace->number, -EPROTO);
    log->attempts[log->count++] = trace->attempt;
}

static void each_further_attempt_is_traced(void **state)
{
    struct errand errand;
    struct log log = {.count = 0};
    struct judge judge = {.kind = PK_ERROR_EXIT};
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    pk_auto(pk_command) command = stubborn(9, 3);
    options.attempts = 3;
    options.first_pause = PK_MILLISECONDS(1);
    options.again = go_on;
    options.data = &judge;
    pk_command_retry(command, &options);
    pk_command_trace(command, log_retry, &log);
    errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
    assert_int_equal(log.count, 2);
    assert_int_equal(log.attempts[0], 2);
    assert_int_equal(log.attempts[1], 3);
}

/* ---- Asking wrongly --------------------------------------------------------------------------------------------- */

static void options_must_make_sense(void **state)
{
    static const struct {
        size_t size;
        unsigned attempts, factor;
    } wrong[] = {{0, 4, 2},
                 {sizeof(pk_retry_options) + 1, 4, 2},
                 {sizeof(pk_retry_options), 0, 2},
                 {sizeof(pk_retry_options), 4, 0}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct errand errand;
        pk_retry_options options = PK_RETRY_OPTIONS_INIT;
        options.size = wrong[i].size;
        options.attempts = wrong[i].attempts;
        options.factor = wrong[i].factor;
        pk_auto(pk_command) command = stubborn(1, 0);
        pk_command_retry(command, &options);
        errand_run(&errand, command, PK_VERB_CHECK, errand_waiting(state));
        assert_int_equal(errand.number, -EINVAL);
        assert_int_equal(count_tries(), 0);
    }
    pk_command_retry(NULL, NULL);
}

static const struct test tests[] = {
    EACH_WAITING(it_is_tried_until_it_succeeds),
    EACH_WAITING(it_is_tried_as_often_as_is_said),
    EACH_WAITING(the_callback_may_say_no),
    EACH_WAITING(which_verbs_try_again),
    EACH_WAITING(no_end_of_a_program_is_transient),
    EACH_WAITING(a_failed_start_is),
    EACH_WAITING(a_program_that_is_being_written_is_tried_again),
    EACH_WAITING(input_that_is_there_once_is_given_once),
    EACH_WAITING(what_did_not_start_has_read_nothing),
    EACH_WAITING(a_pause_ends_with_the_token),
    EACH_WAITING(anybody_may_end_a_pause),
    EACH_WAITING(a_cancelled_run_is_not_tried_again),
    EACH_WAITING(some_ends_are_the_end),
    EACH_WAITING(pauses_are_kept),
    EACH_WAITING(each_further_attempt_is_traced),
    EACH_WAITING(options_must_make_sense),
};

PK_TEST_MAIN(tests)
