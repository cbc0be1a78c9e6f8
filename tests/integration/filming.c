/*
 * The verbs of commands and of processes, and what they say.
 */
#include "filming.h"

#include "cast.h"
#include "telling.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- Verbs ------------------------------------------------------------------------------------------------------ */

static void by_run(struct take *take)
{
    pk_error error;
    char *text = NULL;
    tell_returned(take->out, pk_command_run(take->command, &text, &error), &error);
    if (text)
        tell_bytes(take->out, "text", text, strlen(text));
    free(text);
}

static void by_check(struct take *take)
{
    pk_error error;
    tell_returned(take->out, pk_command_check(take->command, &error), &error);
}

static int count_bytes(const char *text, size_t length, char *why, size_t size, void *data)
{
    if (length % 2 == 0)
        return (int)length;
    snprintf(why, size, "%zu is odd, after '%.5s'", length, text);
    (void)data;
    return -EBADMSG;
}

static void by_parse(struct take *take)
{
    pk_error error;
    tell_returned(take->out, pk_command_parse(take->command, count_bytes, NULL, &error), &error);
}

static void by_exit_code(struct take *take)
{
    pk_error error;
    tell_returned(take->out, pk_command_exit_code(take->command, &error), &error);
}

static void by_probe(struct take *take)
{
    pk_error error;
    tell_returned(take->out, pk_command_probe(take->command, &error), &error);
}

static bool is_second(const pk_line *line, void *data)
{
    (void)data;
    return line->number == 2;
}

static void find_line(struct take *take, pk_match_callback match)
{
    pk_error error;
    char *line = NULL;
    tell_returned(take->out, pk_command_first_line(take->command, match, NULL, &line, &error), &error);
    if (line)
        tell_bytes(take->out, "line", line, strlen(line));
    free(line);
}

static void by_first_line(struct take *take)
{
    find_line(take, NULL);
}

static void by_second_line(struct take *take)
{
    find_line(take, is_second);
}

/* What it writes is nobody's, if the command says nothing about it: not that of the test either. */
static void by_status(struct take *take)
{
    pk_error error;
    pk_result result;
    int r = pk_command_status(take->command, &result, &error);
    tell_returned(take->out, r, &error);
    if (r == 0)
        tell_result(take->out, &result);
}

static void by_output(struct take *take)
{
    pk_error error;
    pk_auto(pk_output) output = NULL;
    int r = pk_command_output(take->command, &output, &error);
    tell_returned(take->out, r, &error);
    if (r < 0)
        return;
    tell_result(take->out, pk_output_result(output));
    tell_capture(take->out, 1, pk_output_capture(output, 1));
    tell_capture(take->out, 2, pk_output_capture(output, 2));
    tell_returned(take->out, pk_output_check(output, &error), &error);
}

/* ---- Verbs of processes ----------------------------------------------------------------------------------------- */

static pk_process *start(struct take *take)
{
    pk_error error;
    pk_process *process = NULL;
    int r = pk_command_start(take->command, &process, &error);
    tell_returned(take->out, r, &error);
    return process;
}

static void end(struct take *take, pk_process *process)
{
    pk_error error;
    tell_result(take->out, pk_process_result(process));
    tell_capture(take->out, 1, pk_process_capture(process, 1));
    tell_capture(take->out, 2, pk_process_capture(process, 2));
    tell_returned(take->out, pk_process_check(process, &error), &error);
    fprintf(take->out, "signal: %d\n", pk_process_signal(process, SIGTERM, &error));
    pk_process_free(process);
}

static void by_wait(struct take *take)
{
    pk_error error;
    pk_process *process = start(take);
    if (!process)
        return;
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    end(take, process);
}

/* Makes a stream of it, whatever else becomes of it. */
static void ignore_line(pk_process *process, const pk_line *line, void *data)
{
    (void)process, (void)line, (void)data;
}

static void by_lines(struct take *take)
{
    pk_error error;
    pk_line line;
    int r;
    pk_command_on_line(take->command, 1, ignore_line, NULL);
    pk_process *process = start(take);
    if (!process)
        return;
    while ((r = pk_process_next_line(process, 1, &line, PK_FOREVER, &error)) > 0)
        tell_line(take->out, &line);
    tell_returned(take->out, r, &error);
    assert_ok(pk_process_wait(process, PK_FOREVER, NULL, &error), error);
    end(take, process);
}

static void by_wait_any(struct take *take)
{
    pk_error error;
    pk_process *processes[2] = {NULL, start(take)};
    if (!processes[1])
        return;
    assert_int_equal(pk_process_wait_any(processes, 2, PK_FOREVER, &error), 1);
    end(take, processes[1]);
}

static void note_event(pk_process *process, pk_event event, void *data)
{
    (void)process;
    fprintf(data, "event %d\n", event);
}

static void by_loop(struct take *take)
{
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    pk_process *process = start(take);
    if (!process)
        return;
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(pk_process_watch(process, loop, note_event, take->out, &error), error);
    while (!pk_process_result(process))
        assert_ok(pk_loop_dispatch(loop, PK_FOREVER, &error), error);
    end(take, process);
}

const struct verb verbs[] = {
    {"run", by_run},
    {"check", by_check},
    {"parse", by_parse},
    {"exit_code", by_exit_code},
    {"probe", by_probe},
    {"first_line", by_first_line},
    {"second_line", by_second_line},
    {"status", by_status},
    {"output", by_output},
    {"wait", by_wait},
    {"next_line", by_lines},
    {"wait_any", by_wait_any},
    {"loop", by_loop},
    {NULL},
};
