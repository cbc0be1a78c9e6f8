/*
 * The error of each verdict, as run.h has them in a table.
 */
#include "harness.h"
#include "process/output.h"

#include <errno.h>
#include <signal.h>

static const struct {
    pk_verdict verdict;
    int number;
    pk_error_kind kind;
    const char *message;
} table[] = {
    {PK_VERDICT_EXITED, -EPROTO, PK_ERROR_EXIT, "tool exited with 7"},
    {PK_VERDICT_SIGNALLED, -EPROTO, PK_ERROR_SIGNALLED, "tool exited with 7"},
    {PK_VERDICT_TIMED_OUT, -ETIMEDOUT, PK_ERROR_TIMEOUT, "tool timed out after 2.00s; exited with 7"},
    {PK_VERDICT_IDLE, -ETIMEDOUT, PK_ERROR_IDLE_TIMEOUT, "tool fell silent, ended after 2.00s; exited with 7"},
    {PK_VERDICT_CANCELLED, -ECANCELED, PK_ERROR_CANCELLED, "tool cancelled after 2.00s; exited with 7"},
    {PK_VERDICT_STOPPED, -ECANCELED, PK_ERROR_CANCELLED, "tool stopped after 2.00s; exited with 7"},
    {PK_VERDICT_OVERFLOW, -EOVERFLOW, PK_ERROR_OUTPUT_TOO_LARGE, "tool wrote more than is kept; exited with 7"},
    {PK_VERDICT_OOM_KILLED, -ENOMEM, PK_ERROR_RESOURCE_LIMIT,
     "tool ran out of memory: reached its limit of 1.0 MiB; exited with 7"},
    {PK_VERDICT_PIDS_LIMIT, -EAGAIN, PK_ERROR_RESOURCE_LIMIT, "tool reached its limit of 3 processes; exited with 7"},
    {PK_VERDICT_LEFTOVERS, -EBUSY, PK_ERROR_TEARDOWN, "tool exited with 7, but left 2 running"},
    {PK_VERDICT_UNKILLABLE, -EBUSY, PK_ERROR_TEARDOWN, "tool left 2 that did not end by SIGKILL; exited with 7"},
    {PK_VERDICT_LOST, -ECHILD, PK_ERROR_LOST, "tool exited with 7"},
};

static pk_result result_of(pk_verdict verdict)
{
    pk_result result = {.verdict = verdict, .leader_ending = PK_ENDING_EXITED, .exit_code = 7, .leftover_count = 2};
    result.wall = PK_SECONDS(2);
    result.evidence.oom_cause = PK_OOM_CAUSE_LIMIT;
    result.evidence.memory_max = 1 << 20;
    result.evidence.pids_max = 3;
    return result;
}

static void each_verdict_has_its_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        pk_error error = {0};
        pk_result result = result_of(table[i].verdict);
        struct ended ended = {.result = &result, .program = "tool"};
        assert_int_equal(ended_judge(&ended, false, &error), table[i].number);
        assert_int_equal(error.number, table[i].number);
        assert_int_equal(error.kind, table[i].kind);
        assert_string_equal(error.message, table[i].message);
        assert_string_equal(error.path, "tool");
        assert_int_equal(error.exit_code, table[i].kind == PK_ERROR_EXIT ? 7 : 0);
        assert_int_equal(ended_judge(&ended, false, NULL), table[i].number);
        /* Of these only an exit is what somebody wants who asks for the code. */
        bool exited = table[i].verdict == PK_VERDICT_EXITED;
        assert_int_equal(ended_judge(&ended, true, NULL), exited ? 0 : table[i].number);
    }
}

static void a_success_has_none(void **state)
{
    (void)state;
    pk_error error = {.number = 1};
    pk_result result = result_of(PK_VERDICT_EXITED);
    struct ended ended = {.result = &result, .program = "tool"};
    result.ok_code = true;
    assert_int_equal(ended_judge(&ended, false, &error), 0);
    assert_int_equal(error.number, 1); /* left alone */
    ended.input_error = -EIO;
    assert_int_equal(ended_judge(&ended, false, &error), -EIO);
    assert_int_equal(error.kind, PK_ERROR_STDIN);
    assert_int_equal(ended_judge(&ended, true, &error), -EIO);
}

static void who_died_says_of_what(void **state)
{
    (void)state;
    pk_error error = {0};
    pk_result result = result_of(PK_VERDICT_SIGNALLED);
    struct ended ended = {.result = &result, .program = "tool"};
    result.leader_ending = PK_ENDING_SIGNALLED;
    result.signal_number = SIGSEGV;
    result.core_dumped = true;
    assert_int_equal(ended_judge(&ended, false, &error), -EPROTO);
    assert_int_equal(error.signal_number, SIGSEGV);
    assert_string_equal(error.message, "tool killed by SIGSEGV (core dumped)");
}

/* Output that could not be read is no success. */
static void a_stream_that_failed_is_an_error(void **state)
{
    (void)state;
    pk_error error = {0};
    pk_result result = result_of(PK_VERDICT_EXITED);
    struct stream stream = {.child_fd = 1, .error = -EACCES};
    struct ended ended = {.result = &result, .program = "tool", .streams = &stream, .stream_count = 1};
    result.ok_code = true;
    assert_int_equal(ended_judge(&ended, false, &error), -EACCES);
    assert_string_equal(error.message, "cannot read what tool writes to descriptor 1: Permission denied");
}

static const struct test tests[] = {
    PK_TEST(each_verdict_has_its_error),
    PK_TEST(a_success_has_none),
    PK_TEST(who_died_says_of_what),
    PK_TEST(a_stream_that_failed_is_an_error),
};

PK_TEST_MAIN(tests)
