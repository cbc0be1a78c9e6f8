/*
 * From limits to lines in files.
 *
 * memory.max comes last: lowering it may kill, which cannot be undone, so everything that may be refused is written
 * before. Swap comes before it, or what does not fit any more would be pushed out there, and memory.high, which asks
 * more gently.
 */
#include "contain/limit-plan.h"

#include "contain/limits.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE = LIMIT_TEXT_SIZE, LIST_SIZE = 4096, DEFAULT_WEIGHT = 100 };

static int add(struct limit_plan *plan, const char *file, enum limit_part part, const char *text, const char *undo)
{
    if (plan->count == plan->capacity) {
        size_t capacity = plan->capacity ? plan->capacity * 2 : 8;
        struct limit_change *changes = reallocarray(plan->changes, capacity, sizeof(*changes));
        if (!changes)
            return -ENOMEM;
        plan->changes = changes;
        plan->capacity = capacity;
    }
    struct limit_change *change = &plan->changes[plan->count++];
    *change = (struct limit_change){.file = file, .part = part};
    snprintf(change->text, sizeof(change->text), "%s", text);
    snprintf(change->undo, sizeof(change->undo), "%s", undo);
    return 0;
}

/* ---- Files with one value --------------------------------------------------------------------------------------- */

/* Each writes the value that is asked for and returns true, or that which limits nothing. */

static bool format_bytes(uint64_t bytes, char text[TEXT_SIZE])
{
    bool asked = bytes != 0 && bytes != PK_UNLIMITED;
    bytes -= bytes % (uint64_t)sysconf(_SC_PAGESIZE); /* the kernel would do it without a word */
    snprintf(text, TEXT_SIZE, asked ? "%llu" : "max", (unsigned long long)bytes);
    return asked;
}

static bool format_memory(const pk_limits *limits, char text[TEXT_SIZE])
{
    return format_bytes(limits->memory_max, text);
}

static bool format_high(const pk_limits *limits, char text[TEXT_SIZE])
{
    return format_bytes(limits->memory_high, text);
}

/* A memory limit that may be dodged by swapping is none, so swap is 0 unless asked for. */
static bool format_swap(const pk_limits *limits, char text[TEXT_SIZE])
{
    if (limits->memory_max == 0 || limits->swap_max != 0)
        return format_bytes(limits->swap_max, text);
    snprintf(text, TEXT_SIZE, "0");
    return true;
}

static bool format_oom_group(const pk_limits *limits, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%d", limits_kill_group(limits));
    return limits_kill_group(limits);
}

static bool format_pids(const pk_limits *limits, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, limits->pids_max ? "%llu" : "max", (unsigned long long)limits->pids_max);
    return limits->pids_max != 0;
}

/* The kernel takes no quota below 1 ms: very small shares are given out over its longest period. */
static bool format_cpu(const pk_limits *limits, char text[TEXT_SIZE])
{
    long long period = limits->cpu_max > 0 && limits->cpu_max < 0.01 ? 1000000 : 100000;
    long long quota = (long long)(limits->cpu_max * (double)period + 0.5);
    if (limits->cpu_max > 0)
        snprintf(text, TEXT_SIZE, "%lld %lld", quota, period);
    else
        snprintf(text, TEXT_SIZE, "max %lld", period);
    return limits->cpu_max > 0;
}

static bool format_cpu_weight(const pk_limits *limits, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%u", limits->cpu_weight ? limits->cpu_weight : DEFAULT_WEIGHT);
    return limits->cpu_weight != 0;
}

static bool format_cpus(const pk_limits *limits, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%s\n", limits->cpus); /* an empty write would be none */
    return limits->cpus[0] != '\0';
}

static bool format_nodes(const pk_limits *limits, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "%s\n", limits->memory_nodes);
    return limits->memory_nodes[0] != '\0';
}

static const struct limit_file {
    const char *name;
    bool (*format)(const pk_limits *limits, char text[TEXT_SIZE]);
} files[] = {
    {"cpuset.cpus", format_cpus},      {"cpuset.mems", format_nodes},
    {"cpu.weight", format_cpu_weight}, {"cpu.max", format_cpu},
    {"pids.max", format_pids},         {"memory.swap.max", format_swap},
    {"memory.high", format_high},      {"memory.oom.group", format_oom_group},
    {"memory.max", format_memory},
};

enum { FILES = sizeof(files) / sizeof(files[0]) };

/* Without a swap file in the cgroup a memory limit still holds if the machine has no swap. */
static bool machine_has_swap(void)
{
    char text[LIST_SIZE];
    ssize_t length = sys_read_file(AT_FDCWD, "/proc/swaps", text, sizeof(text));
    const char *second = length > 0 ? strchr(text, '\n') : NULL;
    return length == -EFBIG || (second && second[1] != '\0');
}

bool limit_file_may_be_absent(const char *file, const pk_limits *limits)
{
    char text[TEXT_SIZE];
    for (int i = 0; i < FILES; i++)
        if (strcmp(files[i].name, file) == 0 && files[i].format(limits, text))
            return files[i].format == format_swap && limits->swap_max == 0 && !machine_has_swap();
    return true;
}

/* `dir` -1: new. */
static int plan_values(struct limit_plan *plan, int dir, const pk_limits *limits, const char **file)
{
    int r = 0;
    for (int i = 0; r == 0 && i < FILES; i++) {
        char text[TEXT_SIZE], old[TEXT_SIZE] = "";
        bool asked = files[i].format(limits, text);
        *file = files[i].name;
        if (dir < 0) {
            r = asked ? add(plan, *file, LIMIT_ALONE, text, "") : 0;
            continue;
        }
        ssize_t length = sys_read_file(dir, *file, old, sizeof(old));
        if (length == -ENOENT && limit_file_may_be_absent(*file, limits))
            continue;
        if (length < 0)
            return (int)length;
        size_t same = strcspn(text, "\n");
        if (strncmp(old, text, same) != 0 || (old[same] != '\n' && old[same] != '\0'))
            r = add(plan, *file, LIMIT_ALONE, text, old);
    }
    return r;
}

/* ---- Files with a line for each device -------------------------------------------------------------------------- */

static const char unlimited[] = "rbps=max wbps=max riops=max wiops=max";

static bool has_rates(const pk_device_limit *device)
{
    return device->read_bytes || device->write_bytes || device->read_ops || device->write_ops;
}

static void add_rate(char text[TEXT_SIZE], const char *key, uint64_t value)
{
    size_t used = strlen(text);
    snprintf(text + used, TEXT_SIZE - used, value ? " %s=%llu" : " %s=max", key, (unsigned long long)value);
}

static const char *first_line(const char *list)
{
    return list + strspn(list, "\n");
}

static const char *next_line(const char *line)
{
    return first_line(line + strcspn(line, "\n"));
}

/* The line of a list that begins with this word, or NULL. */
static const char *find_line(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *line = first_line(list); *line; line = next_line(line))
        if (strncmp(line, word, length) == 0 && line[length] == ' ')
            return line;
    return NULL;
}

/* What puts back the line of a list that begins with this word; if there is none, `otherwise` after the word. */
static void format_undo(const char *list, const char *word, const char *otherwise, char text[TEXT_SIZE])
{
    const char *line = find_line(list, word);
    if (line)
        snprintf(text, TEXT_SIZE, "%.*s", (int)strcspn(line, "\n"), line);
    else
        snprintf(text, TEXT_SIZE, "%s %s", word, otherwise);
}

static void format_device(const pk_device_limit *device, char word[32])
{
    snprintf(word, 32, "%u:%u", device->major, device->minor);
}

static const pk_device_limit *find_device(const pk_limits *limits, const char *line)
{
    for (size_t i = 0; i < limits->device_count; i++) {
        char word[32];
        format_device(&limits->devices[i], word);
        if (find_line(line, word) == line)
            return &limits->devices[i];
    }
    return NULL;
}

/* A new directory has no lists, and one without the controller needs none. */
static int read_list(int dir, const char *file, char list[LIST_SIZE])
{
    list[0] = '\0';
    ssize_t length = dir < 0 ? 0 : sys_read_file(dir, file, list, LIST_SIZE);
    return length == -ENOENT || length >= 0 ? 0 : (int)length;
}

static int plan_rates(struct limit_plan *plan, int dir, const pk_limits *limits, const char **file)
{
    char list[LIST_SIZE], word[32], text[TEXT_SIZE], undo[TEXT_SIZE];
    *file = "io.max";
    int r = read_list(dir, *file, list);
    for (size_t i = 0; r == 0 && i < limits->device_count; i++) {
        const pk_device_limit *device = &limits->devices[i];
        if (!has_rates(device))
            continue;
        format_device(device, word);
        snprintf(text, sizeof(text), "%s", word);
        add_rate(text, "rbps", device->read_bytes);
        add_rate(text, "wbps", device->write_bytes);
        add_rate(text, "riops", device->read_ops);
        add_rate(text, "wiops", device->write_ops);
        format_undo(list, word, unlimited, undo);
        r = add(plan, *file, LIMIT_ALONE, text, undo);
    }
    for (const char *line = first_line(list); r == 0 && *line; line = next_line(line)) {
        const pk_device_limit *device = find_device(limits, line);
        if (device && has_rates(device))
            continue;
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " \n"), line);
        snprintf(text, sizeof(text), "%s %s", word, unlimited);
        format_undo(list, word, unlimited, undo);
        r = add(plan, *file, LIMIT_ALONE, text, undo);
    }
    return r;
}

/* ---- Weights for input and output ------------------------------------------------------------------------------- */

static const char *const weight_files[] = {"io.weight", "io.bfq.weight"};

enum { BFQ = 1, MOST_BFQ_WEIGHT = 1000, MOST_WEIGHT = 10000 };

unsigned limit_weight_to_bfq(unsigned weight)
{
    if (weight <= DEFAULT_WEIGHT)
        return weight;
    return DEFAULT_WEIGHT +
           (weight - DEFAULT_WEIGHT) * (MOST_BFQ_WEIGHT - DEFAULT_WEIGHT) / (MOST_WEIGHT - DEFAULT_WEIGHT);
}

unsigned limit_weight_from_bfq(unsigned weight)
{
    if (weight <= DEFAULT_WEIGHT)
        return weight;
    return DEFAULT_WEIGHT +
           (weight - DEFAULT_WEIGHT) * (MOST_WEIGHT - DEFAULT_WEIGHT) / (MOST_BFQ_WEIGHT - DEFAULT_WEIGHT);
}

/* `word`: a device, or "default". */
static const char *no_weight(const char *word)
{
    return strcmp(word, "default") == 0 ? "100" : "default";
}

static int add_weight(struct limit_plan *plan, char lists[2][LIST_SIZE], const char *word, unsigned weight)
{
    int r = 0;
    for (int i = 0; r == 0 && i <= BFQ; i++) {
        char text[TEXT_SIZE], undo[TEXT_SIZE];
        snprintf(text, sizeof(text), "%s %u", word, i == BFQ ? limit_weight_to_bfq(weight) : weight);
        format_undo(lists[i], word, no_weight(word), undo);
        r = add(plan, weight_files[i], i == BFQ ? LIMIT_OR : LIMIT_EITHER, text, undo);
    }
    return r;
}

/* What is in the list and was not asked for. */
static int lift_weights(struct limit_plan *plan, const char *file, const char *list, const pk_limits *limits)
{
    int r = 0;
    for (const char *line = first_line(list); r == 0 && *line; line = next_line(line)) {
        char word[32], text[TEXT_SIZE], undo[TEXT_SIZE];
        const pk_device_limit *device = find_device(limits, line);
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(line, " \n"), line);
        snprintf(text, sizeof(text), "%s %s", word, no_weight(word));
        format_undo(list, word, no_weight(word), undo);
        bool asked = strcmp(word, "default") == 0 ? limits->io_weight != 0 : device && device->weight;
        if (!asked && strcmp(text, undo) != 0)
            r = add(plan, file, LIMIT_ALONE, text, undo);
    }
    return r;
}

static int plan_weights(struct limit_plan *plan, int dir, const pk_limits *limits, const char **file)
{
    char lists[2][LIST_SIZE];
    int r = 0;
    for (int i = 0; r == 0 && i <= BFQ; i++) {
        *file = weight_files[i];
        r = read_list(dir, *file, lists[i]);
        if (r == 0)
            r = lift_weights(plan, *file, lists[i], limits);
    }
    if (r == 0 && limits->io_weight)
        r = add_weight(plan, lists, "default", limits->io_weight);
    for (size_t i = 0; r == 0 && i < limits->device_count; i++) {
        char word[32];
        format_device(&limits->devices[i], word);
        if (limits->devices[i].weight)
            r = add_weight(plan, lists, word, limits->devices[i].weight);
    }
    return r;
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

static int plan_all(struct limit_plan *plan, int dir, const pk_limits *limits, const char **file)
{
    bool about_io = dir >= 0 || limits->device_count || limits->io_weight;
    *plan = (struct limit_plan){0};
    int r = about_io ? plan_rates(plan, dir, limits, file) : 0;
    if (r == 0 && about_io)
        r = plan_weights(plan, dir, limits, file);
    if (r == 0)
        r = plan_values(plan, dir, limits, file);
    if (r < 0)
        limit_plan_free(plan);
    return r;
}

int limit_plan_new(struct limit_plan *plan, const pk_limits *limits)
{
    const char *file;
    return plan_all(plan, -1, limits, &file);
}

int limit_plan_replace(struct limit_plan *plan, int dir, const pk_limits *limits, const char **file)
{
    return plan_all(plan, dir, limits, file);
}

void limit_plan_free(struct limit_plan *plan)
{
    free(plan->changes);
    *plan = (struct limit_plan){0};
}
