/*
 * Limits for the tree, from the words of the command line.
 */
#include "apply-limits.h"

#include "lists.h"
#include "message.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pk_limits *limits_of(void *target)
{
    return &((struct request *)target)->group.limits;
}

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

static int read_size(const char *option, const char *value, uint64_t *limit)
{
    pk_error error;
    if (pk_parse_size(value, limit, &error) < 0)
        return say_refused(option, &error);
    if (*limit == 0) {
        say("%s: a limit of 0 leaves nothing to run with", option);
        return -1;
    }
    return 0;
}

static int apply_memory_max(void *target, const char *value)
{
    return read_size("--memory-max", value, &limits_of(target)->memory_max);
}

static int apply_memory_high(void *target, const char *value)
{
    return read_size("--memory-high", value, &limits_of(target)->memory_high);
}

static int apply_swap_max(void *target, const char *value)
{
    uint64_t bytes;
    pk_error error;
    if (strcmp(value, "max") == 0) {
        limits_of(target)->swap_max = PK_UNLIMITED;
        return 0;
    }
    if (pk_parse_size(value, &bytes, &error) < 0)
        return say_refused("--swap-max", &error);
    limits_of(target)->swap_max = bytes; /* 0 is what a memory limit implies */
    return 0;
}

static int apply_oom(void *target, const char *value)
{
    bool one = strcmp(value, "one") == 0;
    if (!one && strcmp(value, "group") != 0) {
        say("--oom: unknown word '%s' (group or one)", value);
        return -1;
    }
    limits_of(target)->oom = one ? PK_OOM_KILL_ONE : PK_OOM_KILL_GROUP;
    return 0;
}

/* ---- Processes and processors ----------------------------------------------------------------------------------- */

enum { MOST_WEIGHT = 10000, MOST_PIDS = 4194304 };

static int read_number(const char *option, const char *value, uint64_t most, uint64_t *number)
{
    pk_error error;
    return pk_parse_number(value, 1, most, number, &error) < 0 ? say_refused(option, &error) : 0;
}

static int read_weight(const char *option, const char *value, unsigned *weight)
{
    uint64_t number;
    if (read_number(option, value, MOST_WEIGHT, &number) < 0)
        return -1;
    *weight = (unsigned)number;
    return 0;
}

static int apply_pids_max(void *target, const char *value)
{
    return read_number("--pids-max", value, MOST_PIDS, &limits_of(target)->pids_max);
}

static int apply_cpu_max(void *target, const char *value)
{
    pk_error error;
    if (pk_parse_cores(value, &limits_of(target)->cpu_max, &error) < 0)
        return say_refused("--cpu-max", &error);
    return 0;
}

static int apply_cpu_weight(void *target, const char *value)
{
    return read_weight("--cpu-weight", value, &limits_of(target)->cpu_weight);
}

/* What is in it is for the library to judge. */
static int copy_list(const char *option, const char *value, char *list, size_t size)
{
    size_t length = strlen(value);
    if (length == 0 || length >= size) {
        say("%s: the list is %s", option, length == 0 ? "empty" : "too long");
        return -1;
    }
    memcpy(list, value, length + 1);
    return 0;
}

static int apply_cpus(void *target, const char *value)
{
    return copy_list("--cpus", value, limits_of(target)->cpus, PK_CPU_LIST_SIZE);
}

static int apply_memory_nodes(void *target, const char *value)
{
    return copy_list("--memory-nodes", value, limits_of(target)->memory_nodes, PK_NODE_LIST_SIZE);
}

/* ---- Input and output ------------------------------------------------------------------------------------------- */

static int apply_io_weight(void *target, const char *value)
{
    return read_weight("--io-weight", value, &limits_of(target)->io_weight);
}

static int set_bytes(const char *value, uint64_t *limit)
{
    return read_size("--io-max", value, limit);
}

static int set_ops(const char *value, uint64_t *limit)
{
    return read_number("--io-max", value, UINT32_MAX - 1, limit);
}

static int set_weight(const char *value, uint64_t *limit)
{
    return read_number("--io-max", value, MOST_WEIGHT, limit);
}

static const struct {
    const char *name;
    int (*set)(const char *value, uint64_t *limit);
} keys[] = {
    {"rbps=", set_bytes}, {"wbps=", set_bytes}, {"riops=", set_ops}, {"wiops=", set_ops}, {"weight=", set_weight},
};

enum { READ_BYTES, WRITE_BYTES, READ_OPS, WRITE_OPS, WEIGHT, KEYS };

static int find_key(const char *text)
{
    int key = 0;
    while (key < KEYS && strncmp(text, keys[key].name, strlen(keys[key].name)) != 0)
        key++;
    return key;
}

static int set_key(const char *part, void *data)
{
    pk_device_limit *device = data;
    uint64_t number;
    int key = find_key(part);
    if (key == KEYS) {
        say("--io-max: '%s' is not rbps=SIZE, wbps=SIZE, riops=N, wiops=N or weight=N", part);
        return -1;
    }
    if (keys[key].set(part + strlen(keys[key].name), &number) < 0)
        return -1;
    uint64_t *places[] = {&device->read_bytes, &device->write_bytes, &device->read_ops, &device->write_ops};
    if (key == WEIGHT)
        device->weight = (unsigned)number;
    else
        *places[key] = number;
    return 0;
}

/* The same device again is limited further. */
static pk_device_limit *find_device(pk_limits *limits, unsigned major, unsigned minor)
{
    for (size_t i = 0; i < limits->device_count; i++)
        if (limits->devices[i].major == major && limits->devices[i].minor == minor)
            return &limits->devices[i];
    if (limits->device_count == PK_LIMIT_DEVICES) {
        say("--io-max: more than %d devices", PK_LIMIT_DEVICES);
        return NULL;
    }
    pk_device_limit *device = &limits->devices[limits->device_count++];
    *device = (pk_device_limit){.major = major, .minor = minor};
    return device;
}

static int limit_device(pk_limits *limits, const char *name, const char *values)
{
    unsigned major, minor;
    pk_error error;
    if (pk_device_find(name, &major, &minor, &error) < 0)
        return say_refused("--io-max", &error);
    pk_device_limit *device = find_device(limits, major, minor);
    return device ? each_part("--io-max", values, set_key, device) : -1;
}

/* Devices have colons too: the one that counts is the last before a key. */
static int apply_io_max(void *target, const char *value)
{
    const char *colon = NULL;
    for (const char *next = value; (next = strchr(next, ':')); next++)
        if (find_key(next + 1) < KEYS)
            colon = next;
    if (!colon) {
        say("--io-max '%s': DEVICE:KEY=VALUE is expected, such as 8:0:rbps=10M or /home:wiops=100", value);
        return -1;
    }
    char *name = strndup(value, (size_t)(colon - value));
    int r = name ? limit_device(limits_of(target), name, colon + 1) : -1;
    if (!name)
        say("out of memory");
    free(name);
    return r;
}

/* ---- How controllers are had ------------------------------------------------------------------------------------ */

static int add_delegation(const char *part, void *data)
{
    pk_delegation bit;
    pk_error error;
    if (pk_delegation_parse(part, &bit, &error) < 0)
        return say_refused("--limits-by", &error);
    *(unsigned *)data |= bit;
    return 0;
}

static int apply_limits_by(void *target, const char *value)
{
    return each_part("--limits-by", value, add_delegation, &((struct request *)target)->group.delegations);
}

const struct option_row limit_options[] = {
    {"memory-max", 0, "SIZE", apply_memory_max, "memory for the tree, such as 512M or 2G"},
    {"swap-max", 0, "SIZE", apply_swap_max, "swap on top of it (default 0), or max"},
    {"memory-high", 0, "SIZE", apply_memory_high, "memory beyond which the tree is slowed down"},
    {"oom", 0, "WHO", apply_oom, "beyond --memory-max the whole group is killed (default), or one"},
    {"pids-max", 0, "N", apply_pids_max, "processes and threads for the tree"},
    {"cpu-max", 0, "CORES", apply_cpu_max, "processors for the tree, such as 0.5 or 2"},
    {"cpu-weight", 0, "N", apply_cpu_weight, "its weight against others, 1 to 10000 (default 100)"},
    {"cpus", 0, "LIST", apply_cpus, "the processors for the tree, such as 0-3,8"},
    {"memory-nodes", 0, "LIST", apply_memory_nodes, "the NUMA nodes for the tree's memory"},
    {"io-weight", 0, "N", apply_io_weight, "its weight for input and output, 1 to 10000"},
    {"io-max", 0, "DEV:K=V", apply_io_max,
     "limits for a disk, by rbps, wbps, riops, wiops, weight: 8:0:rbps=10M,wiops=50"},
    {"limits-by", 0, "LIST", apply_limits_by, "how limits may be had: root, present, leaf, scope"},
    {NULL, 0, NULL, NULL, NULL},
};
