/*
 * Limits in files: devices, processors, and reading back.
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

/* ---- Devices and weights ---------------------------------------------------------------------------------------- */

static void a_missing_device_is_named(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits();
    int dir = fake_cgroup();
    sys_fault_clear();
    sys_fault_set("write", 1, ENODEV);
    assert_int_equal(limits_write_new(dir, &limits, &error), -ENODEV);
    assert_string_equal(error.message,
                        "cannot limit the device 8:16: it is no whole disk of this machine (see /sys/block)");
    sys_fault_clear();
    close(dir);
}

/* One of two schedulers must take a weight. */
static void weights_need_somebody_who_weighs(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    int dir = fake_cgroup();
    limits.device_count = 1;
    limits.devices[0] = (pk_device_limit){.major = 254, .minor = 0, .weight = 200};
    for (unsigned nth = 0; nth <= 2; nth++) { /* both, or one of them */
        sys_fault_clear();
        sys_fault_set("write", nth, EOPNOTSUPP);
        assert_int_equal(limits_write_new(dir, &limits, &error), nth == 0 ? -EOPNOTSUPP : 0);
    }
    assert_non_null(strstr(error.message, "cannot give the device 254:0 a weight"));

    unlink("io.bfq.weight");
    sys_fault_clear();
    sys_fault_set("write", 1, EOPNOTSUPP);
    assert_int_equal(limits_write_new(dir, &limits, &error), -EOPNOTSUPP);
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    expect("io.weight", "254:0 200");
    sys_fault_clear();

    unlink("io.weight");
    assert_int_equal(limits_write_new(dir, &limits, &error), -ENOENT);
    put("io.bfq.weight", "default 100\n");
    assert_int_equal(limits_write_new(dir, &limits, &error), 0);
    expect("io.bfq.weight", "254:0 109");
    close(dir);
}

static void weights_keep_their_order_for_bfq(void **state)
{
    (void)state;
    assert_int_equal(limit_weight_to_bfq(1), 1);
    assert_int_equal(limit_weight_to_bfq(100), 100);
    assert_int_equal(limit_weight_to_bfq(10000), 1000);
    assert_int_equal(limit_weight_from_bfq(1000), 10000);
    for (unsigned weight = 1; weight < 10000; weight++)
        assert_true(limit_weight_to_bfq(weight) <= limit_weight_to_bfq(weight + 1));
    for (unsigned weight = 1; weight <= 1000; weight++)
        assert_int_equal(limit_weight_to_bfq(limit_weight_from_bfq(weight)), weight);
}

/* ---- Processors and memory nodes -------------------------------------------------------------------------------- */

/* The kernel would leave out what is not there. */
static void processors_that_are_not_there_are_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    int dir = fake_cgroup();
    strcpy(limits.cpus, "2-5");
    limits.pids_max = 9;
    assert_int_equal(limits_replace(dir, &limits, &error), -EINVAL);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_string_equal(error.message,
                        "cannot limit the group to these processors: processor 4 is not to be had here (only 0-3)");
    expect("cpuset.cpus", "\n");
    expect("pids.max", "max");
    strcpy(limits.cpus, "3");
    strcpy(limits.memory_nodes, "1");
    assert_int_equal(limits_write_new(dir, &limits, &error), -EINVAL);
    assert_non_null(strstr(error.message, "memory node 1 is not"));

    strcpy(limits.cpus, "0-8000"); /* more than the kernel was built for: refused by the write */
    limits.memory_nodes[0] = '\0';
    sys_fault_clear();
    sys_fault_set("write", 1, ERANGE);
    assert_int_equal(limits_write_new(dir, &limits, &error), -EINVAL);
    assert_non_null(strstr(error.message, "processor 4 is not"));
    sys_fault_clear();
    close(dir);
}

/* With members in it the kernel does not take back an empty list. */
static void lifted_processors_are_all_of_the_parents(void **state)
{
    (void)state;
    pk_error error;
    pk_limits none = PK_LIMITS_INIT;
    assert_int_equal(mkdir(scratch("group"), 0755), 0);
    put("cpuset.cpus.effective", "0-7\n");
    put("group/cpuset.cpus", "3\n");
    int dir = open("group", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sys_fault_clear();
    sys_fault_set("write", 1, ENOSPC);
    assert_int_equal(limits_replace(dir, &none, &error), 0);
    sys_fault_clear();
    expect("group/cpuset.cpus", "0-7\n");
    close(dir);
}

/* ---- Reading back ----------------------------------------------------------------------------------------------- */

static void limits_are_read_back(void **state)
{
    (void)state;
    pk_error error;
    pk_limits found = PK_LIMITS_INIT, none = PK_LIMITS_INIT, limits = fake_limits();
    int dir = fake_cgroup();
    assert_int_equal(limits_read(dir, &found, &error), 0);
    assert_memory_equal(&found, &none, sizeof(none));

    put("memory.max", "67108864\n");
    put("memory.high", "50331648\n");
    put("memory.swap.max", "0\n");
    put("memory.oom.group", "1\n");
    put("pids.max", "10\n");
    put("cpu.max", "150000 100000\n");
    put("cpu.weight", "50\n");
    put("cpuset.cpus", "0-1,3\n");
    put("cpuset.mems", "0\n");
    put("io.max", "8:16 rbps=1048576 wbps=max riops=max wiops=120\n");
    put("io.weight", "default 1090\n254:0 10\n");
    put("io.bfq.weight", "default 190\n254:0 10\n");
    assert_int_equal(limits_read(dir, &found, &error), 0);
    assert_memory_equal(&found, &limits, sizeof(limits));

    put("memory.swap.max", "max\n");
    put("memory.oom.group", "0\n");
    put("io.weight", "default 100\n"); /* BFQ's is all there is */
    put("io.max", "8:16 rbps=max wbps=2 riops=max wiops=max\n8:32 rbps=5 wbps=max riops=max wiops=max\n");
    assert_int_equal(limits_read(dir, &found, &error), 0);
    assert_true(found.swap_max == PK_UNLIMITED);
    assert_int_equal(found.oom, PK_OOM_KILL_ONE);
    assert_int_equal(found.io_weight, 1090);
    assert_int_equal(found.device_count, 3);
    assert_int_equal(found.devices[0].write_bytes, 2);
    assert_int_equal(found.devices[0].read_bytes, 0);
    assert_int_equal(found.devices[1].minor, 32);
    assert_int_equal(found.devices[2].weight, 10);
    close(dir);
}

static void what_is_not_there_is_no_limit_and_what_cannot_be_read_an_error(void **state)
{
    (void)state;
    pk_error error;
    pk_limits found = PK_LIMITS_INIT, none = PK_LIMITS_INIT;
    int dir = fake_cgroup();
    for (int i = 0; i < FAKE_FILES; i++)
        unlink(fake_files[i][0]);
    assert_int_equal(limits_read(dir, &found, &error), 0);
    assert_memory_equal(&found, &none, sizeof(none));
    close(dir);
    dir = fake_cgroup();
    sys_fault_clear();
    assert_int_equal(limits_read(dir, &found, &error), 0);
    for (unsigned nth = 1, reads = sys_fault_count("openat"); nth <= reads; nth++) {
        sys_fault_clear();
        sys_fault_set("openat", nth, EIO);
        assert_int_equal(limits_read(dir, &found, &error), -EIO);
    }
    sys_fault_clear();
    close(dir);
}

static const struct test tests[] = {
    PK_TEST(a_missing_device_is_named),
    PK_TEST(weights_need_somebody_who_weighs),
    PK_TEST(weights_keep_their_order_for_bfq),
    PK_TEST(processors_that_are_not_there_are_refused),
    PK_TEST(lifted_processors_are_all_of_the_parents),
    PK_TEST(limits_are_read_back),
    PK_TEST(what_is_not_there_is_no_limit_and_what_cannot_be_read_an_error),
};

PK_TEST_MAIN(tests)
