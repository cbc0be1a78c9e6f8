/*
 * Reading limits back.
 */
#include "base/error.h"
#include "contain/cgroup.h"
#include "contain/limit-plan.h"
#include "contain/limits.h"
#include "sys/sys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_SIZE = 4096, DEFAULT_WEIGHT = 100 };

/* What is read, and the first error on the way. A file that is not there has no limit in it. */
struct reading {
    int dir;
    int error;
};

static bool read_text(struct reading *reading, const char *file, char *text, size_t size)
{
    ssize_t length = sys_read_file(reading->dir, file, text, size);
    if (length < 0 && length != -ENOENT && reading->error == 0)
        reading->error = (int)length;
    return length >= 0;
}

/* UINT64_MAX: "max". */
static uint64_t read_number(struct reading *reading, const char *file, uint64_t absent)
{
    uint64_t value = absent;
    int r = cgroup_read_number(reading->dir, file, &value);
    if (r < 0 && r != -ENOENT && reading->error == 0)
        reading->error = r;
    return r < 0 ? absent : value;
}

static uint64_t read_limit(struct reading *reading, const char *file)
{
    uint64_t value = read_number(reading, file, 0);
    return value == UINT64_MAX ? 0 : value;
}

/* ---- Memory and processors -------------------------------------------------------------------------------------- */

static void read_memory(struct reading *reading, pk_limits *limits)
{
    limits->memory_max = read_limit(reading, "memory.max");
    limits->memory_high = read_limit(reading, "memory.high");
    uint64_t swap = read_number(reading, "memory.swap.max", 0);
    limits->swap_max = limits->memory_max || swap != UINT64_MAX ? swap : 0;
    bool one = limits->memory_max && read_number(reading, "memory.oom.group", 1) == 0;
    limits->oom = one ? PK_OOM_KILL_ONE : PK_OOM_KILL_GROUP;
}

static unsigned known_weight(uint64_t weight)
{
    return weight == DEFAULT_WEIGHT || weight > UINT32_MAX ? 0 : (unsigned)weight;
}

static void read_processors(struct reading *reading, pk_limits *limits)
{
    char text[128];
    unsigned long quota, period;
    if (read_text(reading, "cpu.max", text, sizeof(text)) && sscanf(text, "%lu %lu", &quota, &period) == 2 &&
        period > 0)
        limits->cpu_max = (double)quota / (double)period;
    limits->cpu_weight = known_weight(read_number(reading, "cpu.weight", 0));
    limits->pids_max = read_limit(reading, "pids.max");
}

static void read_set(struct reading *reading, const char *file, char *text, size_t size)
{
    if (read_text(reading, file, text, size))
        text[strcspn(text, "\n")] = '\0';
    else
        text[0] = '\0';
}

/* ---- Devices ---------------------------------------------------------------------------------------------------- */

/* The entry of the device that a line begins with, made if there is room. */
static pk_device_limit *find_device(pk_limits *limits, const char *line)
{
    unsigned major, minor;
    if (sscanf(line, "%u:%u", &major, &minor) != 2)
        return NULL;
    for (size_t i = 0; i < limits->device_count; i++)
        if (limits->devices[i].major == major && limits->devices[i].minor == minor)
            return &limits->devices[i];
    if (limits->device_count == PK_LIMIT_DEVICES)
        return NULL;
    pk_device_limit *device = &limits->devices[limits->device_count++];
    *device = (pk_device_limit){.major = major, .minor = minor};
    return device;
}

static uint64_t find_rate(const char *line, const char *key)
{
    uint64_t rate;
    const char *found = strstr(line, key);
    return found && sscanf(found + strlen(key), "%" SCNu64, &rate) == 1 ? rate : 0; /* "max" is no number */
}

static void take_rates(const char *line, pk_limits *limits)
{
    pk_device_limit *device = find_device(limits, line);
    if (!device)
        return;
    device->read_bytes = find_rate(line, " rbps=");
    device->write_bytes = find_rate(line, " wbps=");
    device->read_ops = find_rate(line, " riops=");
    device->write_ops = find_rate(line, " wiops=");
}

static unsigned find_weight(const char *line)
{
    const char *space = strchr(line, ' ');
    return space ? (unsigned)strtoul(space + 1, NULL, 10) : 0;
}

/* What io.weight says, which is read first, counts more than what BFQ made of it. */
static void put_weight(const char *line, unsigned weight, pk_limits *limits)
{
    if (strncmp(line, "default ", 8) == 0) {
        limits->io_weight = limits->io_weight ? limits->io_weight : known_weight(weight);
        return;
    }
    pk_device_limit *device = find_device(limits, line);
    if (device && device->weight == 0)
        device->weight = weight;
}

static void take_weight(const char *line, pk_limits *limits)
{
    put_weight(line, find_weight(line), limits);
}

static void take_bfq_weight(const char *line, pk_limits *limits)
{
    put_weight(line, limit_weight_from_bfq(find_weight(line)), limits);
}

static void read_lines(struct reading *reading, const char *file, pk_limits *limits,
                       void (*take)(const char *line, pk_limits *limits))
{
    char list[LIST_SIZE], *rest = list;
    if (!read_text(reading, file, list, sizeof(list)))
        return;
    for (const char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            take(line, limits);
}

/* ---- Everything ------------------------------------------------------------------------------------------------- */

int limits_read(int dir, pk_limits *limits, pk_error *error)
{
    struct reading reading = {.dir = dir};
    pk_limits found = PK_LIMITS_INIT;
    read_memory(&reading, &found);
    read_processors(&reading, &found);
    read_set(&reading, "cpuset.cpus", found.cpus, sizeof(found.cpus));
    read_set(&reading, "cpuset.mems", found.memory_nodes, sizeof(found.memory_nodes));
    read_lines(&reading, "io.max", &found, take_rates);
    read_lines(&reading, "io.weight", &found, take_weight);
    read_lines(&reading, "io.bfq.weight", &found, take_bfq_weight);
    if (reading.error < 0)
        return error_errno(error, reading.error, PK_STEP_SET_LIMITS, NULL, "cannot read the limits back");
    *limits = found;
    return 0;
}

bool limits_pids_are_reached(int dir)
{
    uint64_t most, now;
    return cgroup_read_number(dir, "pids.max", &most) == 0 && cgroup_read_number(dir, "pids.current", &now) == 0 &&
           now >= most;
}

static bool has_happened(int dir, const char *event)
{
    uint64_t count;
    return cgroup_read_key(dir, "memory.events", event, &count) == 0 && count > 0;
}

bool limits_memory_is_reached(int dir)
{
    return has_happened(dir, "max");
}

bool limits_memory_has_killed(int dir)
{
    return has_happened(dir, "oom_kill");
}
