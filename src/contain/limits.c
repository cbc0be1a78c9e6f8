/*
 * Writing limits to a cgroup directory, all or nothing, and reading them back.
 */
#include "contain/limits.h"

#include "base/error.h"
#include "contain/cgroup.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPU_PERIOD_US = 100000, TEXT_SIZE = 64 };

const char *const limits_required[LIMITS_REQUIRED] = {"memory", "pids", "cpu"};

bool limits_any(const pk_limits *limits)
{
    return limits->memory_max || limits->swap_max || limits->pids_max || limits->cpu_max != 0;
}

int limits_check(const pk_limits *limits, pk_error *error)
{
    double cores = limits->cpu_max;
    if (isnan(cores) || isinf(cores) || cores < 0 || cores > 1e6)
        return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL,
                         "invalid cpu limit: it must be a number of processors greater than 0");
    if (limits->swap_max && !limits->memory_max)
        return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL,
                         "invalid swap limit: it needs a memory limit beside it");
    if (limits->memory_max > INT64_MAX || limits->pids_max > INT32_MAX ||
        (limits->swap_max > INT64_MAX && limits->swap_max != PK_UNLIMITED))
        return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ARGUMENTS, NULL,
                         "invalid limit: the number is too large (leave the limit out for none)");
    return 0;
}

size_t limits_controllers(const pk_limits *limits, const char *controllers[3])
{
    size_t count = 0;
    if (limits->memory_max)
        controllers[count++] = "memory";
    if (limits->pids_max)
        controllers[count++] = "pids";
    if (limits->cpu_max != 0)
        controllers[count++] = "cpu";
    return count;
}

/* ---- One file each ---------------------------------------------------------------------------------------------- */

/* What to write for "no limit" and for a number. */
static void format_number(uint64_t value, char text[TEXT_SIZE])
{
    if (value == 0 || value == PK_UNLIMITED)
        snprintf(text, TEXT_SIZE, "max");
    else
        snprintf(text, TEXT_SIZE, "%llu", (unsigned long long)value);
}

static void format_memory(const pk_limits *limits, char text[TEXT_SIZE])
{
    format_number(limits->memory_max, text);
}

/* A memory limit that may be dodged by swapping is none, so swap is 0 unless asked for. */
static void format_swap(const pk_limits *limits, char text[TEXT_SIZE])
{
    if (limits->memory_max && limits->swap_max == 0)
        snprintf(text, TEXT_SIZE, "0");
    else
        format_number(limits->swap_max, text);
}

/* When memory runs out the whole group goes: half a tree is rarely wanted. */
static void format_oom_group(const pk_limits *limits, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%d", limits->memory_max ? 1 : 0);
}

static void format_pids(const pk_limits *limits, char text[TEXT_SIZE])
{
    format_number(limits->pids_max, text);
}

static void format_cpu(const pk_limits *limits, char text[TEXT_SIZE])
{
    if (limits->cpu_max == 0) {
        snprintf(text, TEXT_SIZE, "max %d", CPU_PERIOD_US);
        return;
    }
    double quota = limits->cpu_max * CPU_PERIOD_US + 0.5;
    snprintf(text, TEXT_SIZE, "%lld %d", quota < 1 ? 1LL : (long long)quota, CPU_PERIOD_US);
}

/* Swap first: lowering memory.max below what is in use must not push pages out to a swap that is still open. */
static const struct limit_file {
    const char *name;
    const char *controller;
    void (*format)(const pk_limits *limits, char text[TEXT_SIZE]);
    bool optional; /* absent on kernels without swap, or without the feature */
} files[] = {
    {"memory.swap.max", "memory", format_swap, true},
    {"memory.oom.group", "memory", format_oom_group, true},
    {"memory.max", "memory", format_memory, false},
    {"pids.max", "pids", format_pids, false},
    {"cpu.max", "cpu", format_cpu, false},
};

enum { FILES = sizeof(files) / sizeof(files[0]) };

static bool is_wanted(const struct limit_file *file, const pk_limits *limits)
{
    const char *controllers[3];
    size_t count = limits_controllers(limits, controllers);
    for (size_t i = 0; i < count; i++)
        if (strcmp(controllers[i], file->controller) == 0)
            return true;
    return false;
}

/* Without a swap file in the cgroup a memory limit still holds if the machine has no swap. */
static bool machine_has_swap(void)
{
    char text[4096];
    ssize_t length = sys_read_file(AT_FDCWD, "/proc/swaps", text, sizeof(text));
    const char *second = length > 0 ? strchr(text, '\n') : NULL;
    return length == -EFBIG || (second && second[1] != '\0');
}

static int explain(int number, const struct limit_file *file, const char *text, pk_error *error)
{
    return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, file->name,
                     "cannot set the limit %s to '%s': %s", file->name, text, error_text(number));
}

static bool may_be_absent(const struct limit_file *file, const pk_limits *limits)
{
    if (!is_wanted(file, limits))
        return true;
    if (!file->optional)
        return false;
    bool about_swap = strcmp(file->name, "memory.swap.max") == 0;
    return !about_swap || limits->swap_max == PK_UNLIMITED || !machine_has_swap();
}

int limits_write(int dir, const pk_limits *limits, pk_error *error)
{
    char old[FILES][TEXT_SIZE];
    int done, r = 0;

    for (done = 0; done < FILES; done++) {
        const struct limit_file *file = &files[done];
        char text[TEXT_SIZE];
        file->format(limits, text);
        ssize_t length = sys_read_file(dir, file->name, old[done], sizeof(old[done]));
        if (length < 0)
            old[done][0] = '\0';
        if (length == -ENOENT && may_be_absent(file, limits))
            continue;
        r = length < 0 ? (int)length : sys_write_file(dir, file->name, text);
        if (r < 0) {
            explain(r, file, text, error);
            break;
        }
    }
    while (r < 0 && done-- > 0)
        if (old[done][0] != '\0')
            sys_write_file(dir, files[done].name, old[done]);
    return r;
}

/* ---- Reading back ----------------------------------------------------------------------------------------------- */

static uint64_t read_back(int dir, const char *file, int *first)
{
    uint64_t value = 0;
    int r = cgroup_read_number(dir, file, &value);
    if (r < 0 && r != -ENOENT && *first == 0)
        *first = r;
    return r < 0 || value == UINT64_MAX ? 0 : value;
}

int limits_read(int dir, pk_limits *limits, pk_error *error)
{
    pk_limits found = PK_LIMITS_INIT;
    int first = 0;

    found.memory_max = read_back(dir, "memory.max", &first);
    found.swap_max = read_back(dir, "memory.swap.max", &first);
    found.pids_max = read_back(dir, "pids.max", &first);

    char text[TEXT_SIZE];
    ssize_t length = sys_read_file(dir, "cpu.max", text, sizeof(text));
    unsigned long quota, period;
    if (length > 0 && sscanf(text, "%lu %lu", &quota, &period) == 2 && period > 0)
        found.cpu_max = (double)quota / (double)period;
    else if (length < 0 && length != -ENOENT && first == 0)
        first = (int)length;

    if (first < 0)
        return error_errno(error, first, PK_STEP_SET_LIMITS, NULL, "cannot read the limits back");
    *limits = found;
    return 0;
}
