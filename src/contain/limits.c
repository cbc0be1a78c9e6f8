/*
 * Which limits are asked for, and whether they mean anything.
 */
#include "contain/limits.h"

#include "base/error.h"
#include "base/number-set.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What kernels take. */
enum { MOST_PIDS = 1 << 22, MOST_WEIGHT = 10000, LEAST_BYTES = 4096, LEAST_OPS = 2 };

const char *const limits_all[LIMIT_CONTROLLERS] = {"memory", "pids", "cpu", "io", "cpuset"};

bool limits_kill(const pk_limits *limits)
{
    return limits->memory_max != 0;
}

bool limits_kill_group(const pk_limits *limits)
{
    return limits_kill(limits) && limits->oom == PK_OOM_KILL_GROUP;
}

size_t limits_controllers(const pk_limits *limits, bool required, const char *controllers[LIMIT_CONTROLLERS])
{
    size_t count = 0;
    if (required || limits->memory_max || limits->memory_high)
        controllers[count++] = "memory";
    if (required || limits->pids_max)
        controllers[count++] = "pids";
    if (required || limits->cpu_max != 0 || limits->cpu_weight)
        controllers[count++] = "cpu";
    if (limits->io_weight || limits->device_count)
        controllers[count++] = "io";
    if (limits->cpus[0] || limits->memory_nodes[0])
        controllers[count++] = "cpuset";
    return count;
}

bool limits_any(const pk_limits *limits)
{
    const char *controllers[LIMIT_CONTROLLERS];
    return limits_controllers(limits, false, controllers) > 0 || limits->swap_max;
}

/* ---- Checking --------------------------------------------------------------------------------------------------- */

static int refuse(pk_error *error, const char *what, const char *why)
{
    return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL, "invalid %s limit: %s", what,
                     why);
}

/* The kernel counts whole pages: less than one would be none at all. */
static int check_bytes(const char *what, uint64_t bytes, pk_error *error)
{
    if (bytes > INT64_MAX)
        return refuse(error, what, "the number is too large (leave it out for none)");
    if (bytes > 0 && bytes < (uint64_t)sysconf(_SC_PAGESIZE))
        return refuse(error, what, "it is less than a page, and leaves nothing to run with");
    return 0;
}

static int check_memory(const pk_limits *limits, pk_error *error)
{
    int r = check_bytes("memory", limits->memory_max, error);
    if (r == 0)
        r = check_bytes("memory-high", limits->memory_high, error);
    if (r < 0)
        return r;
    if (limits->swap_max && !limits->memory_max)
        return refuse(error, "swap", "it needs a memory limit beside it");
    if (limits->swap_max > INT64_MAX && limits->swap_max != PK_UNLIMITED)
        return refuse(error, "swap", "the number is too large (PK_UNLIMITED is as much as there is)");
    if (limits->memory_max && limits->memory_high > limits->memory_max)
        return refuse(error, "memory-high", "it is above the memory limit, and would never be reached");
    if (limits->oom > PK_OOM_KILL_ONE)
        return refuse(error, "memory", "what is to happen beyond it is not known");
    return 0;
}

static int check_shares(const pk_limits *limits, pk_error *error)
{
    static const char range[] = "it must be a number of processors from 0.001 to 1000000";
    double cores = limits->cpu_max;
    if (isnan(cores) || cores < 0 || cores > 1e6 || (cores > 0 && cores < 0.001))
        return refuse(error, "cpu", range);
    if (limits->cpu_weight > MOST_WEIGHT)
        return refuse(error, "cpu-weight", "it must be a number from 1 to 10000");
    if (limits->io_weight > MOST_WEIGHT)
        return refuse(error, "io-weight", "it must be a number from 1 to 10000");
    if (limits->pids_max > MOST_PIDS)
        return refuse(error, "pids", "the kernel takes at most 4194304 (leave it out for none)");
    return 0;
}

static int check_list(const char *what, const char *list, size_t size, pk_error *error)
{
    struct number_set set;
    if (!memchr(list, '\0', size))
        return refuse(error, what, "the list has no end");
    if (list[0] == '\0' || (number_set_parse(&set, list) == 0 && !strchr(list, '\n')))
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL,
                     "invalid %s limit: '%s' is no list of numbers and ranges, such as 0-3,8", what, list);
}

/* ---- Devices ---------------------------------------------------------------------------------------------------- */

static const char *wrong_with_rates(const pk_device_limit *device)
{
    if ((device->read_bytes && device->read_bytes < LEAST_BYTES) ||
        (device->write_bytes && device->write_bytes < LEAST_BYTES))
        return "at least 4096 bytes per second are needed to get anywhere";
    if (device->read_bytes > INT64_MAX || device->write_bytes > INT64_MAX)
        return "the number of bytes is too large (leave it out for none)";
    if ((device->read_ops && device->read_ops < LEAST_OPS) || (device->write_ops && device->write_ops < LEAST_OPS))
        return "the kernel takes at least 2 operations per second";
    if (device->read_ops >= UINT32_MAX || device->write_ops >= UINT32_MAX)
        return "the number of operations is too large (leave it out for none)";
    return NULL;
}

static const char *wrong_with(const pk_limits *limits, size_t index)
{
    const pk_device_limit *device = &limits->devices[index];
    if (!device->read_bytes && !device->write_bytes && !device->read_ops && !device->write_ops && !device->weight)
        return "nothing is limited";
    if (device->weight > MOST_WEIGHT)
        return "its weight must be a number from 1 to 10000";
    for (size_t i = 0; i < index; i++)
        if (limits->devices[i].major == device->major && limits->devices[i].minor == device->minor)
            return "it is there twice";
    return wrong_with_rates(device);
}

static int check_devices(const pk_limits *limits, pk_error *error)
{
    if (limits->device_count > PK_LIMIT_DEVICES)
        return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL,
                         "invalid limits: %zu devices are more than %d", limits->device_count, PK_LIMIT_DEVICES);
    for (size_t i = 0; i < limits->device_count; i++) {
        const char *why = wrong_with(limits, i);
        if (why)
            return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL,
                             "invalid limit of the device %u:%u: %s", limits->devices[i].major,
                             limits->devices[i].minor, why);
    }
    return 0;
}

int limits_check(const pk_limits *limits, pk_error *error)
{
    int r = check_memory(limits, error);
    if (r == 0)
        r = check_shares(limits, error);
    if (r == 0)
        r = check_list("cpus", limits->cpus, sizeof(limits->cpus), error);
    if (r == 0)
        r = check_list("memory-nodes", limits->memory_nodes, sizeof(limits->memory_nodes), error);
    if (r == 0)
        r = check_devices(limits, error);
    return r;
}
