/*
 * Limits: what is written to which file, all or nothing. The directory is an ordinary one with files of the same names;
 * that the kernel enforces what is written is not shown here.
 */
#include "contain/cgroup.h"
#include "contain/controllers.h"
#include "contain/limits.h"
#include "harness.h"
#include "sys/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *name, const char *text)
{
    int fd = open(scratch(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* The first `length` bytes: an ordinary file keeps what a shorter write does not cover. */
static void expect(const char *name, const char *text)
{
    char found[128] = {0};
    int fd = open(scratch(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, found, sizeof(found) - 1) >= 0);
    close(fd);
    found[strlen(text)] = '\0';
    assert_string_equal(found, text);
}

static int make_directory(void)
{
    put("memory.max", "max\n");
    put("memory.swap.max", "max\n");
    put("memory.oom.group", "0\n");
    put("pids.max", "max\n");
    put("cpu.max", "max 100000\n");
    return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void limits_are_written_as_the_kernel_reads_them(void **state)
{
    (void)state;
    pk_error error;
    int dir = make_directory();
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = 64 << 20;
    limits.pids_max = 10;
    limits.cpu_max = 1.5;
    assert_int_equal(limits_write(dir, &limits, &error), 0);
    expect("memory.max", "67108864");
    expect("memory.swap.max", "0"); /* a limit that may be dodged by swapping is none */
    expect("memory.oom.group", "1");
    expect("pids.max", "10");
    expect("cpu.max", "150000 100000");
    close(dir);
}

static void small_shares_are_at_least_one_microsecond(void **state)
{
    (void)state;
    pk_error error;
    int dir = make_directory();
    pk_limits limits = PK_LIMITS_INIT;
    limits.cpu_max = 0.000001;
    assert_int_equal(limits_write(dir, &limits, &error), 0);
    expect("cpu.max", "1 100000");
    limits.cpu_max = 0.333333;
    assert_int_equal(limits_write(dir, &limits, &error), 0);
    expect("cpu.max", "33333 100000");
    close(dir);
}

static void swap_may_be_asked_for(void **state)
{
    (void)state;
    pk_error error;
    int dir = make_directory();
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = 1 << 20;
    limits.swap_max = 2 << 20;
    assert_int_equal(limits_write(dir, &limits, &error), 0);
    expect("memory.swap.max", "2097152");
    limits.swap_max = PK_UNLIMITED;
    assert_int_equal(limits_write(dir, &limits, &error), 0);
    expect("memory.swap.max", "max");
    close(dir);
}

static void failure_puts_everything_back(void **state)
{
    (void)state;
    pk_error error;
    int dir = make_directory();
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = 64 << 20;
    limits.pids_max = 10;
    limits.cpu_max = 1;
    for (unsigned nth = 1; nth <= 5; nth++) {
        sys_fault_clear();
        sys_fault_set("write", nth, EINVAL);
        assert_int_equal(limits_write(dir, &limits, &error), -EINVAL);
        assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
        assert_int_equal(error.step, PK_STEP_SET_LIMITS);
        sys_fault_clear();
        expect("memory.swap.max", "max");
        expect("memory.oom.group", "0");
        expect("memory.max", "max");
        expect("pids.max", "max");
        expect("cpu.max", "max");
    }
    close(dir);
}

static void missing_files_are_refused_only_if_needed(void **state)
{
    (void)state;
    pk_error error;
    int dir = make_directory();
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 5;
    unlink("memory.max");
    unlink("memory.swap.max");
    unlink("memory.oom.group");
    unlink("cpu.max");
    assert_int_equal(limits_write(dir, &limits, &error), 0);
    expect("pids.max", "5");
    limits.memory_max = 1 << 20;
    assert_int_equal(limits_write(dir, &limits, &error), -ENOENT);
    expect("pids.max", "5");
    close(dir);
}

static void limits_are_read_back(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    int dir = make_directory();
    put("memory.max", "1048576\n");
    put("pids.max", "max\n");
    put("cpu.max", "50000 100000\n");
    assert_int_equal(limits_read(dir, &limits, &error), 0);
    assert_int_equal(limits.memory_max, 1048576);
    assert_int_equal(limits.pids_max, 0);
    assert_true(limits.cpu_max == 0.5);
    close(dir);
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
    PK_TEST(limits_are_written_as_the_kernel_reads_them),
    PK_TEST(small_shares_are_at_least_one_microsecond),
    PK_TEST(swap_may_be_asked_for),
    PK_TEST(failure_puts_everything_back),
    PK_TEST(missing_files_are_refused_only_if_needed),
    PK_TEST(limits_are_read_back),
    PK_TEST(only_what_is_not_enabled_is_written),
    PK_TEST(refusals_name_controller_file_and_remedy),
    PK_TEST(words_are_compared_whole),
    PK_TEST(keys_are_found_whole),
};

PK_TEST_MAIN(tests)
