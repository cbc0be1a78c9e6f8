/*
 * Telling how a run went and what it used.
 */
#include "stats.h"

#include <stdio.h>

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

static void print_row(const char *name, const char *text)
{
    char safe[512];
    fprintf(stderr, "  %-10s %s\n", name, pk_format_text(text, safe, sizeof(safe)));
}

static void print_usage(const pk_usage *usage)
{
    char text[128], a[32], b[32];
    if (usage->cpu_source == PK_SOURCE_UNAVAILABLE)
        snprintf(text, sizeof(text), "unavailable");
    else
        snprintf(text, sizeof(text), "%s user, %s system (%s)", pk_format_duration(usage->cpu_user, a, sizeof(a)),
                 pk_format_duration(usage->cpu_system, b, sizeof(b)),
                 usage->cpu_source == PK_SOURCE_CGROUP   ? "whole tree"
                 : usage->cpu_source == PK_SOURCE_REAPER ? "whole tree, but for what nobody waited for"
                                                         : "leader and what it waited for");
    print_row("cpu", text);

    if (usage->memory_source == PK_SOURCE_UNAVAILABLE)
        snprintf(text, sizeof(text), "peak unavailable");
    else
        snprintf(text, sizeof(text), "peak %s", pk_format_size(usage->memory_peak, a, sizeof(a)));
    print_row("memory", text);

    if (usage->pids_source == PK_SOURCE_UNAVAILABLE)
        snprintf(text, sizeof(text), "peak unavailable");
    else
        snprintf(text, sizeof(text), "peak %llu", (unsigned long long)usage->pids_peak);
    print_row("processes", text);
}

void print_stats(const pk_result *result)
{
    char text[512], more[256];

    fprintf(stderr, "pk: %s\n", pk_result_format(result, text, sizeof(text)));
    print_row("verdict", pk_verdict_name(result->verdict));
    snprintf(text, sizeof(text), "%s (leader %s)", pk_format_duration(result->wall, more, sizeof(more) / 2),
             pk_format_duration(result->leader_wall, more + sizeof(more) / 2, sizeof(more) / 2));
    print_row("wall", text);
    print_usage(&result->usage);
    snprintf(text, sizeof(text), "%s (guarantees: %s)", pk_mechanism_name(result->mechanism),
             format_guarantees(result->guarantees, more, sizeof(more)));
    print_row("mechanism", text);
    if (result->guard_losses > 0) {
        snprintf(text, sizeof(text), "lost %u time%s%s", result->guard_losses, result->guard_losses == 1 ? "" : "s",
                 result->guarantees & PK_GUARANTEE_OWNER_DEATH ? ", and replaced" : "");
        print_row("guardian", text);
    }
    if (result->leftover_count > 0) {
        snprintf(text, sizeof(text), "%d %s: %s", result->leftover_count,
                 result->spared                             ? "left running"
                 : result->verdict == PK_VERDICT_UNKILLABLE ? "not gone after SIGKILL"
                                                            : "ended",
                 format_leftovers(result, more, sizeof(more)));
        print_row("leftovers", text);
    }
}
