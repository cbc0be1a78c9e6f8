/*
 * Results as text: a line for every verdict, whatever became of the leader.
 */
#include "harness.h"

#include <processkit/limits.h>
#include <processkit/result.h>

#include <signal.h>
#include <string.h>

static void expect(const pk_result *result, const char *line)
{
    char text[256], small[8];
    assert_ptr_equal(pk_result_format(result, text, sizeof(text)), text);
    assert_string_equal(text, line);
    pk_result_format(result, small, sizeof(small)); /* cut off, and nothing worse */
    assert_int_equal(strncmp(small, line, strlen(small)), 0);
    assert_true(strlen(small) < sizeof(small));
}

static pk_result exited(pk_verdict verdict, int code)
{
    return (pk_result){.verdict = verdict, .leader_ending = PK_ENDING_EXITED, .exit_code = code, .wall = PK_SECONDS(2)};
}

static pk_result killed(pk_verdict verdict)
{
    return (pk_result){
        .verdict = verdict, .leader_ending = PK_ENDING_SIGNALLED, .signal_number = SIGKILL, .wall = PK_SECONDS(2)};
}

static void verdicts_are_lines(void **state)
{
    (void)state;
    pk_result result = exited(PK_VERDICT_EXITED, 3);
    expect(&result, "exited with 3");
    result = killed(PK_VERDICT_SIGNALLED);
    expect(&result, "killed by SIGKILL");
    result.core_dumped = true;
    expect(&result, "killed by SIGKILL (core dumped)");
    result = killed(PK_VERDICT_TIMED_OUT);
    expect(&result, "timed out after 2.00s; killed by SIGKILL");
    result = exited(PK_VERDICT_STOPPED, 0);
    expect(&result, "stopped after 2.00s; exited with 0");
    result = killed(PK_VERDICT_IDLE);
    expect(&result, "fell silent, ended after 2.00s; killed by SIGKILL");
    result = killed(PK_VERDICT_CANCELLED);
    expect(&result, "cancelled after 2.00s; killed by SIGKILL");
    result = killed(PK_VERDICT_OVERFLOW);
    expect(&result, "wrote more than is kept; killed by SIGKILL");
    result = exited(PK_VERDICT_LEFTOVERS, 0);
    result.leftover_count = 4;
    expect(&result, "exited with 0, but left 4 running");
    result.verdict = PK_VERDICT_UNKILLABLE;
    expect(&result, "left 4 that did not end by SIGKILL; exited with 0");
    result = (pk_result){.verdict = PK_VERDICT_LOST, .leader_ending = PK_ENDING_LOST};
    expect(&result, "ended, but its status was taken by another wait");
}

static void limits_are_named_with_their_values(void **state)
{
    (void)state;
    pk_result result = killed(PK_VERDICT_OOM_KILLED);
    result.evidence.memory_max = PK_MEBIBYTES(32);
    result.evidence.oom_cause = PK_OOM_CAUSE_LIMIT;
    expect(&result, "ran out of memory: reached its limit of 32.0 MiB; killed by SIGKILL");
    result.evidence.memory_max = 0; /* lifted meanwhile */
    expect(&result, "ran out of memory: reached its limit; killed by SIGKILL");
    result.evidence.oom_cause = PK_OOM_CAUSE_ABOVE;
    expect(&result, "ran out of memory: a limit above it, or what the machine has, was reached; killed by SIGKILL");
    result = exited(PK_VERDICT_OOM_KILLED, 7);
    result.evidence.oom_cause = PK_OOM_CAUSE_MEMBER;
    expect(&result, "ran out of memory: a member reached a limit of its own; exited with 7");

    result = exited(PK_VERDICT_PIDS_LIMIT, 2);
    result.evidence.pids_max = 10;
    expect(&result, "reached its limit of 10 processes; exited with 2");
    result.evidence.pids_max = 1;
    expect(&result, "reached its limit of 1 process; exited with 2");
}

static void only_an_exit_with_a_good_code_is_a_success(void **state)
{
    (void)state;
    for (int verdict = PK_VERDICT_EXITED; verdict <= PK_VERDICT_OVERFLOW; verdict++) {
        pk_result result = exited((pk_verdict)verdict, 3);
        result.ok_code = true;
        assert_int_equal(pk_result_is_success(&result), verdict == PK_VERDICT_EXITED);
        result.ok_code = false;
        assert_false(pk_result_is_success(&result));
    }
}

static void verdicts_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"unknown",   "exited",     "signalled", "timed-out",  "stopped",
                                        "leftovers", "unkillable", "lost",      "oom-killed", "pids-limit",
                                        "idle",      "cancelled",  "overflow"};
    for (int verdict = 0; verdict <= PK_VERDICT_OVERFLOW; verdict++)
        assert_string_equal(pk_verdict_name((pk_verdict)verdict), names[verdict]);
    assert_string_equal(pk_verdict_name((pk_verdict)99), "unknown");
    assert_string_equal(pk_verdict_name((pk_verdict)-1), "unknown");
}

static const struct test tests[] = {
    PK_TEST(verdicts_are_lines),
    PK_TEST(limits_are_named_with_their_values),
    PK_TEST(only_an_exit_with_a_good_code_is_a_success),
    PK_TEST(verdicts_have_names),
};

PK_TEST_MAIN(tests)
