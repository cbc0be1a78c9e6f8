/*
 * Leftovers: every policy, for every way the leader can end, with every mechanism.
 */
#include "hierarchy.h"
#include "subject.h"

#include <processkit.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct ending {
    const char *name;
    const char *verb; /* of the leader */
    const char *argument;
    pk_verdict verdict; /* without leftovers */
    int exit_code;
    int signal_number;
};

static const struct ending endings[] = {
    {"success", "leave", "0", PK_VERDICT_EXITED, 0, 0},
    {"failure", "leave", "3", PK_VERDICT_EXITED, 3, 0},
    {"signal", "leave-by", "SEGV", PK_VERDICT_SIGNALLED, 0, SIGSEGV},
};

struct policy {
    const char *name;
    pk_leftovers leftovers;
};

static const struct policy policies[] = {
    {"kill", PK_LEFTOVERS_KILL},
    {"wait", PK_LEFTOVERS_WAIT},
    {"allow", PK_LEFTOVERS_ALLOW},
    {"fail", PK_LEFTOVERS_FAIL},
};

struct mechanism {
    const char *name;
    pk_mechanism mechanism;
    unsigned needs;
};

static const struct mechanism mechanisms[] = {
    {"cgroup2", PK_MECHANISM_CGROUP2, NEEDS_CGROUP2},
    {"reaper", PK_MECHANISM_REAPER, 0},
    {"process_group", PK_MECHANISM_PROCESS_GROUP, 0},
};

enum { ENDINGS = 3, POLICIES = 4, MECHANISMS = 3 };

struct cell {
    const struct ending *ending;
    const struct policy *policy;
    pk_group_options options;
};

/* ---- One run ---------------------------------------------------------------------------------------------------- */

/* The leader ends once its child reads from stdin, which is a pipe that only the test holds: so it lives until then. */
static pk_command *leaving_command(const struct cell *cell, const struct witness *witness)
{
    pk_command *command = reporting_adversary(witness, cell->ending->verb, cell->ending->argument, "--", "echo", NULL);
    pk_command_pipe(command, 0);
    pk_command_leftovers(command, cell->policy->leftovers);
    return command;
}

static void assert_leader(const struct cell *cell, const pk_result *result)
{
    assert_int_equal(result->exit_code, cell->ending->exit_code);
    assert_int_equal(result->signal_number, cell->ending->signal_number);
    assert_int_equal(result->leader_ending, cell->ending->signal_number ? PK_ENDING_SIGNALLED : PK_ENDING_EXITED);
    assert_int_equal(result->mechanism, cell->options.mechanism);
    assert_int_equal(result->soft_signal, 0);
    assert_true(result->leader_wall > 0);
    assert_true(result->leader_wall <= result->wall);
}

static void assert_one_leftover(const pk_result *result, const struct witness *witness)
{
    assert_int_equal(result->leftover_count, 1);
    assert_int_equal(result->leftovers[0].pid, witness_pid(witness, 1));
    assert_string_equal(result->leftovers[0].name, "adversary");
}

/* The end of the stream is what the leftover waits for. */
static void release(pk_process *process)
{
    close(pk_process_pipe_take(process, 0));
}

static void finish(const struct cell *cell, pk_process *process, struct witness *witness)
{
    pk_error error;
    pk_result result;
    char path[512] = "";
    bool waits = cell->policy->leftovers == PK_LEFTOVERS_WAIT, allows = cell->policy->leftovers == PK_LEFTOVERS_ALLOW;
    if (waits) {
        assert_true(pidfd_is_dead(witness_pidfd(witness, 0), 10000));
        assert_error(pk_process_wait(process, pk_deadline(PK_MILLISECONDS(50)), &result, &error), error, -ETIMEDOUT,
                     PK_STEP_WAIT);
        assert_int_equal(witness_alive(witness), 1);
        release(process);
    }
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    if (pk_group_path(pk_process_group(process)))
        snprintf(path, sizeof(path), "%s", pk_group_path(pk_process_group(process)));
    assert_leader(cell, &result);
    bool turned = cell->policy->leftovers == PK_LEFTOVERS_FAIL && cell->ending->exit_code == 0 &&
                  cell->ending->signal_number == 0;
    assert_int_equal(result.verdict, turned ? PK_VERDICT_LEFTOVERS : cell->ending->verdict);
    assert_int_equal(pk_result_is_success(&result), !turned && strcmp(cell->ending->name, "success") == 0);
    assert_one_leftover(&result, witness);
    assert_int_equal(result.hard_killed, !waits && !allows);
    assert_int_equal(result.spared, allows);
    if (!allows)
        witness_assert_dead(witness, GONE_MS);
    else
        assert_int_equal(witness_alive(witness), 1);
    int in = pk_process_pipe_take(process, 0); /* or the leftover would see the end of its stdin */
    pk_process_free(process);
    if (allows) {
        assert_int_equal(witness_alive(witness), 1); /* freeing does not kill either */
        close(in);
        witness_assert_dead(witness, 10000);
        if (cell->options.mechanism == PK_MECHANISM_REAPER) { /* which is our child, and ends with its tree */
            siginfo_t info;
            assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
            pk_leave();
        }
        if (path[0])
            hierarchy_remove(path); /* stays as long as somebody may be in it */
    } else if (in >= 0) {
        close(in);
    }
}

static void leftovers(void **state)
{
    const struct cell *cell = *state;
    pk_error error;
    pk_process *process;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = leaving_command(cell, witness);
    pk_command_contain(command, &cell->options);
    assert_ok(pk_command_start(command, &process, &error), error);
    witness_ready(witness);
    assert_int_equal(witness_total(witness), 2);
    assert_int_equal(witness_pid(witness, 0), pk_process_pid(process));
    finish(cell, process, witness);
    witness_free(witness);
}

/* ---- Beside the table ------------------------------------------------------------------------------------------- */

static void no_leftovers_no_remark(void **state)
{
    const struct cell *cell = *state;
    pk_error error;
    pk_result result;
    pk_auto(pk_command) command = adversary("child", "--", "exit", "0", NULL);
    pk_command_leftovers(command, cell->policy->leftovers);
    for (int i = 0; i < 20; i++) {
        pk_command_contain(command, &cell->options);
        assert_ok(pk_command_status(command, &result, &error), error);
        assert_true(pk_result_is_success(&result));
        assert_int_equal(result.leftover_count, 0);
        assert_false(result.hard_killed);
        assert_false(result.spared);
    }
}

static void waiting_for_leftovers_ends_at_the_deadline(void **state)
{
    const struct cell *cell = *state;
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command =
        reporting_adversary(witness, "leave", "3", "--", "ignore", "TERM", "--", "hold", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    pk_command_timeout(command, PK_SECONDS(1));
    pk_command_grace(command, PK_MILLISECONDS(100));
    pk_command_contain(command, &cell->options);
    assert_ok(pk_command_status(command, &result, &error), error);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(witness_total(witness), 2);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.leader_ending, PK_ENDING_EXITED);
    assert_int_equal(result.exit_code, 3);
    assert_int_equal(result.soft_signal, SIGTERM);
    assert_true(result.hard_killed);
    assert_true(result.leader_wall < PK_SECONDS(1));
    assert_in_range(result.wall, PK_MILLISECONDS(1100), PK_SECONDS(10));
    witness_free(witness);
}

/* With cgroup2 and a reaper the session makes no difference. A process group cannot see it: the documented weakness. */
static void leftovers_in_a_session_of_their_own(void **state)
{
    const struct cell *cell = *state;
    bool contained = cell->options.mechanism != PK_MECHANISM_PROCESS_GROUP;
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "leave", "0", "--", "setsid", "--", "hold", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
    pk_command_contain(command, &cell->options);
    assert_ok(pk_command_status(command, &result, &error), error);
    witness_ready(witness);
    assert_int_equal(witness_alive(witness), contained ? 0 : 1);
    assert_int_equal(result.leftover_count, contained ? 1 : 0);
    assert_int_equal(result.verdict, contained ? PK_VERDICT_LEFTOVERS : PK_VERDICT_EXITED);
    assert_int_equal(!!(result.guarantees & PK_GUARANTEE_WHOLE_TREE), contained);
    witness_free(witness);
}

/* More than the result has room for are counted all the same. */
static void many_leftovers(void **state)
{
    const struct cell *cell = *state;
    pk_error error;
    pk_result result;
    struct witness *witness = witness_new();
    pk_auto(pk_command) command = reporting_adversary(witness, "leave", "0", "--", "wide", "29", "--", "hold", NULL);
    pk_command_leftovers(command, PK_LEFTOVERS_FAIL);
    pk_command_contain(command, &cell->options);
    assert_ok(pk_command_status(command, &result, &error), error);
    witness_assert_dead(witness, GONE_MS);
    assert_int_equal(witness_total(witness), 31);
    assert_int_equal(result.leftover_count, 30);
    for (int i = 0; i < PK_RESULT_LEFTOVERS; i++)
        assert_true(result.leftovers[i].pid > 0);
    witness_free(witness);
}

/* ---- The table -------------------------------------------------------------------------------------------------- */

enum { BESIDE = 5, CELLS = ENDINGS * POLICIES * MECHANISMS + BESIDE * MECHANISMS };

static struct cell cells[CELLS];
static struct test tests[CELLS];
static char names[CELLS][64];
static size_t count;

static void add(void (*body)(void **), const char *name, const struct ending *ending, const struct policy *policy,
                const struct mechanism *mechanism)
{
    cells[count] = (struct cell){ending, policy, PK_GROUP_OPTIONS_INIT};
    cells[count].options.mechanism = mechanism->mechanism;
    snprintf(names[count], sizeof(names[count]), "%s/%s", name, mechanism->name);
    tests[count] = (struct test)PK_TEST_NAMED(names[count], body, .data = &cells[count], .needs = mechanism->needs);
    count++;
}

static void add_all(const struct mechanism *mechanism)
{
    char name[48];
    for (int p = 0; p < POLICIES; p++) {
        for (int e = 0; e < ENDINGS; e++) {
            snprintf(name, sizeof(name), "%s_after_%s", policies[p].name, endings[e].name);
            add(leftovers, name, &endings[e], &policies[p], mechanism);
        }
    }
    add(no_leftovers_no_remark, "no_leftovers_no_failure", NULL, &policies[3], mechanism);
    add(no_leftovers_no_remark, "no_leftovers_nothing_spared", NULL, &policies[2], mechanism);
    add(waiting_for_leftovers_ends_at_the_deadline, "waiting_ends_at_the_deadline", NULL, NULL, mechanism);
    add(leftovers_in_a_session_of_their_own, "in_a_session_of_their_own", NULL, NULL, mechanism);
    add(many_leftovers, "many", NULL, NULL, mechanism);
}

int main(int argc, char **argv)
{
    for (int m = 0; m < MECHANISMS; m++)
        add_all(&mechanisms[m]);
    return test_main(argc, argv, tests, count);
}
