/*
 * A time line of a run that does not end when it is asked to.
 */
#include <processkit.h>

#include <stdio.h>

static void print_step(const pk_trace *trace, void *data)
{
    char after[32], signal_name[32];
    FILE *file = data;
    pk_format_duration(trace->duration, after, sizeof(after));
    fprintf(file, "%10s  %s: %s", after, trace->program, pk_trace_kind_name(trace->kind));
    if (trace->kind == PK_TRACE_SPAWN_FAILED)
        fprintf(file, ", at %s", pk_step_name(trace->step));
    if (trace->signal_number)
        fprintf(file, ", %s", pk_format_signal(trace->signal_number, signal_name, sizeof(signal_name)));
    if (trace->kind == PK_TRACE_ENDED)
        fprintf(file, ", %s", pk_verdict_name(trace->verdict));
    fputc('\n', file);
}

static void run_traced(pk_command *command)
{
    pk_error error;
    pk_command_trace(command, print_step, stdout);
    if (pk_command_status(command, NULL, &error) < 0)
        fprintf(stderr, "%s\n", error.message);
}

int main(void)
{
    pk_auto(pk_command) stubborn = pk_command_new("sh", "-c", "trap '' TERM; sleep 60 & sleep 61", NULL);
    pk_command_timeout(stubborn, PK_MILLISECONDS(200));
    pk_command_grace(stubborn, PK_MILLISECONDS(100));
    run_traced(stubborn);

    pk_auto(pk_command) missing = pk_command_new("no-such-program", NULL);
    run_traced(missing);

    pk_counters counters = PK_COUNTERS_INIT;
    pk_counters_read(&counters);
    printf("%d started, %d could not be, %d timed out\n", (int)counters.starts, (int)counters.failed_starts,
           (int)counters.ends[PK_VERDICT_TIMED_OUT]);
    return 0;
}
