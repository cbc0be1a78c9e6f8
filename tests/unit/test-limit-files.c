/*
 * Limits in files: what is written to which, all or nothing. The directory is an ordinary one with files of the same
 * names; that the kernel enforces what is written is not shown here.
 */
#include "contain/limit-plan.h"
#include "contain/limits.h"
#include "fake-cgroup.h"
#include "harness.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

static void limits_are_written_as_the_kernel_reads_them(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits();
    int dir = fake_cgroup();
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    expect("memory.max", "67108864");
    expect("memory.high", "50331648");
    expect("memory.swap.max", "0"); /* a limit that may be dodged by swapping is none */
    expect("memory.oom.group", "1");
    expect("pids.max", "10");
    expect("cpu.max", "150000 100000");
    expect("cpu.weight", "50");
    expect("cpuset.cpus", "0-1,3\n");
    expect("cpuset.mems", "0\n");
    expect("io.max", "8:16 rbps=1048576 wbps=max riops=max wiops=120");
    expect("io.weight", "254:0 10"); /* after "default 1090": the kernel takes each write for itself */
    close(dir);
}

static void what_may_kill_is_written_last(void **state)
{
    (void)state;
    static const char *const files[] = {"io.max",           "io.weight",   "io.bfq.weight",   "io.weight",
                                        "io.bfq.weight",    "cpuset.cpus", "cpuset.mems",     "cpu.weight",
                                        "cpu.max",          "pids.max",    "memory.swap.max", "memory.high",
                                        "memory.oom.group", "memory.max"};
    static const char *const weights[] = {"default 1090", "default 190", "254:0 10", "254:0 10"};
    struct limit_plan plan;
    pk_limits limits = fake_limits();
    assert_int_equal(limit_plan_new(&plan, &limits), 0);
    assert_int_equal(plan.count, sizeof(files) / sizeof(files[0]));
    for (size_t i = 0; i < plan.count; i++)
        assert_string_equal(plan.changes[i].file, files[i]);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(plan.changes[1 + i].text, weights[i]);
    limit_plan_free(&plan);
}

static void nothing_is_written_that_was_not_asked_for(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    int dir = fake_cgroup();
    limits.memory_max = PK_MEBIBYTES(1);
    sys_fault_clear();
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    assert_int_equal(sys_fault_count("write"), 3); /* memory, swap, and what is killed beyond it */
    assert_int_equal(sys_fault_count("read"), 0);

    limits = (pk_limits)PK_LIMITS_INIT;
    limits.pids_max = 3;
    sys_fault_clear();
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    assert_int_equal(sys_fault_count("write"), 1);
    close(dir);
}

static void odd_numbers_are_made_such_as_the_kernel_takes(void **state)
{
    (void)state;
    static const struct {
        double cores;
        const char *text;
    } shares[] = {
        {0.001, "1000 1000000"},    {0.0099, "9900 1000000"},     {0.01, "1000 100000"},
        {0.333333, "33333 100000"}, {1e6, "100000000000 100000"},
    };
    pk_error error;
    int dir = fake_cgroup();
    pk_limits limits = PK_LIMITS_INIT;
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        limits.cpu_max = shares[i].cores;
        assert_int_equal(limits_check(&limits, &error), 0);
        assert_int_equal(limits_write_new(dir, &limits, &error), 0);
        expect("cpu.max", shares[i].text);
    }
    limits = (pk_limits)PK_LIMITS_INIT;
    limits.memory_max = PK_KIBIBYTES(1024) - 1; /* whole pages, and never more than was allowed */
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    char text[32];
    snprintf(text, sizeof(text), "%lu", (PK_KIBIBYTES(1024) - 1) / (uint64_t)getpagesize() * (uint64_t)getpagesize());
    expect("memory.max", text);
    close(dir);
}

static void swap_may_be_asked_for(void **state)
{
    (void)state;
    pk_error error;
    int dir = fake_cgroup();
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = 1 << 20;
    limits.swap_max = 2 << 20;
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    expect("memory.swap.max", "2097152");
    limits.swap_max = PK_UNLIMITED;
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    expect("memory.swap.max", "max");
    close(dir);
}

/* ---- Replacing -------------------------------------------------------------------------------------------------- */

static void a_running_group_is_killed_as_a_whole_or_not(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits();
    int dir = fake_cgroup();
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    expect("memory.oom.group", "1");
    limits.oom = PK_OOM_KILL_ONE;
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    expect("memory.oom.group", "0");
    close(dir);
}

static void what_is_there_already_is_not_written_again(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits();
    int dir = fake_cgroup();
    limits.device_count = 0;
    limits.io_weight = 0;
    put("memory.max", "67108864\n");
    put("memory.high", "50331648\n");
    put("memory.swap.max", "0\n");
    put("memory.oom.group", "1\n");
    put("pids.max", "10\n");
    put("cpu.max", "150000 100000\n");
    put("cpu.weight", "50\n");
    put("cpuset.cpus", "0-1,3\n");
    put("cpuset.mems", "0\n");
    sys_fault_clear();
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    assert_int_equal(sys_fault_count("write"), 0);
    limits.pids_max = 1; /* not the same as 10 */
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    assert_int_equal(sys_fault_count("write"), 1);
    close(dir);
}

static void zero_lifts(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits(), none = PK_LIMITS_INIT;
    int dir = fake_cgroup();
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    put("io.max", "8:16 rbps=1048576 wbps=max riops=max wiops=120\n");
    put("io.weight", "default 1090\n");
    put("io.bfq.weight", "default 100\n254:0 10\n");
    assert_int_equal(limits_replace(dir, &none, &error), 0);
    expect("io.max", "8:16 rbps=max wbps=max riops=max wiops=max");
    expect("io.weight", "default 100");
    expect("io.bfq.weight", "254:0 default");
    for (int i = 0; i < FAKE_FILES; i++)
        if (strncmp(fake_files[i][0], "io.", 3) != 0) {
            char value[32];
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(fake_files[i][1], "\n"), fake_files[i][1]);
            expect(fake_files[i][0], value);
        }
    close(dir);
}

/* Every write is refused once. What was written before is put back, the last first. */
static void failure_puts_everything_back(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits();
    int dir = fake_cgroup();
    limits.devices[1].weight = 0; /* its file has more than one line, which an ordinary file cannot show */
    limits.devices[1].read_ops = 7;
    limits.io_weight = 0;
    sys_fault_clear();
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    unsigned writes = sys_fault_count("write");
    assert_int_equal(writes, 11);

    for (unsigned nth = 1; nth <= writes; nth++) {
        close(dir);
        dir = fake_cgroup();
        sys_fault_clear();
        sys_fault_set("write", nth, EINVAL);
        assert_int_equal(limits_replace(dir, &limits, &error), -EINVAL);
        assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
        assert_int_equal(error.step, PK_STEP_SET_LIMITS);
        assert_int_equal(sys_fault_count("write"), 2 * nth - 1);
        sys_fault_clear();
        for (int i = 0; i < FAKE_FILES; i++)
            if (strcmp(fake_files[i][0], "io.max") != 0)
                expect(fake_files[i][0], fake_files[i][1]);
        expect("io.max", nth == 1 ? "\n" : "8:16 rbps=max wbps=max riops=max wiops=max");
    }
    close(dir);
}

static void lines_of_devices_are_put_back(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    int dir = fake_cgroup();
    put("io.max", "8:16 rbps=4096 wbps=max riops=max wiops=max\n");
    limits.device_count = 1;
    limits.devices[0] = (pk_device_limit){.major = 8, .minor = 16, .read_bytes = 8192};
    limits.pids_max = 5;
    sys_fault_clear();
    sys_fault_set("write", 2, EINVAL);
    assert_int_equal(limits_replace(dir, &limits, &error), -EINVAL);
    sys_fault_clear();
    expect("io.max", "8:16 rbps=4096 wbps=max riops=max wiops=max");
    expect("pids.max", "max");
    close(dir);
}

static void missing_files_are_refused_only_if_needed(void **state)
{
    (void)state;
    pk_error error;
    int dir = fake_cgroup();
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 5;
    for (int i = 0; i < FAKE_FILES; i++)
        if (strcmp(fake_files[i][0], "pids.max") != 0)
            unlink(fake_files[i][0]);
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    expect("pids.max", "5");
    limits.pids_max = 6;
    assert_int_equal(limits_replace(dir, &limits, &error), 0);
    expect("pids.max", "6");
    limits.pids_max = 7;
    limits.memory_max = 1 << 20;
    assert_int_equal(limits_replace(dir, &limits, &error), -ENOENT);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_non_null(strstr(error.message, "memory."));
    expect("pids.max", "6");
    close(dir);
}

static const struct test tests[] = {
    PK_TEST(limits_are_written_as_the_kernel_reads_them),
    PK_TEST(what_may_kill_is_written_last),
    PK_TEST(nothing_is_written_that_was_not_asked_for),
    PK_TEST(odd_numbers_are_made_such_as_the_kernel_takes),
    PK_TEST(swap_may_be_asked_for),
    PK_TEST(a_running_group_is_killed_as_a_whole_or_not),
    PK_TEST(what_is_there_already_is_not_written_again),
    PK_TEST(zero_lifts),
    PK_TEST(failure_puts_everything_back),
    PK_TEST(lines_of_devices_are_put_back),
    PK_TEST(missing_files_are_refused_only_if_needed),
};

PK_TEST_MAIN(tests)
