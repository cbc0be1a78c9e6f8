/*
 * Telling how each stage went, and what all of them used.
 */
#include "pipe-stats.h"

#include "message.h"
#include "stats.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 512, NAME_SIZE = 64, MOST_WIDTH = 24 };

/* ---- A line for each stage -------------------------------------------------------------------------------------- */

static const char *format_program(const struct pipe_request *request, size_t stage, char *buffer, size_t size)
{
    return pk_format_text(stages_program(request, stage), buffer, size);
}

static int width_of_programs(const struct pipe_request *request)
{
    char name[NAME_SIZE];
    size_t width = strlen("program");
    for (size_t i = 0; i < request->common.count; i++) {
        size_t length = strlen(format_program(request, i, name, sizeof(name)));
        width = length > width ? length : width;
    }
    return width < MOST_WIDTH ? (int)width : MOST_WIDTH;
}

static const char *format_cpu(const pk_usage *usage, char *buffer, size_t size)
{
    if (usage->cpu_source != PK_SOURCE_UNAVAILABLE)
        return pk_format_duration(usage->cpu_user + usage->cpu_system, buffer, size);
    snprintf(buffer, size, "-");
    return buffer;
}

/* How it ended, what it left behind, and what that was for the pipeline. */
static const char *format_end(const struct pipe_request *request, const pk_process *process, size_t stage, char *buffer,
                              size_t size)
{
    char names[256];
    const pk_result *result = pk_process_stage_result(process, stage);
    pk_result_format(result, buffer, size);
    size_t used = strlen(buffer);
    if (result->leftover_count > 0)
        used += (size_t)snprintf(buffer + used, size - used, "; left behind: %s",
                                 format_leftovers(result, names, sizeof(names)));
    if (used < size && stage == pk_process_culprit(process))
        snprintf(buffer + used, size - used, " (culprit)");
    else if (used < size && request->stages[stage].unchecked && !pk_result_is_success(result))
        snprintf(buffer + used, size - used, " (unchecked)");
    return buffer;
}

static void print_stages(const struct pipe_request *request, const pk_process *process)
{
    char name[NAME_SIZE], wall[32], cpu[32], end[TEXT_SIZE], safe[TEXT_SIZE];
    int width = width_of_programs(request);
    fprintf(stderr, "  %5s %9s %9s  %-*s  %s\n", "stage", "wall", "cpu", width, "program", "ended");
    for (size_t i = 0; i < request->common.count; i++) {
        const pk_result *result = pk_process_stage_result(process, i);
        format_end(request, process, i, end, sizeof(end));
        fprintf(stderr, "  %5zu %9s %9s  %-*s  %s\n", i + 1, pk_format_duration(result->wall, wall, sizeof(wall)),
                format_cpu(&result->usage, cpu, sizeof(cpu)), width, format_program(request, i, name, sizeof(name)),
                pk_format_text(end, safe, sizeof(safe)));
    }
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

/* Where nobody counts for all of them. */
static pk_usage add_up(const pk_process *process)
{
    pk_usage sum = {.cpu_source = PK_SOURCE_UNAVAILABLE};
    for (size_t i = 0; i < pk_process_stage_count(process); i++) {
        const pk_usage *usage = &pk_process_stage_result(process, i)->usage;
        sum.cpu_source = usage->cpu_source;
        sum.cpu_user += usage->cpu_user;
        sum.cpu_system += usage->cpu_system;
        if (usage->cpu_source == PK_SOURCE_UNAVAILABLE)
            break;
    }
    return sum;
}

/* As if it had been one run, for what is told of one. What stages left behind is told with each. */
static pk_result sum_up(const pk_process *process, pk_duration wall)
{
    pk_result whole = *pk_process_result(process);
    pk_group *group = pk_process_pipeline_group(process);
    whole.wall = wall;
    whole.leftover_count = 0;
    if (pk_process_stage_count(process) > 1) {
        if (pk_group_usage(group, &whole.usage, NULL) < 0 || whole.usage.cpu_source == PK_SOURCE_UNAVAILABLE)
            whole.usage = add_up(process);
        if (pk_group_evidence(group, &whole.evidence, NULL) < 0)
            whole.evidence = (pk_evidence){.oom_kills = 0};
    }
    return whole;
}

void print_pipe_stats(const struct pipe_request *request, const pk_process *process, pk_duration wall)
{
    char who[NAME_SIZE], text[TEXT_SIZE];
    size_t culprit = pk_process_culprit(process);
    pk_result whole = sum_up(process, wall);
    if (culprit == PK_NO_STAGE)
        say("no stage failed");
    else
        say("%s: %s", stages_format(request, culprit, who, sizeof(who)),
            pk_result_format(pk_process_stage_result(process, culprit), text, sizeof(text)));
    print_stages(request, process);
    print_fact("culprit", culprit == PK_NO_STAGE ? "none" : stages_format(request, culprit, who, sizeof(who)));
    print_fact("wall", pk_format_duration(wall, text, sizeof(text)));
    print_account(&whole, &request->common.group.limits);
}
