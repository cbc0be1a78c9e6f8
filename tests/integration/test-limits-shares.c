/*
 * Limits that are enforced: processes, processors and disks. See test-limits-memory.c.
 */
#include "limited.h"
#include "sys/fault.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Processes -------------------------------------------------------------------------------------------------- */

static void expect_full(pk_group *group)
{
    pk_error error;
    pk_process *process = NULL;
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    assert_int_equal(pk_group_spawn(group, command, &process, &error), -EAGAIN);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_non_null(strstr(error.message, "its pids limit of 3"));
    assert_null(process);
}

static void fill_and_refill(const pk_limits *limits)
{
    pk_error error;
    pk_process *processes[3];
    pk_group *group = limited_group(limits);
    for (int i = 0; i < 3; i++)
        processes[i] = cast_start(group, NULL, "hold");
    expect_full(group);
    assert_int_equal(pk_group_members(group, NULL, 0, &error), 3);
    limited_expect(group, "pids.current", "3\n");

    assert_ok(pk_process_signal(processes[2], SIGKILL, &error), error);
    limited_end(processes[2], PK_ENDING_SIGNALLED, SIGKILL);
    processes[2] = cast_start(group, NULL, "hold");
    expect_full(group);
    for (int i = 0; i < 3; i++)
        pk_process_free(processes[i]);
    pk_group_free(group);
}

static void starts_beyond_the_limit_are_refused_by_name(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 3;
    fill_and_refill(&limits);
    limits.memory_max = PK_MEBIBYTES(64); /* children with memory of their own */
    fill_and_refill(&limits);
}

/* The kernel lets in whoever enters by a write. */
static void starts_by_joining_are_bounded_as_well(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 3;
    sys_fault_set("clone3", 0, ENOSYS);
    fill_and_refill(&limits);
    limits.memory_max = PK_MEBIBYTES(64);
    fill_and_refill(&limits);
    sys_fault_clear();
}

static void other_limits_on_processes_are_told_apart(void **state)
{
    (void)state;
    pk_error error;
    pk_process *process = NULL;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 3;
    pk_group *group = limited_group(&limits);
    pk_auto(pk_command) command = cast_command(NULL, "hold");
    sys_fault_set("clone3", 0, EAGAIN);
    assert_int_equal(pk_group_spawn(group, command, &process, &error), -EAGAIN);
    assert_int_equal(error.kind, PK_ERROR_NO_MEMORY);
    assert_non_null(strstr(error.message, "RLIMIT_NPROC"));

    sys_fault_clear();
    sys_fault_set("clone3", 1, EAGAIN); /* full, and then not any more */
    assert_ok(pk_group_spawn(group, command, &process, &error), error);
    sys_fault_clear();
    pk_process_free(process);
    pk_group_free(group);
}

static void members_cannot_fork_beyond_the_limit(void **state)
{
    (void)state;
    pk_limits limits = PK_LIMITS_INIT;
    limits.pids_max = 5;
    pk_group *group = limited_group(&limits);
    pk_process *process = cast_start(group, NULL, "wide 20");
    pk_result result;
    pk_error error;
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error); /* it gives up */
    assert_true(limited_count(group, "pids.events", "max ") > 0);
    if (access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0 && pk_group_is_empty(group, &error) == 0)
        assert_true(pk_group_members(group, NULL, 0, &error) <= 5);
    pk_process_free(process);
    pk_group_free(group);
}

/* ---- Processors ------------------------------------------------------------------------------------------------- */

static void half_a_processor_is_half_a_processor(void **state)
{
    (void)state;
    pk_result result;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT;
    limits.cpu_max = 0.5;
    pk_group *group = limited_group(&limits);
    pk_process *process = cast_start(group, NULL, "cpu 1000");
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    assert_true(result.wall >= PK_MILLISECONDS(1700)); /* the last 50 ms of a second may come at once */
    assert_true(limited_count(group, "cpu.stat", "nr_throttled ") > 0);
    pk_process_free(process);
    pk_group_free(group);
}

static void processors_are_those_of_the_list(void **state)
{
    (void)state;
    pk_error error;
    cpu_set_t set;
    pk_limits limits = PK_LIMITS_INIT;
    strcpy(limits.cpus, "0");
    strcpy(limits.memory_nodes, "0");
    pk_group *group = limited_group(&limits);
    struct witness *witness = witness_new();
    pk_process *process = cast_adversary(group, witness, "hold");
    limited_expect(group, "cpuset.cpus.effective", "0\n");
    limited_expect(group, "cpuset.mems.effective", "0\n");
    assert_int_equal(sched_getaffinity(witness_pid(witness, 0), sizeof(set), &set), 0);
    assert_int_equal(CPU_COUNT(&set), 1);
    assert_true(CPU_ISSET(0, &set));
    CPU_ZERO(&set);
    CPU_SET(1, &set);
    assert_int_equal(sched_setaffinity(witness_pid(witness, 0), sizeof(set), &set), -1); /* nor by its own doing */

    strcpy(limits.cpus, "0-8000");
    assert_int_equal(pk_group_set_limits(group, &limits, &error), -EINVAL);
    assert_non_null(strstr(error.message, "is not to be had here"));
    limited_expect(group, "cpuset.cpus", "0\n");
    limits.cpus[0] = '\0';
    strcpy(limits.memory_nodes, "0,9");
    assert_int_equal(pk_group_set_limits(group, &limits, &error), -EINVAL);
    assert_non_null(strstr(error.message, "memory node 9 is not to be had here"));
    limited_expect(group, "cpuset.cpus", "0\n");
    limited_expect(group, "cpuset.mems", "0\n");

    limits = (pk_limits)PK_LIMITS_INIT;
    assert_ok(pk_group_set_limits(group, &limits, &error), error);
    assert_int_equal(sched_getaffinity(witness_pid(witness, 0), sizeof(set), &set), 0);
    assert_int_equal(CPU_COUNT(&set), sysconf(_SC_NPROCESSORS_ONLN));
    pk_process_free(process);
    pk_group_free(group);
    witness_free(witness);
}

static void weights_are_in_their_files(void **state)
{
    (void)state;
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT, found;
    limits.cpu_weight = 77;
    limits.io_weight = 55;
    pk_group *group = limited_group(&limits);
    limited_expect(group, "cpu.weight", "77\n");
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_int_equal(found.cpu_weight, 77);
    assert_int_equal(found.io_weight, 55);
    limits.cpu_weight = limits.io_weight = 0;
    limits.pids_max = 9;
    assert_ok(pk_group_set_limits(group, &limits, &error), error);
    limited_expect(group, "cpu.weight", "100\n");
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_int_equal(found.cpu_weight, 0);
    assert_int_equal(found.io_weight, 0);
    assert_int_equal(found.pids_max, 9);
    pk_group_free(group);
}

/* ---- Disks ------------------------------------------------------------------------------------------------------ */

/* A disk with something to read on it, below /dev. */
static bool find_disk(char path[300])
{
    bool found = false;
    DIR *dir = opendir("/sys/block");
    for (const struct dirent *entry; dir && !found && (entry = readdir(dir));) {
        char size_path[600], size[32] = "";
        snprintf(size_path, sizeof(size_path), "/sys/block/%s/size", entry->d_name);
        FILE *file = fopen(size_path, "re");
        if (file && fgets(size, sizeof(size), file))
            found = strtoull(size, NULL, 10) > 8192 && strncmp(entry->d_name, "zram", 4) != 0;
        if (file)
            fclose(file);
        snprintf(path, 300, "/dev/%s", entry->d_name);
        found = found && access(path, R_OK) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

static void a_disk_is_as_slow_as_it_was_asked_to_be(void **state)
{
    (void)state;
    char path[300], words[600], number[64];
    pk_error error;
    pk_limits limits = PK_LIMITS_INIT, found;
    if (!find_disk(path))
        skip_test("a disk to read from");
    limits.device_count = 1;
    assert_ok(pk_device_find(path, &limits.devices[0].major, &limits.devices[0].minor, &error), error);
    limits.devices[0].read_bytes = PK_KIBIBYTES(512);
    limits.devices[0].write_ops = 50;
    pk_group *group = limited_group(&limits);
    snprintf(number, sizeof(number), "%u:%u rbps=524288 wbps=max riops=max wiops=50", limits.devices[0].major,
             limits.devices[0].minor);
    limited_expect(group, "io.max", number);
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_int_equal(found.device_count, 1);
    assert_memory_equal(&found.devices[0], &limits.devices[0], sizeof(found.devices[0]));

    snprintf(words, sizeof(words), "dd if=%s of=/dev/null bs=65536 count=16 iflag=direct 2>/dev/null", path);
    pk_result result;
    pk_process *process = limited_start(group, "sh", "-c", words);
    assert_ok(pk_process_wait(process, PK_FOREVER, &result, &error), error);
    if (result.exit_code != 0)
        skip_test("dd with iflag=direct");
    assert_true(result.wall >= PK_MILLISECONDS(1500)); /* 1 MiB */
    pk_process_free(process);

    limits.device_count = 0;
    limits.pids_max = 9;
    assert_ok(pk_group_set_limits(group, &limits, &error), error);
    assert_ok(pk_group_get_limits(group, &found, &error), error);
    assert_int_equal(found.device_count, 0);
    pk_group_free(group);
}

static void an_unknown_disk_is_refused_by_name(void **state)
{
    (void)state;
    pk_error error;
    pk_group *group = NULL;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    options.limits.device_count = 1;
    options.limits.devices[0] = (pk_device_limit){.major = 4000, .minor = 7, .read_bytes = 4096};
    int r = pk_group_create(&options, &group, &error);
    if (r == -EOPNOTSUPP)
        skip_test("a controller: %s", error.message);
    assert_int_equal(r, -ENODEV);
    assert_int_equal(error.kind, PK_ERROR_RESOURCE_LIMIT);
    assert_non_null(strstr(error.message, "device 4000:7"));
    assert_true(cast_count_directories() <= 1);
}

#define LIMITED(function, ...) PK_TEST_WITH(function, .needs = NEEDS_CGROUP2 | NEEDS_CONTROLLERS, __VA_ARGS__)

static const struct test tests[] = {
    LIMITED(starts_beyond_the_limit_are_refused_by_name),
    LIMITED(starts_by_joining_are_bounded_as_well),
    LIMITED(other_limits_on_processes_are_told_apart),
    LIMITED(members_cannot_fork_beyond_the_limit),
    LIMITED(half_a_processor_is_half_a_processor),
    LIMITED(processors_are_those_of_the_list),
    LIMITED(weights_are_in_their_files),
    LIMITED(a_disk_is_as_slow_as_it_was_asked_to_be),
    LIMITED(an_unknown_disk_is_refused_by_name),
};

PK_TEST_MAIN(tests)
