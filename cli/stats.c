/*
 * Telling how a run went and what it used.
 */
#include "stats.h"

#include "message.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- Lists ----------------------------------------------------------------------------------------------------------
 */

const char *format_leftovers(const pk_result *result, char *buffer, size_t size)
{
    size_t used = 0;
    int shown = result->leftover_count < PK_RESULT_LEFTOVERS ? result->leftover_count : PK_RESULT_LEFTOVERS;
    buffer[0] = '\0';
    for (int i = 0; i < shown && used < size; i++)
        used += (size_t)snprintf(buffer + used, size - used, "%s%d (%s)", i ? ", " : "", result->leftovers[i].pid,
                                 result->leftovers[i].name);
    if (result->leftover_count > shown && used < size)
        snprintf(buffer + used, size - used, " and %d more", result->leftover_count - shown);
    return buffer;
}

const char *format_guarantees(unsigned bits, char *buffer, size_t size)
{
    size_t used = 0;
    snprintf(buffer, size, "none");
    for (unsigned bit = 1; bit <= PK_GUARANTEE_USAGE; bit <<= 1)
        if (bits & bit && used < size)
            used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "",
                                     pk_guarantee_name((pk_guarantee)bit));
    return buffer;
}

/* ---- Rows ------------------------------------------------------------------------------------------------------- */

struct row {
    char text[512];
    size_t used;
};

/* What does not fit is cut off. */
PK_PRINTF(2, 3) static void add(struct row *row, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(row->text + row->used, sizeof(row->text) - row->used, format, arguments);
    va_end(arguments);
    row->used += length < 0 ? 0 : (size_t)length;
    if (row->used >= sizeof(row->text))
        row->used = sizeof(row->text) - 1;
}

static void add_duration(struct row *row, const char *before, pk_duration duration)
{
    char text[32];
    add(row, "%s%s", before, pk_format_duration(duration, text, sizeof(text)));
}

static void add_size(struct row *row, const char *before, uint64_t bytes)
{
    char text[32];
    add(row, "%s%s", before, pk_format_size(bytes, text, sizeof(text)));
}

static void add_count(struct row *row, const char *before, uint64_t count, const char *one, const char *more)
{
    add(row, "%s%llu%s", before, (unsigned long long)count, count == 1 ? one : more);
}

/* The next thing in a row, after a comma unless it is the first. */
static void begin(struct row *row, const char *text)
{
    add(row, "%s%s", row->used ? ", " : "", text);
}

/* A row without text says nothing, and is not there. */
static void print_row(const char *name, const struct row *row)
{
    char safe[sizeof(row->text)];
    if (row->used > 0)
        fprintf(stderr, "  %-10s %s\n", name, pk_format_text(row->text, safe, sizeof(safe)));
}

/* ---- What was used, and what was in the way --------------------------------------------------------------------- */

static void print_cpu(const pk_usage *usage, const pk_evidence *evidence)
{
    struct row row = {.used = 0};
    if (usage->cpu_source == PK_SOURCE_UNAVAILABLE) {
        add(&row, "unavailable");
    } else {
        add_duration(&row, "", usage->cpu_user);
        add_duration(&row, " user, ", usage->cpu_system);
        add(&row, " system (%s)",
            usage->cpu_source == PK_SOURCE_CGROUP   ? "whole tree"
            : usage->cpu_source == PK_SOURCE_REAPER ? "whole tree, but for what nobody waited for"
                                                    : "leader and what it waited for");
    }
    if (evidence->cpu_throttled > 0) {
        add_count(&row, ", throttled in ", evidence->cpu_throttled, "", "");
        add_count(&row, " of ", evidence->cpu_periods, " period", " periods");
        if (evidence->cpu_max > 0)
            add(&row, " under cpu-max %g", evidence->cpu_max);
        add_duration(&row, " (", evidence->throttled_time); /* a sum over processors, it may exceed the wall time */
        add(&row, " in all)");
    }
    print_row("cpu", &row);
}

static void print_memory(const pk_usage *usage, const pk_evidence *evidence)
{
    struct row row = {.used = 0};
    if (usage->memory_source == PK_SOURCE_UNAVAILABLE)
        add(&row, "peak unavailable");
    else
        add_size(&row, "peak ", usage->memory_peak);
    if (evidence->memory_max > 0)
        add_size(&row, " of ", evidence->memory_max);
    if (evidence->memory_max_reached > 0)
        add_count(&row, ", reached ", evidence->memory_max_reached, " time", " times");
    if (evidence->memory_high_exceeded > 0)
        add_count(&row, ", slowed down ", evidence->memory_high_exceeded, " time", " times");
    if (evidence->memory_high_exceeded > 0 && evidence->memory_high > 0)
        add_size(&row, " above ", evidence->memory_high);
    if (evidence->oom_kills > 0)
        add(&row, ", members were killed");
    print_row("memory", &row);

    struct row swap = {.used = 0};
    if (evidence->swap_peak > 0)
        add_size(&swap, "peak ", evidence->swap_peak);
    if (evidence->swap_peak > 0 && evidence->swap_max > 0 && evidence->swap_max != PK_UNLIMITED)
        add_size(&swap, " of ", evidence->swap_max);
    print_row("swap", &swap);
}

static void print_processes(const pk_usage *usage, const pk_evidence *evidence)
{
    struct row row = {.used = 0};
    if (usage->pids_source == PK_SOURCE_UNAVAILABLE)
        add(&row, "peak unavailable");
    else
        add_count(&row, "peak ", usage->pids_peak, "", "");
    if (evidence->pids_max > 0)
        add_count(&row, " of ", evidence->pids_max, "", "");
    if (evidence->pids_refused > 0)
        add_count(&row, ", ", evidence->pids_refused, " start refused", " starts refused");
    print_row("processes", &row);
}

static void print_io(const pk_evidence *evidence)
{
    struct row row = {.used = 0};
    if (evidence->io_reads > 0) {
        add_size(&row, "read ", evidence->io_read);
        add_count(&row, " in ", evidence->io_reads, " operation", " operations");
    }
    if (evidence->io_writes > 0) {
        add_size(&row, row.used ? ", wrote " : "wrote ", evidence->io_written);
        add_count(&row, " in ", evidence->io_writes, " operation", " operations");
    }
    print_row("io", &row);
}

/* Everybody waits a moment: only what was a good part of the run is worth a word. */
static void print_pressure(const pk_evidence *evidence, pk_duration wall)
{
    const struct {
        const char *name;
        pk_pressure pressure;
    } resources[] = {
        {"cpu", evidence->cpu_pressure},
        {"memory", evidence->memory_pressure},
        {"io", evidence->io_pressure},
    };
    const pk_duration least = wall / 20;
    struct row row = {.used = 0};
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
        const pk_pressure *pressure = &resources[i].pressure;
        if (pressure->some == 0 || pressure->some < least)
            continue;
        begin(&row, resources[i].name);
        add_duration(&row, " ", pressure->some);
        if (pressure->full > 0)
            add_duration(&row, " (full ", pressure->full);
        add(&row, "%s", pressure->full > 0 ? ")" : "");
    }
    print_row("pressure", &row);
}

/* ---- How it was contained --------------------------------------------------------------------------------------- */

static void begin_count(struct row *row, const char *text, uint64_t count, const char *one, const char *more)
{
    begin(row, text);
    add_count(row, "", count, one, more);
}

static void add_memory_limits(struct row *row, const pk_limits *limits)
{
    if (limits->memory_max > 0) {
        add_size(row, "memory ", limits->memory_max);
        if (limits->swap_max == 0)
            add(row, " without swap");
        else if (limits->swap_max != PK_UNLIMITED)
            add_size(row, " and swap ", limits->swap_max);
    }
    if (limits->memory_high > 0) {
        begin(row, "slower above ");
        add_size(row, "", limits->memory_high);
    }
    if (limits->memory_nodes[0]) {
        begin(row, "memory of nodes ");
        add(row, "%s", limits->memory_nodes);
    }
}

static void add_cpu_limits(struct row *row, const pk_limits *limits)
{
    if (limits->cpu_max > 0) {
        begin(row, "");
        add(row, "%g processor%s", limits->cpu_max, limits->cpu_max == 1 ? "" : "s");
    }
    if (limits->cpus[0]) {
        begin(row, "on processors ");
        add(row, "%s", limits->cpus);
    }
    if (limits->cpu_weight > 0)
        begin_count(row, "cpu weight ", limits->cpu_weight, "", "");
}

/* What was asked for, and how it was had. */
static void print_limits(const pk_limits *limits, pk_delegation delegation)
{
    struct row row = {.used = 0};
    add_memory_limits(&row, limits);
    if (limits->pids_max > 0)
        begin_count(&row, "", limits->pids_max, " process", " processes");
    add_cpu_limits(&row, limits);
    if (limits->io_weight > 0)
        begin_count(&row, "io weight ", limits->io_weight, "", "");
    if (limits->device_count > 0)
        begin_count(&row, "io of ", limits->device_count, " device", " devices");
    if (delegation != 0)
        add(&row, "%s(by delegation: %s)", row.used ? " " : "", pk_delegation_name(delegation));
    print_row("limits", &row);
}

static void print_containment(const pk_result *result, const pk_limits *limits)
{
    char names[256];
    struct row row = {.used = 0}, guardian = {.used = 0}, leftovers = {.used = 0};
    add(&row, "%s (guarantees: %s)", pk_mechanism_name(result->mechanism),
        format_guarantees(result->guarantees, names, sizeof(names)));
    print_row("mechanism", &row);
    print_limits(limits, result->delegation);
    if (result->guard_losses > 0)
        add_count(&guardian, "lost ", result->guard_losses, " time", " times");
    if (result->guard_losses > 0 && result->guarantees & PK_GUARANTEE_OWNER_DEATH)
        add(&guardian, ", and replaced");
    print_row("guardian", &guardian);
    if (result->leftover_count > 0)
        add(&leftovers, "%d %s: %s", result->leftover_count,
            result->spared                             ? "left running"
            : result->verdict == PK_VERDICT_UNKILLABLE ? "not gone after SIGKILL"
                                                       : "ended",
            format_leftovers(result, names, sizeof(names)));
    print_row("leftovers", &leftovers);
}

void print_fact(const char *name, const char *text)
{
    struct row row = {.used = 0};
    add(&row, "%s", text);
    print_row(name, &row);
}

void print_account(const pk_result *result, const pk_limits *limits)
{
    print_cpu(&result->usage, &result->evidence);
    print_memory(&result->usage, &result->evidence);
    print_processes(&result->usage, &result->evidence);
    print_io(&result->evidence);
    print_pressure(&result->evidence, result->wall);
    print_containment(result, limits);
}

void print_stats(const pk_result *result, const pk_limits *limits)
{
    char text[512];
    struct row wall = {.used = 0};

    fprintf(stderr, "pk: %s\n", pk_result_format(result, text, sizeof(text)));
    print_fact("verdict", pk_verdict_name(result->verdict));
    add_duration(&wall, "", result->wall);
    add_duration(&wall, " (leader ", result->leader_wall);
    add(&wall, ")");
    print_row("wall", &wall);
    print_account(result, limits);
}

/* ---- Without --stats -------------------------------------------------------------------------------------------- */

static const char *describe_victim(const pk_result *result)
{
    bool leader = result->leader_ending == PK_ENDING_SIGNALLED && result->signal_number == SIGKILL;
    return leader ? "and the kernel killed it" : "and the kernel killed members of it";
}

bool print_limit_hit(const pk_result *result)
{
    const pk_evidence *evidence = &result->evidence;
    struct row row = {.used = 0};
    if (result->verdict == PK_VERDICT_PIDS_LIMIT) {
        add_count(&row, "the tree reached its limit of ", evidence->pids_max, " process", " processes");
        add_count(&row, " (--pids-max): ", evidence->pids_refused, " start was refused", " starts were refused");
    } else if (result->verdict == PK_VERDICT_OOM_KILLED) {
        add(&row, "out of memory: ");
        if (evidence->oom_cause == PK_OOM_CAUSE_LIMIT)
            add_size(&row, "the tree reached its limit of ", evidence->memory_max);
        add(&row, "%s",
            evidence->oom_cause == PK_OOM_CAUSE_LIMIT ? " (--memory-max)"
            : evidence->oom_cause == PK_OOM_CAUSE_MEMBER
                ? "the tree reached a limit that it had set itself"
                : "a limit above the tree was reached, or the machine's memory");
        add(&row, ", %s", describe_victim(result));
    }
    if (row.used > 0)
        say("%s", row.text);
    return row.used > 0;
}
