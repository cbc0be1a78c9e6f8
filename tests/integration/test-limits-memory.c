/*
 * Limits that are enforced: memory, and who is killed beyond it; and replacing limits. On a kernel with controllers for
 * us; everything is asked through pk_group_create and whatever way to controllers it finds.
 */
#include "contain/proc.h"
#include "every-call.h"
#include "limited.h"
#include "sys/fault.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

static void memory_beyond_the_limit_kills_the_whole_tree(void **state)
{
    (void)state;
    pk_error error;
    pk_usage usage;
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(32);
    pk_group *group = limited_group(&limits);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 3");
    limited_end(cast_start(group, NULL, "memory 100"), PK_ENDING_SIGNALLED, SIGKILL);
    limited_end(process, PK_ENDING_SIGNALLED, SIGKILL);
    witness_assert_dead(witness, GONE_MS);
    assert_true(limited_count(group, "memory.events", "oom_kill ") > 0);
    assert_ok(pk_group_usage(group, &usage, &error), error);
    if (usage.memory_source == PK_SOURCE_CGROUP)
        assert_true(usage.memory_peak <= limits.memory_max);

    char before[PATH_MAX];
    snprintf(before, sizeof(before), "%s", pk_group_path(group));
    limited_end(limited_start(group, "true", NULL, NULL), PK_ENDING_EXITED, 0); /* the group can be used again */
    assert_string_not_equal(pk_group_path(group), before);
    pk_group_free(group);
    witness_free(witness);
}

static void one_may_be_killed_instead(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(32);
    limits.oom = PK_OOM_KILL_ONE;
    pk_group *group = limited_group(&limits);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "wide 3");
    limited_end(cast_start(group, NULL, "memory 100"), PK_ENDING_SIGNALLED, SIGKILL);
    witness_assert_alive(witness);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* A little more than what is free to use: more would be slowed down for minutes. */
static void high_memory_slows_and_does_not_kill(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_high = PK_MEBIBYTES(16);
    pk_group *group = limited_group(&limits);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "memory 17");
    witness_assert_alive(witness);
    assert_true(limited_count(group, "memory.events", "high ") > 0);
    assert_int_equal(limited_count(group, "memory.events", "oom_kill "), 0);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

/* Whatever happens between a page and what a program needs: an error or an end that says so, and never a run. */
static void too_little_memory_is_named(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {4096, 8192, 16384, 32768, 65536};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        pk_error error;
        pk_process *process = NULL;
        pk_limits limits = PK_LIMITS_INIT;
        limits.memory_max = sizes[i];
        if (limits.memory_max < (uint64_t)getpagesize())
            continue;
        pk_group *group = limited_group(&limits);
        pk_auto(pk_command) command = cast_command(NULL, "exit 0");
        int r = pk_group_spawn(group, command, &process, &error);
        if (r == 0) {
            limited_end(process, PK_ENDING_SIGNALLED, SIGKILL);
        } else {
            assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
            assert_non_null(strstr(error.message, "memory limit of"));
        }
        assert_true(sizes[i] > 4096 || r < 0);
        limits.memory_max = PK_MEBIBYTES(64);
        assert_ok(pk_group_set_limits(group, &limits, &error), error);
        limited_end(cast_start(group, NULL, "exit 5"), PK_ENDING_EXITED, 5);
        pk_group_free(group);
    }
}

/* ---- The owner, and what kills its group ------------------------------------------------------------------------ */

static pk_time seconds_from_now(unsigned seconds)
{
    return pk_deadline(PK_SECONDS(seconds));
}

/* Starts hogs and others into a group that has no room for them. */
static _Noreturn void be_owner(const pk_limits *limits)
{
    pk_group *group = limited_group(limits);
    pk_auto(pk_command) hog = cast_command(NULL, "memory 64");
    pk_auto(pk_command) other = cast_command(NULL, "exit 0");
    pk_time end = seconds_from_now(8 * test_slowness());
    while (seconds_from_now(0) < end) {
        pk_process *processes[9] = {NULL};
        pk_error error;
        for (int i = 0; i < 9; i++)
            if (pk_group_spawn(group, i % 3 == 0 ? hog : other, &processes[i], &error) < 0 &&
                error.kind != PK_ERROR_RESOURCE_LIMIT) {
                fprintf(stderr, "%s\n", error.message);
                _exit(1);
            }
        for (int i = 0; i < 9; i++) {
            pk_result result;
            if (processes[i] && pk_process_wait(processes[i], PK_FOREVER, &result, &error) < 0)
                _exit(2);
            pk_process_free(processes[i]);
        }
    }
    pk_group_free(group);
    pk_leave();
    _exit(0);
}

/* A child that ran in the owner's memory while the group was killed would have taken the owner along. */
static void a_group_that_is_killed_does_not_kill_its_owner(void **state)
{
    (void)state;
    int status;
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(4);
    pid_t owner = fork();
    if (owner == 0)
        be_owner(&limits);
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_int_equal(status, 0);
}

/* What the danger above depends on, without a race: only the first child is born in the owner's memory, unless nobody
 * is killed for memory. */
static void further_children_have_memory_of_their_own(void **state)
{
    (void)state;
    for (int limited = 0; limited <= 2; limited++) {
        pk_limits limits = PK_LIMITS_INIT;
        limits.pids_max = 20;
        limits.memory_max = limited ? PK_MEBIBYTES(64) : 0;
        limits.oom = limited == 2 ? PK_OOM_KILL_ONE : PK_OOM_KILL_GROUP;
        pk_group *group = limited_group(&limits);
        pk_process *first = cast_start(group, NULL, "hold");
        char before[PATH_MAX];
        snprintf(before, sizeof(before), "%s", pk_group_path(group));
        sys_fault_clear();
        pk_process *second = cast_start(group, NULL, "hold");
        assert_int_equal(sys_fault_count("mmap"), limited ? 1 : 0); /* what the two share */
        assert_string_equal(pk_group_path(group), before);
        pk_process_free(first);
        pk_process_free(second);
        pk_group_free(group);
    }
}

/* From now on whoever wakes this thread up loses the processor to it; its children are ordinary. */
static void run_before_all_others(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    struct sched_param urgent = {.sched_priority = 1};
    if (sched_setaffinity(0, sizeof(one), &one) < 0 ||
        sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &urgent) < 0)
        skip_test("the right to a real-time priority");
}

/* The kernel takes the flag away when the child has left the memory of who made it. */
static bool has_memory_of_its_own(const pk_process *process)
{
    enum { PF_FORKNOEXEC = 0x40 };
    struct proc_stat stat;
    assert_int_equal(proc_stat_read(pk_process_pid(process), &stat), 0);
    return !(stat.flags & PF_FORKNOEXEC);
}

/* The kernel lets the parent go on a moment before that, and the parent might fill the group's memory in that moment.
 */
static void the_first_child_is_apart_when_the_owner_goes_on(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(64);
    pk_group *group = limited_group(&limits);
    run_before_all_others();
    for (int i = 0; i < 20; i++) {
        pk_process *process = cast_start(group, NULL, "exit 0");
        assert_true(has_memory_of_its_own(process));
        limited_end(process, PK_ENDING_EXITED, 0);
    }
    pk_group_free(group);
}

static void all_children_are_apart_when_memory_is_limited(void **state)
{
    (void)state;
    pk_error error;
    pk_limits none = PK_LIMITS_INIT, limits = PK_LIMITS_INIT;
    none.pids_max = 20; /* the first limit, whichever it is, makes memory count */
    limits.memory_max = PK_MEBIBYTES(64);
    pk_group *group = limited_group(&none);
    run_before_all_others();
    for (int i = 0; i < 20; i++) {
        pk_process *process = cast_start(group, NULL, "exit 0");
        assert_ok(pk_group_set_limits(group, &limits, &error), error);
        assert_true(has_memory_of_its_own(process));
        assert_ok(pk_group_set_limits(group, &none, &error), error);
        limited_end(process, PK_ENDING_EXITED, 0);
    }
    pk_group_free(group);
}

/* ---- Replacing -------------------------------------------------------------------------------------------------- */

static void limits_of_a_running_group_are_replaced_or_stay(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT, found;
    limits.memory_max = PK_MEBIBYTES(64);
    limits.memory_high = PK_MEBIBYTES(48);
    limits.pids_max = 20;
    limits.cpu_max = 1.5;
    pk_group *group = limited_group(&limits);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "memory 16");
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_memory_equal(&found, &limits, sizeof(found));

    pk_limits wrong = limits;
    wrong.memory_max = wrong.memory_high = PK_MEBIBYTES(1); /* would kill, if it were written before it is known that */
    wrong.pids_max = 5;
    wrong.device_count = 1;
    wrong.devices[0] = (pk_device_limit){.major = 4000, .minor = 7, .read_ops = 9};
    assert_true(pk_group_set_limits(group, &wrong, &error) < 0); /* there is no such device, or no controller */
    wrong.device_count = 0;
    sys_fault_clear();
    sys_fault_set("write", 3, EIO); /* memory.high, after pids and before memory.max */
    assert_int_equal(pk_group_set_limits(group, &wrong, &error), -EIO);
    sys_fault_clear();
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_memory_equal(&found, &limits, sizeof(found));
    witness_assert_alive(witness);

    limits = (pk_limits)PK_LIMITS_INIT;
    limits.pids_max = 6;
    assert_ok(pk_group_set_limits(group, &limits, &error), error);
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_memory_equal(&found, &limits, sizeof(found)); /* all others are lifted */
    limited_expect(group, "memory.swap.max", "max");
    limited_expect(group, "memory.oom.group", "0");
    witness_assert_alive(witness);
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void lowering_memory_below_what_is_used_kills(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 20; /* the first limit, whichever it is, makes memory count */
    pk_group *group = limited_group(&limits);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "memory 32");
    pk_process *other = cast_adversary(group, witness, "wide 2");
    limits.memory_max = PK_MEBIBYTES(8);
    assert_ok(pk_group_set_limits(group, &limits, &error), error);
    witness_assert_dead(witness, GONE_MS);
    assert_true(limited_count(group, "memory.events", "oom_kill ") > 0);
    pk_process_free(process);
    pk_process_free(other);
    pk_group_free(group);
    witness_free(witness);
}

/* Memory that was used without the controller never counts. */
static void memory_is_not_limited_too_late(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    pk_group *group = cast_group(PK_MECHANISM_CGROUP2);
    pk_process *process = cast_start(group, NULL, "hold");
    bool counts = limited_has(group, "memory.current");
    limits.memory_max = PK_MEBIBYTES(64);
    int r = pk_group_set_limits(group, &limits, &error);
    if (counts)
        skip_test("a place whose memory controller is not enabled yet");
    assert_int_equal(r, -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "would not count"));
    assert_ok(pk_group_kill(group, &error), error);
    pk_process_free(process);
    assert_ok(pk_group_set_limits(group, &limits, &error), error);
    limited_expect(group, "memory.max", "67108864");
    pk_group_free(group);
}

static void limits_stay_when_a_group_is_used_again(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT, found;
    limits.pids_max = 3;
    limits.memory_max = PK_MEBIBYTES(64);
    pk_group *group = limited_group(&limits);
    pk_process_free(cast_start(group, NULL, "hold"));
    assert_ok(pk_group_kill(group, &error), error);
    pk_process_free(cast_start(group, NULL, "hold")); /* in another directory */
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_memory_equal(&found, &limits, sizeof(found));
    pk_group_free(group);
}

/* ---- Failing calls ---------------------------------------------------------------------------------------------- */

/* Whatever fails: a group that was made has its limits, and one whose limits were not replaced has the old ones. */
static int use_limits(void *data, pk_error *error)
{
    (void)data;
    pk_limits limits = PK_LIMITS_INIT, more;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    pk_group *group = NULL;
    pk_process *first = NULL, *second = NULL;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    limits.memory_max = PK_MEBIBYTES(64);
    limits.pids_max = 20;
    limits.cpu_max = 1.5;
    options.limits = limits;
    int r = pk_group_create(&options, &group, error);
    if (r < 0) {
        pk_leave();
        return r;
    }
    r = pk_group_spawn(group, command, &first, error);
    if (r == 0)
        r = pk_group_spawn(group, command, &second, error); /* with memory of its own */
    limited_expect(group, "memory.max", "67108864\n");
    limited_expect(group, "memory.swap.max", "0\n");
    limited_expect(group, "memory.oom.group", "1\n");
    limited_expect(group, "pids.max", "20\n");
    limited_expect(group, "cpu.max", "150000 100000\n");

    more = (pk_limits)PK_LIMITS_INIT;
    more.memory_max = PK_MEBIBYTES(32);
    more.pids_max = 30;
    int replaced = r == 0 ? pk_group_set_limits(group, &more, error) : r;
    limited_expect(group, "pids.max", replaced == 0 ? "30\n" : "20\n");
    limited_expect(group, "memory.max", replaced == 0 ? "33554432\n" : "67108864\n");
    limited_expect(group, "cpu.max", replaced == 0 ? "max 100000\n" : "150000 100000\n");
    pk_process_free(first);
    pk_process_free(second);
    (void)pk_group_kill(group, NULL); /* has more patience than to free it */
    pk_group_free(group);
    pk_leave(); /* the next run begins like this one */
    return replaced;
}

static void no_failing_call_leaves_a_group_without_its_limits(void **state)
{
    (void)state;
    assert_true(every_call_fails(&(struct every_call){.run = use_limits}) > 50);
}

#define LIMITED(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2 | NEEDS_CONTROLLERS, __VA_ARGS__)

static const struct test tests[] = {
    LIMITED(memory_beyond_the_limit_kills_the_whole_tree),
    LIMITED(one_may_be_killed_instead),
    LIMITED(high_memory_slows_and_does_not_kill, .deadline_s = 60),
    LIMITED(too_little_memory_is_named),
    LIMITED(a_group_that_is_killed_does_not_kill_its_owner, .deadline_s = 60),
    LIMITED(further_children_have_memory_of_their_own),
    LIMITED(the_first_child_is_apart_when_the_owner_goes_on),
    LIMITED(all_children_are_apart_when_memory_is_limited),
    LIMITED(limits_of_a_running_group_are_replaced_or_stay),
    LIMITED(lowering_memory_below_what_is_used_kills),
    LIMITED(memory_is_not_limited_too_late),
    LIMITED(limits_stay_when_a_group_is_used_again),
    LIMITED(no_failing_call_leaves_a_group_without_its_limits, .deadline_s = 120),
};

PK_TEST_MAIN(tests)
