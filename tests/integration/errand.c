/*
 * Errands.
 */
#include "errand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const bool errand_blocking = false, errand_by_loop = true;

static int parse_length(const char *text, size_t length, char *why, size_t size, void *data)
{
    (void)data;
    snprintf(why, size, "'%c' is no good", text[0]);
    return text[0] == 'b' ? -EBADMSG : (int)length;
}

static bool is_second(const pk_line *line, void *data)
{
    (void)data;
    return line->number == 2;
}

static void keep_text(struct errand *errand, const char *text)
{
    snprintf(errand->text, sizeof(errand->text), "%s", text ? text : "");
}

static void keep_output(struct errand *errand, const pk_output *output)
{
    if (!output)
        return;
    errand->verdict = pk_output_result(output)->verdict;
    snprintf(errand->out, sizeof(errand->out), "%s", pk_output_text(output, 1));
}

/* ---- Blocking --------------------------------------------------------------------------------------------------- */

static int ask_output(struct errand *errand, const pk_command *command)
{
    pk_auto(pk_output) output = NULL;
    int r = pk_command_output(command, &output, &errand->error);
    keep_output(errand, output);
    return r;
}

static int ask_status(struct errand *errand, const pk_command *command)
{
    pk_result result = {0};
    int r = pk_command_status(command, &result, &errand->error);
    errand->verdict = result.verdict;
    return r;
}

static int ask_text(struct errand *errand, const pk_command *command, int verb)
{
    char *text = NULL;
    int r = verb == PK_VERB_RUN ? pk_command_run(command, &text, &errand->error)
                                : pk_command_first_line(command, is_second, NULL, &text, &errand->error);
    keep_text(errand, text);
    free(text);
    return r;
}

static int ask(struct errand *errand, const pk_command *command, int verb)
{
    switch (verb) {
    case PK_VERB_OUTPUT:
        return ask_output(errand, command);
    case PK_VERB_STATUS:
        return ask_status(errand, command);
    case PK_VERB_CHECK:
        return pk_command_check(command, &errand->error);
    case PK_VERB_EXIT_CODE:
        return pk_command_exit_code(command, &errand->error);
    case PK_VERB_PROBE:
        return pk_command_probe(command, &errand->error);
    case ERRAND_PARSE:
        return pk_command_parse(command, parse_length, NULL, &errand->error);
    default:
        return ask_text(errand, command, verb);
    }
}

/* ---- As a task -------------------------------------------------------------------------------------------------- */

struct told {
    struct errand *errand;
    pk_verb verb;
    bool done;
};

static void be_told(pk_task *task, int number, const pk_error *error, void *data)
{
    struct told *told = data;
    struct errand *errand = told->errand;
    assert_false(told->done);
    assert_null(pk_task_process(task));
    assert_int_equal(number < 0, error != NULL);
    errand->number = number;
    if (error)
        errand->error = *error;
    keep_text(errand, pk_task_text(task));
    if (told->verb == PK_VERB_OUTPUT)
        keep_output(errand, pk_task_output(task));
    if (told->verb == PK_VERB_STATUS && pk_task_result(task))
        errand->verdict = pk_task_result(task)->verdict;
    told->done = true;
}

static int submit(const pk_command *command, pk_loop *loop, struct told *told, pk_task **task, pk_error *error)
{
    if ((int)told->verb == ERRAND_PARSE)
        return pk_command_submit_parse(command, parse_length, NULL, loop, be_told, told, task, error);
    if ((int)told->verb == ERRAND_FIRST_LINE)
        return pk_command_submit_first_line(command, is_second, NULL, loop, be_told, told, task, error);
    return pk_command_submit(command, told->verb, loop, be_told, told, task, error);
}

static void submit_and_dispatch(struct errand *errand, const pk_command *command, int verb)
{
    pk_auto(pk_loop) loop = NULL;
    pk_auto(pk_task) task = NULL;
    struct told told = {.errand = errand, .verb = (pk_verb)verb};
    pk_error error;
    pk_time deadline = pk_deadline(PK_SECONDS(60) * test_slowness());
    assert_ok(pk_loop_create(&loop, &error), error);
    assert_ok(submit(command, loop, &told, &task, &error), error);
    assert_false(told.done);
    while (!told.done) {
        assert_true(pk_now() < deadline);
        assert_ok(pk_loop_dispatch(loop, deadline, &error), error);
    }
    assert_int_equal(pk_loop_timeout(loop) == PK_FOREVER, 1);
    task = pk_task_free(task); /* before its loop */
}

void errand_run(struct errand *errand, const pk_command *command, int verb, bool by_loop)
{
    *errand = (struct errand){0};
    if (by_loop)
        submit_and_dispatch(errand, command, verb);
    else
        errand->number = ask(errand, command, verb);
}

/* Times in a message are those of another run. */
static void without_times(const char *message, char *text)
{
    const char *after = strstr(message, " after ");
    const char *rest = after ? strchr(after, ';') : NULL;
    if (rest)
        snprintf(text, PK_ERROR_MESSAGE_SIZE, "%.*s%s", (int)(after - message), message, rest);
    else
        snprintf(text, PK_ERROR_MESSAGE_SIZE, "%s", message);
}

void errand_assert_same(const struct errand *one, const struct errand *other)
{
    char message[PK_ERROR_MESSAGE_SIZE], other_message[PK_ERROR_MESSAGE_SIZE];
    assert_int_equal(one->number, other->number);
    assert_int_equal(one->error.kind, other->error.kind);
    assert_int_equal(one->error.number, other->error.number);
    assert_int_equal(one->error.step, other->error.step);
    assert_int_equal(one->error.exit_code, other->error.exit_code);
    assert_int_equal(one->error.signal_number, other->error.signal_number);
    without_times(one->error.message, message);
    without_times(other->error.message, other_message);
    assert_string_equal(message, other_message);
    assert_string_equal(one->error.path, other->error.path);
    assert_string_equal(one->error.searched, other->error.searched);
    assert_string_equal(one->text, other->text);
    assert_int_equal(one->verdict, other->verdict);
    assert_string_equal(one->out, other->out);
}
