/*
 * Evidence and verdicts: which limit ended a run, told apart by what real kernels count.
 */
#include "every-call.h"
#include "harness.h"
#include "subject.h"

#include <processkit.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAP = 32 << 20 };

/* A script in which $0 is the adversary and $1 the cgroup that it runs in. */
static pk_command *script(const char *text)
{
    char whole[2048];
    snprintf(whole, sizeof(whole), "set -- /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)\n%s", text);
    return pk_command_new("sh", "-c", whole, adversary_path(), NULL);
}

/* A member in a cgroup of its own, with a limit of its own, runs out of memory. Whoever has children with controllers
 * must not have processes itself, so the leader makes place first; and some that have ended may still be leaving. */
#define NESTED_OOM                                                        \
    "mkdir $1/leaf $1/nested && echo 0 >$1/leaf/cgroup.procs || exit 9\n" \
    "tries=0\n"                                                           \
    "until echo +memory >$1/cgroup.subtree_control; do\n"                 \
    "  tries=$((tries + 1)); [ $tries -lt 10000 ] || exit 9\n"            \
    "done 2>/dev/null\n"                                                  \
    "echo 16M >$1/nested/memory.max || exit 9\n"                          \
    "echo 0 >$1/nested/memory.swap.max\n"                                 \
    "sh -c 'echo 0 >'$1'/nested/cgroup.procs; exec \"$0\" memory 64' \"$0\"\n"

static pk_result run(pk_command *command, const pk_limits *limits)
{
    pk_error error;
    pk_result result;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits = *limits;
    pk_command_contain(command, &options);
    assert_ok(pk_command_status(command, &result, &error), error);
    pk_command_free(command);
    return result;
}

static pk_limits memory_limit(uint64_t bytes)
{
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = bytes;
    return limits;
}

static pk_limits pids_limit(uint64_t count)
{
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = count;
    return limits;
}

static void assert_formatted(const pk_result *result, const char *expected)
{
    char text[256];
    assert_string_equal(pk_result_format(result, text, sizeof(text)), expected);
}

/* The owner directory of a group, which is above it and the same for all that have limits: a file there. */
static void write_above(pk_group *group, const char *file, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", pk_group_path(group));
    snprintf(strrchr(path, '/'), 64, "/%s", file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static pk_group *limited_group(const pk_limits *limits)
{
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits = *limits;
    assert_ok(pk_group_create(&options, &group, &error), error);
    return group;
}

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

static void its_own_memory_limit_is_told(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(CAP);
    pk_result result = run(adversary("memory", "100", "--", "exit", "0", NULL), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_OOM_KILLED);
    assert_int_equal(result.leader_ending, PK_ENDING_SIGNALLED);
    assert_int_equal(result.signal_number, SIGKILL);
    assert_false(result.hard_killed);
    assert_int_equal(result.evidence.memory_source, PK_SOURCE_CGROUP);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_LIMIT);
    assert_true(result.evidence.oom_kills > 0);
    assert_true(result.evidence.memory_max_reached > 0);
    assert_int_equal(result.evidence.memory_max, CAP);
    assert_int_equal(result.usage.memory_source, PK_SOURCE_CGROUP);
    assert_int_equal(result.usage.memory_peak, CAP);
    assert_int_not_equal(result.delegation, 0);
    assert_false(pk_result_is_success(&result));
    assert_formatted(&result, "ran out of memory: reached its limit of 32.0 MiB; killed by SIGKILL");
}

static void a_limit_above_is_told(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(2 * CAP);
    pk_auto(pk_group) group = limited_group(&limits);
    write_above(group, "memory.swap.max", "0");
    write_above(group, "memory.max", "32M");
    pk_result result = run(adversary("memory", "100", "--", "exit", "0", NULL), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_OOM_KILLED);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_ABOVE);
    assert_int_equal(result.evidence.memory_max_reached, 0);
    assert_true(result.usage.memory_peak < 2 * CAP);
    assert_formatted(&result,
                     "ran out of memory: a limit above it, or what the machine has, was reached; killed by SIGKILL");
}

static void a_limit_of_a_members_own_is_told(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(2 * CAP);
    pk_result result = run(script(NESTED_OOM "exit 7"), &limits);
    assert_int_equal(result.exit_code, 7);
    assert_int_equal(result.verdict, PK_VERDICT_OOM_KILLED);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_MEMBER);
    assert_true(result.evidence.oom_kills > 0);
    assert_int_equal(result.evidence.memory_max_reached, 0);
    assert_formatted(&result, "ran out of memory: a member reached a limit of its own; exited with 7");
}

/* What a leader says of itself is the truth about it. */
static void a_leader_that_gets_over_it_has_succeeded(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(2 * CAP);
    pk_result result = run(script(NESTED_OOM "exit 0"), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_true(pk_result_is_success(&result));
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_MEMBER);
    assert_formatted(&result, "exited with 0");
}

/* Its victim is one of the tree; the leader lives on and fails. */
static void a_group_that_is_not_killed_whole_is_told_likewise(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(CAP);
    limits.oom = PK_OOM_KILL_ONE;
    pk_result result = run(script("\"$0\" memory 100; exit 5"), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_OOM_KILLED);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_LIMIT);
    assert_int_equal(result.evidence.oom_kills, 1);
    assert_int_equal(result.exit_code, 5);
    assert_formatted(&result, "ran out of memory: reached its limit of 32.0 MiB; exited with 5");
}

/* Memory that can be taken back is no reason to kill anybody. */
static void slower_is_not_killed(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(CAP);
    pk_result result = run(adversary("memory", "8", "--", "exit", "3", NULL), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(result.exit_code, 3);
    assert_int_equal(result.evidence.memory_source, PK_SOURCE_CGROUP);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_NONE);
    assert_int_equal(result.evidence.oom_kills, 0);
    assert_in_range(result.usage.memory_peak, 8 << 20, 16 << 20);
}

/* ---- Processes -------------------------------------------------------------------------------------------------- */

static void its_own_pids_limit_is_told(void **state)
{
    (void)state;
    pk_limits limits = pids_limit(10);
    pk_result result = run(script("\"$0\" crowd 50 >/dev/null; exit 2"), &limits);
    assert_int_equal(result.exit_code, 2);
    assert_int_equal(result.verdict, PK_VERDICT_PIDS_LIMIT);
    assert_int_equal(result.evidence.pids_source, PK_SOURCE_CGROUP);
    assert_true(result.evidence.pids_refused > 0);
    assert_int_equal(result.evidence.pids_max, 10);
    assert_int_equal(result.usage.pids_source, PK_SOURCE_CGROUP);
    assert_int_equal(result.usage.pids_peak, 10);
    assert_formatted(&result, "reached its limit of 10 processes; exited with 2");
}

static void who_can_do_with_fewer_processes_has_succeeded(void **state)
{
    (void)state;
    pk_limits limits = pids_limit(10);
    pk_result result = run(script("\"$0\" crowd 50 >/dev/null; exit 0"), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_true(result.evidence.pids_refused > 0);
}

/* Before Linux 6.11 the kernel counts it as if it had been the group's own. */
static void a_pids_limit_above_is_not_its_own(void **state)
{
    (void)state;
    pk_limits limits = pids_limit(30);
    pk_auto(pk_group) group = limited_group(&limits);
    write_above(group, "pids.max", "10");
    pk_result result = run(script("\"$0\" crowd 50 >/dev/null; exit 2"), &limits);
    assert_int_equal(result.exit_code, 2);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_true(result.usage.pids_peak < 30);
}

static void a_failure_without_refusals_is_just_that(void **state)
{
    (void)state;
    pk_limits limits = pids_limit(10);
    pk_result result = run(adversary("exit", "2", NULL), &limits);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(result.evidence.pids_refused, 0);
    assert_int_equal(result.evidence.pids_source, PK_SOURCE_CGROUP);
}

/* ---- Processors, input and output, pressure --------------------------------------------------------------------- */

static void throttling_is_counted(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.cpu_max = 0.2;
    pk_result result = run(adversary("cpu", "200", "--", "exit", "0", NULL), &limits);
    const pk_evidence *evidence = &result.evidence;
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(evidence->cpu_source, PK_SOURCE_CGROUP);
    assert_true(evidence->cpu_throttled >= 5);
    assert_true(evidence->cpu_periods >= evidence->cpu_throttled);
    assert_true(evidence->throttled_time >= PK_MILLISECONDS(300));
    assert_true(evidence->throttled_time < result.wall);
    assert_true(evidence->cpu_max == 0.2);
    if (evidence->pressure_source == PK_SOURCE_CGROUP)
        assert_true(evidence->cpu_pressure.some >= PK_MILLISECONDS(300));
}

/* What is written there is lost: a disk in memory. A limit that is far away has the controller enabled. */
static void input_and_output_are_counted(void **state)
{
    (void)state;
    if (access("/dev/ram1", W_OK) < 0)
        skip_test("a block device: /dev/ram1");
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    limits.device_count = 1;
    limits.devices[0].write_bytes = PK_GIBIBYTES(1);
    assert_ok(pk_device_find("/dev/ram1", &limits.devices[0].major, &limits.devices[0].minor, &error), error);
    pk_result result = run(pk_command_new("sh", "-c",
                                          "dd if=/dev/zero of=/dev/ram1 bs=1M count=4 oflag=direct 2>/dev/null &&"
                                          "dd if=/dev/ram1 of=/dev/null bs=1M count=2 iflag=direct 2>/dev/null",
                                          NULL),
                           &limits);
    assert_int_equal(result.exit_code, 0);
    assert_int_equal(result.evidence.io_source, PK_SOURCE_CGROUP);
    assert_int_equal(result.evidence.io_written, 4 << 20);
    assert_int_equal(result.evidence.io_read, 2 << 20);
    assert_true(result.evidence.io_reads > 0);
    assert_true(result.evidence.io_writes > 0);
}

/* Two burners for one processor. */
static void pressure_is_read_where_it_is_asked_for(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    static const unsigned one[] = {0};
    const pk_evidence nothing = {0};
    for (int asked = 0; asked < 2; asked++) {
        pk_auto(pk_command) command = script("\"$0\" cpu 200 -- exit 0 & \"$0\" cpu 200 -- exit 0; wait");
        pk_command_cpu_affinity(command, one, 1);
        pk_command_evidence(command, asked);
        assert_ok(pk_command_status(command, &result, &error), error);
        if (!asked)
            assert_memory_equal(&result.evidence, &nothing, sizeof(nothing));
    }
    if (result.evidence.pressure_source == PK_SOURCE_UNAVAILABLE)
        skip_test("a kernel with PSI for cgroups");
    assert_true(result.evidence.cpu_pressure.some >= PK_MILLISECONDS(50));
    assert_true(result.evidence.cpu_pressure.full <= result.evidence.cpu_pressure.some);
    assert_int_equal(result.evidence.memory_source, PK_SOURCE_UNAVAILABLE);
}

/* ---- Groups ----------------------------------------------------------------------------------------------------- */

static pk_result run_in(pk_group *group, pk_command *command)
{
    pk_error error;
    pk_result result;
    pk_auto(pk_process) process = NULL;
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    pk_command_free(command);
    return result;
}

/* After a kill the group has another directory, and nothing is forgotten. */
static void evidence_outlasts_a_kill(void **state)
{
    (void)state;
    pk_error error;
    pk_usage usage;
    pk_evidence evidence;
    pk_limits limits = memory_limit(CAP);
    pk_auto(pk_group) group = limited_group(&limits);
    char *before = strdup(pk_group_path(group));
    pk_result first = run_in(group, adversary("memory", "100", "--", "exit", "0", NULL));
    assert_int_equal(first.verdict, PK_VERDICT_OOM_KILLED);
    assert_ok(pk_group_kill(group, &error), error);
    pk_result second = run_in(group, adversary("exit", "4", NULL));
    assert_string_not_equal(pk_group_path(group), before);
    free(before);
    assert_int_equal(second.verdict, PK_VERDICT_EXITED); /* what was before is not its doing */
    assert_int_equal(second.evidence.oom_kills, 0);
    assert_int_equal(second.evidence.oom_cause, PK_OOM_CAUSE_NONE);

    assert_ok(pk_group_evidence(group, &evidence, &error), error);
    assert_int_equal(evidence.oom_cause, PK_OOM_CAUSE_LIMIT);
    assert_int_equal(evidence.oom_kills, first.evidence.oom_kills);
    assert_ok(pk_group_usage(group, &usage, &error), error);
    assert_int_equal(usage.memory_peak, CAP);
}

/* In a group that others share, the leader of this run may have failed for any other reason. */
static void others_in_a_group_are_no_reason(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(2 * CAP);
    limits.pids_max = 10;
    pk_auto(pk_group) group = limited_group(&limits);
    pk_result result = run_in(group, script("\"$0\" crowd 50 >/dev/null\n" NESTED_OOM "exit 7"));
    assert_int_equal(result.exit_code, 7);
    assert_int_equal(result.verdict, PK_VERDICT_EXITED);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_MEMBER);
    assert_true(result.evidence.pids_refused > 0);
}

static void other_mechanisms_have_none(void **state)
{
    (void)state;
    static const pk_mechanism mechanisms[] = {PK_MECHANISM_REAPER, PK_MECHANISM_PROCESS_GROUP};
    const pk_evidence nothing = {0};
    for (size_t i = 0; i < 2; i++) {
        pk_error error;
        pk_evidence evidence;
        pk_auto(pk_group) group = NULL;
        pk_group_options options = PK_GROUP_OPTIONS_INIT;
        options.mechanism = mechanisms[i];
        assert_ok(pk_group_create(&options, &group, &error), error);
        pk_command *command = adversary("exit", "3", NULL);
        pk_command_evidence(command, true);
        pk_result result = run_in(group, command);
        assert_int_equal(result.verdict, PK_VERDICT_EXITED);
        assert_memory_equal(&result.evidence, &nothing, sizeof(nothing));
        assert_ok(pk_group_evidence(group, &evidence, &error), error);
        assert_memory_equal(&evidence, &nothing, sizeof(nothing));
    }
}

/* What ended it is what it was asked to end by. */
static void a_deadline_comes_before_limits(void **state)
{
    (void)state;
    pk_error error;
    pk_result result;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits = memory_limit(2 * CAP);
    pk_auto(pk_command) command = script(NESTED_OOM "exec sleep 1000");
    pk_command_timeout(command, PK_SECONDS(3));
    pk_command_contain(command, &options);
    assert_ok(pk_command_status(command, &result, &error), error);
    assert_int_equal(result.verdict, PK_VERDICT_TIMED_OUT);
    assert_int_equal(result.evidence.oom_cause, PK_OOM_CAUSE_MEMBER);
}

/* A member that may do so takes the controller away, and with it the limit: nobody is told that it held. */
static void a_limit_that_was_taken_away_is_not_promised(void **state)
{
    (void)state;
    pk_limits limits = memory_limit(CAP);
    limits.pids_max = 50;
    pk_result result = run(script("exit 0"), &limits);
    assert_true(result.guarantees & PK_GUARANTEE_LIMITS);
    result = run(script("echo -memory >$1/../cgroup.subtree_control || exit 9"), &limits);
    assert_int_equal(result.exit_code, 0);
    assert_int_equal(result.evidence.memory_source, PK_SOURCE_UNAVAILABLE);
    assert_false(result.guarantees & PK_GUARANTEE_LIMITS);

    result = run(script("exit 0"), &limits); /* the next run has it again */
    assert_true(result.guarantees & PK_GUARANTEE_LIMITS);
}

/* A counter that cannot be read is no reason for a run not to end, and never one for another verdict than the truth. */
static int run_out_of_memory(void *data, pk_error *error)
{
    pk_result result;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    (void)data;
    options.limits = memory_limit(CAP / 8);
    pk_auto(pk_command) command = adversary("memory", "16", "--", "exit", "0", NULL);
    pk_command_contain(command, &options);
    int r = pk_command_status(command, &result, error);
    if (r < 0)
        return r;
    assert_int_equal(result.leader_ending, PK_ENDING_SIGNALLED);
    bool known = result.evidence.memory_source == PK_SOURCE_CGROUP;
    assert_int_equal(result.verdict, known ? PK_VERDICT_OOM_KILLED : PK_VERDICT_SIGNALLED);
    assert_int_equal(result.evidence.oom_cause, known ? PK_OOM_CAUSE_LIMIT : PK_OOM_CAUSE_NONE);
    return 0;
}

static void every_failure_of_a_call_leaves_the_truth(void **state)
{
    (void)state;
    pk_error error;
    const struct every_call every = {.run = run_out_of_memory};
    assert_ok(run_out_of_memory(NULL, &error), error); /* makes what lasts, the owner directory and its guardian */
    assert_true(every_call_fails(&every) > 50);
}

#define LIMITED(function) PK_TEST_WITH(function, .needs = NEEDS_CONTROLLERS, .deadline_s = 60)

static const struct test tests[] = {
    LIMITED(its_own_memory_limit_is_told),
    LIMITED(a_limit_above_is_told),
    LIMITED(a_limit_of_a_members_own_is_told),
    LIMITED(a_leader_that_gets_over_it_has_succeeded),
    LIMITED(a_group_that_is_not_killed_whole_is_told_likewise),
    LIMITED(slower_is_not_killed),
    LIMITED(its_own_pids_limit_is_told),
    LIMITED(who_can_do_with_fewer_processes_has_succeeded),
    LIMITED(a_pids_limit_above_is_not_its_own),
    LIMITED(a_failure_without_refusals_is_just_that),
    LIMITED(throttling_is_counted),
    LIMITED(input_and_output_are_counted),
    PK_TEST_WITH(pressure_is_read_where_it_is_asked_for, .needs = NEEDS_CGROUP2),
    LIMITED(evidence_outlasts_a_kill),
    LIMITED(others_in_a_group_are_no_reason),
    PK_TEST(other_mechanisms_have_none),
    LIMITED(a_deadline_comes_before_limits),
    LIMITED(a_limit_that_was_taken_away_is_not_promised),
    PK_TEST_WITH(every_failure_of_a_call_leaves_the_truth, .needs = NEEDS_CONTROLLERS, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
