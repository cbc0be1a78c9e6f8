/*
 * The ways to run a command that have a deadline to keep: the verbs, live handles, a loop.
 */
#include "deadlines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT = 4 << 20 };

static const char *adversary;
static char input[INPUT];
static int full_pipe[2]; /* of a reader who does not read */

static void must(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "deadlines: %s: %s\n", what, strerror(-r));
    exit(1);
}

void deadline_ways_prepare(const char *path)
{
    adversary = path;
    must(pipe2(full_pipe, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0, "pipe");
    while (write(full_pipe[1], input, sizeof(input)) > 0)
        ;
}

bool has_escaped(const struct attempt *attempt)
{
    return attempt->shape->escapes && attempt->mechanism == PK_MECHANISM_PROCESS_GROUP;
}

/* ---- Commands --------------------------------------------------------------------------------------------------- */

static void add_words(pk_command *command, const char *words)
{
    char text[256], *rest = NULL;
    snprintf(text, sizeof(text), "%s", words);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        pk_command_arg(command, word);
}

static pk_command *make_command(const struct attempt *attempt, pk_duration timeout)
{
    const struct shape *shape = attempt->shape;
    pk_group_options options = PK_GROUP_OPTIONS_INIT;
    /* Whatever becomes of the benchmark, nothing stays for good. */
    pk_command *command = pk_command_new(adversary, "--life", "60", NULL);
    options.mechanism = attempt->mechanism;
    add_words(command, shape->words);
    pk_command_contain(command, &options);
    if (timeout)
        pk_command_timeout(command, timeout);
    pk_command_grace(command, PK_MILLISECONDS(GRACE_MS));
    pk_command_drain(command, PK_MILLISECONDS(DRAIN_MS));
    if (shape->waits)
        pk_command_leftovers(command, PK_LEFTOVERS_WAIT);
    if (shape->at_terminal)
        pk_command_pty(command, NULL);
    if (shape->given)
        pk_command_input(command, input, sizeof(input));
    pk_command_capture(command, 1, NULL);
    if (!shape->at_terminal)
        pk_command_capture(command, 2, NULL);
    if (shape->teed)
        pk_command_tee(command, 1, full_pipe[1], PK_TEE_RAW);
    return command;
}

static void begin(struct attempt *attempt)
{
    const struct shape *shape = attempt->shape;
    bool drained = shape->teed || has_escaped(attempt);
    attempt->due = pk_now() + attempt->deadline + (shape->endures ? PK_MILLISECONDS(GRACE_MS) : 0) +
                   (drained ? PK_MILLISECONDS(DRAIN_MS) : 0);
}

/* ---- Judging ---------------------------------------------------------------------------------------------------- */

static void expect(struct attempt *attempt, bool good, const char *what, const char *found)
{
    if (!good)
        snprintf(attempt->wrong, sizeof(attempt->wrong), "%s: %s", what, found);
}

/* What has escaped with its pipe was not waited for. */
static bool may_end_before(const struct attempt *attempt)
{
    return attempt->shape->ending == ENDS_BEFORE || has_escaped(attempt);
}

/* A shape that would end before the deadline may be too slow for that on a busy machine. */
static void expect_result(struct attempt *attempt, const pk_result *result)
{
    char text[200];
    bool late = result->verdict == PK_VERDICT_TIMED_OUT;
    bool good = late || (may_end_before(attempt) && pk_result_is_success(result));
    expect(attempt, good, "ended otherwise", pk_result_format(result, text, sizeof(text)));
}

static void expect_error(struct attempt *attempt, int r, const pk_error *error)
{
    bool good = r == -ETIMEDOUT || (may_end_before(attempt) && r >= 0);
    expect(attempt, good, "another error", r < 0 ? error->message : "none");
}

/* ---- Verbs ------------------------------------------------------------------------------------------------------ */

static void by_run(struct attempt *attempt)
{
    char *text = NULL;
    pk_error error;
    pk_auto(pk_command) command = make_command(attempt, attempt->deadline);
    begin(attempt);
    int r = pk_command_run(command, &text, &error);
    attempt->returned = pk_now();
    expect_error(attempt, r, &error);
    free(text);
}

static void by_output(struct attempt *attempt)
{
    pk_output *output = NULL;
    pk_error error;
    pk_auto(pk_command) command = make_command(attempt, attempt->deadline);
    begin(attempt);
    int r = pk_command_output(command, &output, &error);
    attempt->returned = pk_now();
    if (r < 0)
        expect(attempt, false, "output", error.message);
    else
        expect_result(attempt, pk_output_result(output));
    pk_output_free(output);
}

static bool match_nothing(const pk_line *line, void *data)
{
    (void)line, (void)data;
    return false;
}

static void by_first_line(struct attempt *attempt)
{
    char *line = NULL;
    pk_error error;
    pk_auto(pk_command) command = make_command(attempt, attempt->deadline);
    begin(attempt);
    int r = pk_command_first_line(command, match_nothing, NULL, &line, &error);
    attempt->returned = pk_now();
    expect(attempt, r == 0, "first line", r < 0 ? error.message : line);
    free(line);
}

/* ---- Live handles ----------------------------------------------------------------------------------------------- */

static pk_process *start(struct attempt *attempt, pk_duration timeout)
{
    pk_error error;
    pk_process *process = NULL;
    pk_auto(pk_command) command = make_command(attempt, timeout);
    begin(attempt);
    if (pk_command_start(command, &process, &error) < 0)
        expect(attempt, false, "start", error.message);
    return process;
}

/* Freeing is part of it: it kills, and must not hang either. */
static void end(struct attempt *attempt, pk_process *process)
{
    pk_process_free(process);
    attempt->returned = pk_now();
}

static void by_wait(struct attempt *attempt)
{
    pk_result result;
    pk_error error;
    pk_process *process = start(attempt, attempt->deadline);
    if (!process)
        return;
    if (pk_process_wait(process, PK_FOREVER, &result, &error) < 0)
        expect(attempt, false, "wait", error.message);
    else
        expect_result(attempt, &result);
    end(attempt, process);
}

/* The caller's own deadline, which ends nothing. */
static void by_wait_until(struct attempt *attempt)
{
    pk_error error;
    pk_process *process = start(attempt, 0);
    if (!process)
        return;
    int r = pk_process_wait(process, pk_deadline(attempt->deadline), NULL, &error);
    expect_error(attempt, r, &error);
    end(attempt, process);
}

static void by_next_line(struct attempt *attempt)
{
    int r;
    pk_line line;
    pk_error error;
    pk_process *process = start(attempt, 0);
    if (!process)
        return;
    pk_time deadline = pk_deadline(attempt->deadline);
    do
        r = pk_process_next_line(process, 1, &line, deadline, &error);
    while (r > 0 && pk_now() < deadline); /* lines that are there come after it, too */
    expect(attempt, r >= 0 || r == -ETIMEDOUT, "next line", error.message);
    end(attempt, process);
}

/* Of three at once, each by its own time: the latest tells. */
static void by_wait_any(struct attempt *attempt)
{
    enum { THREE = 3 };
    pk_error error;
    struct attempt each[THREE];
    pk_process *processes[THREE];
    for (int i = 0; i < THREE; i++) {
        each[i] = *attempt;
        processes[i] = start(&each[i], attempt->deadline);
    }
    for (int left = THREE; left > 0; left--) {
        int i = pk_process_wait_any(processes, THREE, PK_FOREVER, &error);
        if (i < 0) {
            expect(attempt, false, "wait any", error.message);
            break;
        }
        expect_result(attempt, pk_process_result(processes[i]));
        end(&each[i], processes[i]);
        processes[i] = NULL;
        if (attempt->returned == 0 || each[i].returned + attempt->due > attempt->returned + each[i].due) {
            attempt->returned = each[i].returned;
            attempt->due = each[i].due;
        }
    }
    for (int i = 0; i < THREE; i++)
        pk_process_free(processes[i]);
}

static void note_end(pk_process *process, pk_event event, void *data)
{
    (void)process;
    *(bool *)data |= event == PK_EVENT_ENDED;
}

static void by_loop(struct attempt *attempt)
{
    bool ended = false;
    pk_error error;
    pk_auto(pk_loop) loop = NULL;
    must(pk_loop_create(&loop, &error), "loop");
    pk_process *process = start(attempt, attempt->deadline);
    if (!process)
        return;
    int r = pk_process_watch(process, loop, note_end, &ended, &error);
    while (r >= 0 && !ended)
        r = pk_loop_dispatch(loop, PK_FOREVER, &error);
    if (r < 0)
        expect(attempt, false, "loop", error.message);
    else
        expect_result(attempt, pk_process_result(process));
    end(attempt, process);
}

const struct deadline_way deadline_ways[] = {
    {"run", by_run},
    {"output", by_output},
    {"first_line", by_first_line},
    {"wait", by_wait},
    {"wait until", by_wait_until},
    {"next_line", by_next_line},
    {"wait_any", by_wait_any},
    {"loop", by_loop},
};

_Static_assert(sizeof(deadline_ways) / sizeof(deadline_ways[0]) == DEADLINE_WAYS, "all of them are counted");
