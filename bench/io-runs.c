/*
 * Small commands one after the other, as most programs run them.
 */
#include "io-bare.h"
#include "io.h"

#include <processkit/run.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char line[] = "a line that is captured";
static char *echo[] = {(char[]){"/bin/echo"}, line, NULL};

static struct {
    pk_command *captured;
    pk_command *silent;
    pk_group *group;
} kit;

/* ---- Ways ------------------------------------------------------------------------------------------------------- */

static int bare_capture(void)
{
    struct bare bare;
    int r = bare_start(&bare, echo, true, 0);
    if (r < 0)
        return r;
    int64_t out = bare_read_all(&bare, 1, BARE_BLOCK), err = bare_read_all(&bare, 2, BARE_BLOCK);
    r = bare_end(&bare);
    return r < 0 ? r : out == (int64_t)sizeof(line) && err == 0 ? 0 : -EIO;
}

static int bare_silent(void)
{
    struct bare bare;
    int r = bare_start_silent(&bare, echo);
    return r < 0 ? r : bare_end(&bare);
}

static int capture(void)
{
    pk_auto(pk_output) output = NULL;
    int r = pk_command_output(kit.captured, &output, NULL);
    if (r == 0)
        r = pk_output_check(output, NULL);
    return r < 0 ? r : pk_output_capture(output, 1)->length == sizeof(line) ? 0 : -EIO;
}

static int silent(void)
{
    pk_result result;
    int r = pk_command_status(kit.silent, &result, NULL);
    return r < 0 ? r : pk_result_is_success(&result) ? 0 : -ECHILD;
}

static int in_group(const pk_command *command)
{
    pk_process *process;
    int r = pk_group_spawn(kit.group, command, &process, NULL);
    return r < 0 ? r : io_finish(process);
}

static int capture_in_group(void)
{
    return in_group(kit.captured);
}

static int silent_in_group(void)
{
    return in_group(kit.silent);
}

/* ---- Comparing -------------------------------------------------------------------------------------------------- */

enum { BARE, BARE_SILENT, CAPTURED, SILENT, CAPTURED_IN_GROUP, SILENT_IN_GROUP, WAYS };

static const struct way_to ways[WAYS] = {
    [BARE] = {"bare: pipes, read, wait", bare_capture},
    [BARE_SILENT] = {"bare: to /dev/null", bare_silent},
    [CAPTURED] = {"pk_command_output", capture},
    [SILENT] = {"pk_command_status, null", silent},
    [CAPTURED_IN_GROUP] = {"captured, in a kept group", capture_in_group},
    [SILENT_IN_GROUP] = {"null, in a kept group", silent_in_group},
};

static void prepare(void)
{
    pk_error error;
    if (pk_group_create(NULL, &kit.group, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    kit.captured = pk_command_new_argv((const char *const *)echo);
    pk_command_capture(kit.captured, 1, NULL);
    pk_command_capture(kit.captured, 2, NULL);
    kit.silent = pk_command_new_argv((const char *const *)echo);
    pk_command_null(kit.silent, 1);
    pk_command_null(kit.silent, 2);
}

static void finish(void)
{
    kit.captured = pk_command_free(kit.captured);
    kit.silent = pk_command_free(kit.silent);
    kit.group = pk_group_free(kit.group);
}

static double microseconds(const struct contest *contest, unsigned way)
{
    return (double)contest_median(contest, MEASURE_TIME, way) / 1e3;
}

static void print_costs(const struct contest *contest)
{
    printf("%-28s %8s %8s %8s %8s\n", "", "us", "x bare", "CPU us", "sleeps");
    for (unsigned way = 0; way < contest->count; way++)
        printf("%-28s %8.1f %8.3f %8.1f %8llu\n", contest->ways[way].name, microseconds(contest, way),
               contest_ratio(contest, MEASURE_TIME, way, BARE).all,
               (double)contest_median(contest, MEASURE_CPU, way) / 1e3,
               (unsigned long long)contest_median(contest, MEASURE_SLEEPS, way));
}

/* The pipes, by themselves: what capturing adds to a run that is contained anyway, and to one that is not. */
static bool judge_pipes(const struct contest *contest)
{
    double bare = microseconds(contest, BARE), contained = microseconds(contest, SILENT);
    double ours = microseconds(contest, CAPTURED) - contained, theirs = bare - microseconds(contest, BARE_SILENT);
    double ratio = (bare + ours - theirs) / bare;
    printf("  capturing adds %.1f us, and %.1f us to the bare run\n", ours, theirs);
    printf("  %-45s %6.3f  target <= 1.10: %s\n", "bare loop with our pipes / bare loop", ratio,
           ratio <= 1.1 ? "PASS" : "FAIL");
    return ratio <= 1.1;
}

bool io_runs(void)
{
    struct contest contest;
    bool pass = true;
    prepare();
    printf("\n%ld captures of /bin/echo, one after the other\n", io.runs);
    contest_run(&contest, ways, WAYS, io.runs);
    print_costs(&contest);
    pass &= stats_judge("pk_command_output / bare loop", contest_ratio(&contest, MEASURE_TIME, CAPTURED, BARE), 1.1);
    pass &= stats_judge("captured in a kept group / bare loop",
                        contest_ratio(&contest, MEASURE_TIME, CAPTURED_IN_GROUP, BARE), 1.1);
    pass &= judge_pipes(&contest);
    contest_free(&contest);
    finish();
    return pass;
}
