/*
 * Tasks say what blocking verbs say: each verb, for each end.
 */
#include "errand.h"

#include <errno.h>

static void with_timeout(pk_command *command)
{
    pk_command_timeout(command, PK_MILLISECONDS(200));
}

static void with_silence(pk_command *command)
{
    pk_command_capture(command, 1, NULL);
    pk_command_idle_timeout(command, PK_MILLISECONDS(200));
}

static void keeping_little(pk_command *command, pk_overflow overflow)
{
    pk_capture_options options = PK_CAPTURE_OPTIONS_INIT;
    options.head = options.tail = 100;
    options.overflow = overflow;
    pk_command_capture(command, 1, &options);
}

static void with_small_capture(pk_command *command)
{
    keeping_little(command, PK_OVERFLOW_OMIT);
}

static void with_strict_capture(pk_command *command)
{
    keeping_little(command, PK_OVERFLOW_FAIL);
}

static ssize_t fail_to_give(void *buffer, size_t size, void *data)
{
    (void)buffer, (void)size, (void)data;
    return -EREMOTEIO;
}

static void with_failing_input(pk_command *command)
{
    pk_command_input_callback(command, fail_to_give, NULL);
}

static void with_leftovers(pk_command *command)
{
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
}

static void cancel_it(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)process, (void)fd, (void)bytes, (void)length;
    pk_cancel_now(data);
}

static void give_token(pk_command *command, bool at_once)
{
    pk_error error;
    pk_cancel *cancel;
    assert_ok(pk_cancel_create(&cancel, &error), error);
    pk_command_cancel(command, cancel);
    if (at_once)
        pk_cancel_now(cancel);
    else
        pk_command_on_chunk(command, 1, cancel_it, cancel); /* the command keeps it alive */
    pk_cancel_free(cancel);
}

static void cancelled_at_once(pk_command *command)
{
    give_token(command, true);
}

static void cancelled_on_the_way(pk_command *command)
{
    give_token(command, false);
}

static void stop_it(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)fd, (void)bytes, (void)length, (void)data;
    assert_int_equal(pk_process_stop(process, NULL, NULL), 0);
}

static void stopped_on_the_way(pk_command *command)
{
    pk_command_on_chunk(command, 1, stop_it, NULL);
}

static void free_it(pk_process *process, int fd, const void *bytes, size_t length, void *data)
{
    (void)fd, (void)bytes, (void)length, (void)data;
    pk_process_free(process);
}

static void freed_on_the_way(pk_command *command)
{
    pk_command_on_chunk(command, 1, free_it, NULL);
}

static void without_stdout(pk_command *command)
{
    pk_command_null(command, 1);
}

static void without_sense(pk_command *command)
{
    pk_command_timeout(command, 0);
}

static void with_ok_code(pk_command *command)
{
    static const int codes[] = {3};
    pk_command_ok_codes(command, codes, 1);
}

static const struct end {
    const char *name;
    const char *words; /* NULL: a program that is not there */
    void (*prepare)(pk_command *command);
    int number; /* of PK_VERB_CHECK */
    pk_error_kind kind;
} ends[] = {
    {"success", "lines 2", NULL, 0, PK_ERROR_NONE},
    {"no", "print no -- exit 1", NULL, -EPROTO, PK_ERROR_EXIT},
    {"exit 3", "lines 2 -- print-to 2 oops -- exit 3", NULL, -EPROTO, PK_ERROR_EXIT},
    {"exit 3 as a success", "lines 2 -- exit 3", with_ok_code, 0, PK_ERROR_NONE},
    {"signal", "print dying -- die USR1", NULL, -EPROTO, PK_ERROR_SIGNALLED},
    {"timeout", "hold", with_timeout, -ETIMEDOUT, PK_ERROR_TIMEOUT},
    {"silence", "hold", with_silence, -ETIMEDOUT, PK_ERROR_IDLE_TIMEOUT},
    {"not found", NULL, NULL, -ENOENT, PK_ERROR_NOT_FOUND},
    {"too much output", "bytes 1000", with_small_capture, 0, PK_ERROR_NONE},
    {"too much output for a success", "bytes 1000", with_strict_capture, -EOVERFLOW, PK_ERROR_OUTPUT_TOO_LARGE},
    {"stdin error", "count", with_failing_input, -EREMOTEIO, PK_ERROR_STDIN},
    {"leftovers", "print alone -- leave 0 -- hold", with_leftovers, -EBUSY, PK_ERROR_TEARDOWN},
    {"cancelled before", "lines 2", cancelled_at_once, -ECANCELED, PK_ERROR_CANCELLED},
    {"cancelled", "print early -- hold", cancelled_on_the_way, -ECANCELED, PK_ERROR_CANCELLED},
    {"stopped", "print early -- hold", stopped_on_the_way, -ECANCELED, PK_ERROR_CANCELLED},
    {"freed", "print early -- hold", freed_on_the_way, -ECANCELED, PK_ERROR_INVALID},
    {"output elsewhere", "lines 2", without_stdout, 0, PK_ERROR_NONE},
    {"no sense", "lines 2", without_sense, -EINVAL, PK_ERROR_INVALID},
    {"not as parsed", "print bad", NULL, 0, PK_ERROR_NONE},
};

static const int each_verb[] = {PK_VERB_OUTPUT,    PK_VERB_STATUS, PK_VERB_CHECK, PK_VERB_RUN,
                                PK_VERB_EXIT_CODE, PK_VERB_PROBE,  ERRAND_PARSE,  ERRAND_FIRST_LINE};

static pk_command *command_for(const struct end *end)
{
    pk_command *command = end->words ? cast_command(NULL, end->words) : pk_command_new("./no-such-program", NULL);
    if (end->prepare)
        end->prepare(command);
    return command;
}

/* A token that was cancelled stays so: each has its own command. */
static void ask(struct errand *errand, const struct end *end, int verb, bool by_loop)
{
    pk_auto(pk_command) command = command_for(end);
    errand_run(errand, command, verb, by_loop);
}

static void every_verb_says_the_same_by_a_loop(void **state)
{
    (void)state;
    for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
        for (size_t v = 0; v < sizeof(each_verb) / sizeof(each_verb[0]); v++) {
            struct errand blocking, by_loop;
            print_message("%s, verb %d\n", ends[e].name, each_verb[v]);
            ask(&blocking, &ends[e], each_verb[v], false);
            ask(&by_loop, &ends[e], each_verb[v], true);
            errand_assert_same(&blocking, &by_loop);
            if (each_verb[v] != PK_VERB_CHECK)
                continue;
            assert_int_equal(by_loop.number, ends[e].number);
            assert_int_equal(by_loop.error.kind, ends[e].kind);
        }
    }
}

/* ---- Played ----------------------------------------------------------------------------------------------------- */

static bool always(const pk_error *error, unsigned attempt, void *data)
{
    (void)error, (void)attempt, (void)data;
    return true;
}

static bool is_first(const pk_command *command, void *data)
{
    (void)command;
    return ++*(int *)data == 1;
}

/* Cannot be started at first, and fails then: the third attempt is the last. How often it was tried. */
static size_t ask_player(struct errand *errand, int verb, bool by_loop)
{
    int calls = 0;
    pk_error error;
    pk_runner *runner;
    pk_retry_options options = PK_RETRY_OPTIONS_INIT;
    pk_auto(pk_script) refusal = pk_script_new();
    pk_auto(pk_script) script = pk_script_new();
    pk_auto(pk_command) command = pk_command_new("tool", NULL);
    pk_script_fail(refusal, -EAGAIN, PK_STEP_CLONE);
    pk_script_print(script, "line 1\nline 2\n");
    pk_script_exit(script, 3);
    assert_ok(pk_runner_create_scripted(&runner, &error), error);
    pk_runner_when(runner, refusal, is_first, &calls);
    pk_runner_on(runner, script, "tool", NULL);
    pk_command_runner(command, runner);
    options.attempts = 3;
    options.first_pause = 0;
    options.again = always;
    pk_command_retry(command, &options);
    errand_run(errand, command, verb, by_loop);
    size_t count = pk_runner_count(runner);
    pk_runner_free(runner);
    return count;
}

static void every_verb_says_the_same_of_a_script(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof(each_verb) / sizeof(each_verb[0]); v++) {
        struct errand blocking, by_loop;
        print_message("verb %d\n", each_verb[v]);
        size_t count = ask_player(&blocking, each_verb[v], false);
        assert_int_equal(ask_player(&by_loop, each_verb[v], true), count);
        errand_assert_same(&blocking, &by_loop);
        if (each_verb[v] == PK_VERB_CHECK)
            assert_string_equal(by_loop.error.message, "tried 3 times: tool exited with 3");
        if (each_verb[v] == PK_VERB_EXIT_CODE)
            assert_int_equal(by_loop.number, 3);
        if (each_verb[v] == PK_VERB_OUTPUT)
            assert_int_equal(by_loop.number, -EAGAIN);
    }
}

static const struct test tests[] = {
    PK_TEST_WITH(every_verb_says_the_same_by_a_loop, .deadline_s = 120),
    PK_TEST_AS_USER(every_verb_says_the_same_by_a_loop, .deadline_s = 120),
    PK_TEST(every_verb_says_the_same_of_a_script),
};

PK_TEST_MAIN(tests)
