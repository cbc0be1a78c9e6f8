/*
 * Limits: which mean something, and the controllers that they need.
 */
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/limits.h"
#include "fake-cgroup.h"
#include "harness.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Nonsense --------------------------------------------------------------------------------------------------- */

static void refuse(const pk_limits *limits, const char *words)
{
    pk_error error = {0};
    assert_int_equal(limits_check(limits, &error), -EINVAL);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_null(strchr(error.message, '\n'));
    if (!strstr(error.message, words))
        fail_msg("'%s' is not in '%s'", words, error.message);
}

#define REFUSED(words, ...)                  \
    do {                                     \
        pk_limits refused_ = PK_LIMITS_INIT; \
        pk_limits *l = &refused_;            \
        __VA_ARGS__;                         \
        refuse(l, words);                    \
    } while (0)

#define REFUSED_DEVICE(words, ...) \
    REFUSED(words, l->device_count = 1; l->devices[0] = (pk_device_limit){.major = 8, __VA_ARGS__})

static void nonsense_is_refused_in_one_line(void **state)
{
    (void)state;
    REFUSED("cpu limit", l->cpu_max = 0.0 / 0.0);
    REFUSED("cpu limit", l->cpu_max = 1.0 / 0.0);
    REFUSED("cpu limit", l->cpu_max = -1);
    REFUSED("0.001 to 1000000", l->cpu_max = 0.0009);
    REFUSED("0.001 to 1000000", l->cpu_max = 1000001);
    REFUSED("cpu-weight limit", l->cpu_weight = 10001);
    REFUSED("io-weight limit", l->io_weight = 10001);
    REFUSED("pids limit", l->pids_max = 4194305);
    REFUSED("less than a page", l->memory_max = 4095);
    REFUSED("less than a page", l->memory_high = 1);
    REFUSED("too large", l->memory_max = PK_UNLIMITED);
    REFUSED("too large", l->memory_high = PK_UNLIMITED);
    REFUSED("needs a memory limit", l->swap_max = 1);
    REFUSED("swap limit", l->memory_max = 1 << 20; l->swap_max = PK_UNLIMITED - 1);
    REFUSED("above the memory limit", l->memory_max = 1 << 20; l->memory_high = 1 << 21);
    REFUSED("not known", l->memory_max = 1 << 20; l->oom = (pk_oom)2);
    REFUSED("'3-1' is no list", strcpy(l->cpus, "3-1"));
    REFUSED("is no list", strcpy(l->cpus, "0,"));
    REFUSED("is no list", strcpy(l->cpus, "0\n"));
    REFUSED("is no list", strcpy(l->memory_nodes, "all"));
    REFUSED("has no end", memset(l->cpus, '1', sizeof(l->cpus)));
    REFUSED("9 devices are more than 8", l->device_count = 9);
    REFUSED("device 8:0: nothing is limited", l->device_count = 1; l->devices[0].major = 8);
    REFUSED_DEVICE("at least 4096", .read_bytes = 4095);
    REFUSED_DEVICE("at least 4096", .write_bytes = 1);
    REFUSED_DEVICE("at least 2", .read_ops = 1);
    REFUSED_DEVICE("at least 2", .write_ops = 1);
    REFUSED_DEVICE("operations is too large", .write_ops = UINT32_MAX);
    REFUSED_DEVICE("bytes is too large", .write_bytes = PK_UNLIMITED);
    REFUSED_DEVICE("weight must be", .weight = 10001);
    REFUSED("there twice", l->device_count = 2; l->devices[0].read_ops = l->devices[1].write_ops = 9);
}

static void what_kernels_take_is_not_refused(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = fake_limits();
    assert_int_equal(limits_check(&limits, &error), 0);
    limits.memory_max = limits.memory_high = INT64_MAX; /* more than any machine has */
    limits.swap_max = PK_UNLIMITED;
    limits.pids_max = 4194304;
    limits.cpu_max = 0.001;
    limits.cpu_weight = 10000;
    assert_int_equal(limits_check(&limits, &error), 0);
}

static void controllers_follow_from_limits(void **state)
{
    (void)state;
    static const char *const all[] = {"memory", "pids", "cpu", "io", "cpuset"};
    const char *found[LIMIT_CONTROLLERS];
    pk_limits limits = fake_limits(), none = PK_LIMITS_INIT;
    assert_int_equal(limits_controllers(&limits, false, found), 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(found[i], all[i]);
    assert_false(limits_any(&none));
    none.memory_high = 1 << 20;
    assert_true(limits_any(&none));
    assert_int_equal(limits_controllers(&none, false, found), 1);
    assert_false(limits_kill_group(&none));
}

/* ---- Controllers ------------------------------------------------------------------------------------------------ */

static const char *const memory_and_pids[] = {"memory", "pids"};

static void only_what_is_not_enabled_is_written(void **state)
{
    (void)state;
    pk_error error;
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put("cgroup.controllers", "cpuset cpu io memory pids\n");
    put("cgroup.subtree_control", "memory\n");
    assert_int_equal(controllers_enable(dir, ".", "ask somebody", memory_and_pids, 2, &error), 0);
    expect("cgroup.subtree_control", "+pids");

    put("cgroup.subtree_control", "pids memory\n");
    sys_fault_clear();
    assert_int_equal(controllers_enable(dir, ".", "ask somebody", memory_and_pids, 2, &error), 0);
    assert_int_equal(sys_fault_count("write"), 0); /* a redundant write can fail with EBUSY */

    put("cgroup.subtree_control", "\n");
    assert_int_equal(controllers_enable(dir, ".", "ask somebody", memory_and_pids, 2, &error), 0);
    expect("cgroup.subtree_control", "+memory +pids"); /* in one write */
    close(dir);
}

static void refusals_name_controller_file_and_remedy(void **state)
{
    (void)state;
    pk_error error;
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put("cgroup.controllers", "cpu memory\n");
    put("cgroup.subtree_control", "\n");
    assert_int_equal(controllers_enable(dir, "/the/place", "ask somebody", memory_and_pids, 2, &error), -EOPNOTSUPP);
    assert_non_null(strstr(error.message, "'pids'"));
    assert_non_null(strstr(error.message, "/the/place"));

    put("cgroup.controllers", "cpu memory pids\n");
    sys_fault_clear();
    sys_fault_set("write", 1, EBUSY);
    assert_int_equal(controllers_enable(dir, "/the/place", "ask somebody", memory_and_pids, 2, &error), -EOPNOTSUPP);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_non_null(strstr(error.message, "+memory +pids"));
    assert_non_null(strstr(error.message, "cgroup.subtree_control"));
    assert_non_null(strstr(error.message, "Delegate=yes"));
    sys_fault_clear();
    close(dir);
}

static void words_are_compared_whole(void **state)
{
    (void)state;
    assert_true(controllers_has("cpuset cpu io\n", "cpu"));
    assert_false(controllers_has("cpuset io\n", "cpu"));
    assert_false(controllers_has("", "cpu"));
}

static void keys_are_found_whole(void **state)
{
    (void)state;
    uint64_t value;
    assert_int_equal(cgroup_parse_key("populated 1\nfrozen 0\n", "frozen", &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(cgroup_parse_key("user_usec 5\nusec max\n", "usec", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(cgroup_parse_key("user_usec 5\n", "usec", &value), -ENODATA);
    assert_int_equal(cgroup_parse_key("a -5\n", "a", &value), -ENODATA);
    assert_int_equal(cgroup_parse_key("a 99999999999999999999999\n", "a", &value), -ENODATA);
    assert_int_equal(cgroup_parse_key("a", "a", &value), -ENODATA);
    assert_int_equal(cgroup_parse_key("", "a", &value), -ENODATA);
}

static const struct test tests[] = {
    PK_TEST(nonsense_is_refused_in_one_line),
    PK_TEST(what_kernels_take_is_not_refused),
    PK_TEST(controllers_follow_from_limits),
    PK_TEST(only_what_is_not_enabled_is_written),
    PK_TEST(refusals_name_controller_file_and_remedy),
    PK_TEST(words_are_compared_whole),
    PK_TEST(keys_are_found_whole),
};

PK_TEST_MAIN(tests)
