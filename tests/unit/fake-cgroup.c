/*
 * Making and looking at ordinary files that stand for those of a cgroup.
 */
#include "fake-cgroup.h"

#include "harness.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void put(const char *name, const char *text)
{
    int fd = open(scratch(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

void expect(const char *name, const char *text)
{
    char found[512] = {0};
    int fd = open(scratch(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, found, sizeof(found) - 1) >= 0);
    close(fd);
    found[strlen(text)] = '\0';
    assert_string_equal(found, text);
}

const char *const fake_files[FAKE_FILES][2] = {
    {"cpuset.cpus", "\n"},          {"cpuset.mems", "\n"},
    {"cpu.weight", "100\n"},        {"cpu.max", "max 100000\n"},
    {"pids.max", "max\n"},          {"memory.swap.max", "max\n"},
    {"memory.high", "max\n"},       {"memory.oom.group", "0\n"},
    {"memory.max", "max\n"},        {"io.max", "\n"},
    {"io.weight", "default 100\n"}, {"io.bfq.weight", "default 100\n"},
};

int fake_cgroup(void)
{
    for (int i = 0; i < FAKE_FILES; i++)
        put(fake_files[i][0], fake_files[i][1]);
    put("cpuset.cpus.effective", "0-3\n");
    put("cpuset.mems.effective", "0\n");
    return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

pk_limits fake_limits(void)
{
    pk_limits limits = PK_LIMITS_INIT;
    limits.memory_max = PK_MEBIBYTES(64);
    limits.memory_high = PK_MEBIBYTES(48);
    limits.pids_max = 10;
    limits.cpu_max = 1.5;
    limits.cpu_weight = 50;
    limits.io_weight = 1090;
    strcpy(limits.cpus, "0-1,3");
    strcpy(limits.memory_nodes, "0");
    limits.device_count = 2;
    limits.devices[0] = (pk_device_limit){.major = 8, .minor = 16, .read_bytes = 1 << 20, .write_ops = 120};
    limits.devices[1] = (pk_device_limit){.major = 254, .minor = 0, .weight = 10};
    return limits;
}
