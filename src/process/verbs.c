/*
 * Verbs: a start, a wait, and what the caller wants to know of the end; and the same again, if the command says so.
 */
#include "base/error.h"
#include "base/time.h"
#include "process/answer.h"
#include "process/retry.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

/* ---- To the end ------------------------------------------------------------------------------------------------- */

static int try_once(const pk_command *command, const struct wish *wish, struct answer *answer, bool *started,
                    pk_error *error)
{
    pk_process *process;
    int r = answer_check(wish, command, error);
    if (r == 0)
        r = process_start(command, wish->verb->stdio, &process, error);
    *started = r == 0;
    if (r < 0)
        return r;
    r = process_wait_started(process, error);
    if (r == 0)
        r = answer_take(answer, process, error);
    if (r != -ECANCELED) /* a callback of the command has freed it */
        pk_process_free(process);
    return r < 0 ? r : answer_judge(answer, wish, error);
}

/* -ECANCELED: the token was, and the pause is over. */
static int rest(const pk_command *command, pk_duration pause)
{
    pk_time until = pk_deadline(pause), now;
    struct pollfd token = {.fd = command->cancel ? pk_cancel_fd(command->cancel) : -1, .events = POLLIN};
    int r = 0;
    while ((r >= 0 || r == -EINTR) && (now = sys_now()) < until) {
        struct timespec timeout = time_to_timespec(until - now);
        r = sys_ppoll(&token, 1, until == PK_FOREVER ? NULL : &timeout);
        if (r > 0)
            return -ECANCELED;
    }
    return r == -EINTR ? 0 : r;
}

static int rest_or_explain(const pk_command *command, pk_duration pause, pk_error *error)
{
    int r = rest(command, pause);
    if (r == -ECANCELED)
        return retry_cancelled(command, error);
    return r < 0 ? error_errno(error, r, PK_STEP_WAIT, NULL, "cannot wait to try %s again", pk_command_program(command))
                 : 0;
}

/* An error is written once, and by the last attempt only. */
static int perform(const pk_command *command, const struct wish *wish, struct answer *answer, pk_error *ret)
{
    struct retry retry = {0};
    pk_error error = {0};
    pk_duration pause;
    bool started;
    int r = try_once(command, wish, answer, &started, &error);
    while (r < 0 && wish->verb->retries && retry_after(&retry, command, &error, started, &pause)) {
        answer_clear(answer);
        r = rest_or_explain(command, pause, &error);
        if (r < 0)
            break;
        r = try_once(command, wish, answer, &started, &error);
    }
    if (r < 0)
        retry_conclude(&retry, &error);
    if (r < 0 && ret)
        *ret = error;
    return r;
}

/* Where the number is all that is wanted. */
static int perform_for_number(const pk_command *command, pk_verb verb, pk_error *error)
{
    struct answer answer = {0};
    int r = perform(command, &(struct wish){.verb = verb_of(verb)}, &answer, error);
    answer_clear(&answer);
    return r;
}

/* ---- Verbs ------------------------------------------------------------------------------------------------------ */

int pk_command_status(const pk_command *command, pk_result *result, pk_error *error)
{
    struct answer answer = {0};
    int r = perform(command, &(struct wish){.verb = verb_of(PK_VERB_STATUS)}, &answer, error);
    if (r == 0 && result)
        *result = *pk_output_result(answer.output);
    answer_clear(&answer);
    return r;
}

int pk_command_output(const pk_command *command, pk_output **output, pk_error *error)
{
    struct answer answer = {0};
    int r = perform(command, &(struct wish){.verb = verb_of(PK_VERB_OUTPUT)}, &answer, error);
    if (r == 0)
        *output = answer.output;
    return r;
}

int pk_command_check(const pk_command *command, pk_error *error)
{
    return perform_for_number(command, PK_VERB_CHECK, error);
}

int pk_command_run(const pk_command *command, char **text, pk_error *error)
{
    struct answer answer = {0};
    int r = perform(command, &(struct wish){.verb = verb_of(PK_VERB_RUN)}, &answer, error);
    if (r == 0) {
        *text = answer.text;
        answer.text = NULL;
    }
    answer_clear(&answer);
    return r;
}

int pk_command_parse(const pk_command *command, pk_parse_callback parse, void *data, pk_error *error)
{
    struct answer answer = {0};
    int r = perform(command, &(struct wish){.verb = &verb_parse, .parse = parse, .data = data}, &answer, error);
    answer_clear(&answer);
    return r;
}

int pk_command_exit_code(const pk_command *command, pk_error *error)
{
    return perform_for_number(command, PK_VERB_EXIT_CODE, error);
}

int pk_command_probe(const pk_command *command, pk_error *error)
{
    return perform_for_number(command, PK_VERB_PROBE, error);
}

/* ---- Wanting a line --------------------------------------------------------------------------------------------- */

/* 1: there is one. */
static int find_line(pk_process *process, pk_match_callback match, void *data, char **ret, pk_error *error)
{
    pk_line line;
    int r;
    do
        r = pk_process_next_line(process, 1, &line, PK_FOREVER, error);
    while (r > 0 && match && !match(&line, data));
    if (r <= 0)
        return r;
    r = process_copy_line(&line, ret, error);
    return r < 0 ? r : 1;
}

int pk_command_first_line(const pk_command *command, pk_match_callback match, void *data, char **line, pk_error *error)
{
    pk_process *process;
    int r = answer_check(&(struct wish){.verb = &verb_first_line}, command, error);
    if (r == 0)
        r = process_start(command, verb_first_line.stdio, &process, error);
    if (r < 0)
        return r;
    r = find_line(process, match, data, line, error);
    if (r != -ECANCELED) /* a callback of the command has freed it */
        pk_process_free(process);
    return r;
}

/* ---- In one line ------------------------------------------------------------------------------------------------ */

/* Nothing follows a program that is missing. */
static pk_command *command_of(const char *program, va_list arguments)
{
    pk_command *command = pk_command_new(program, NULL);
    if (program)
        command_add(command, arguments);
    return command;
}

int pk_run(char **text, pk_error *error, const char *program, ...)
{
    va_list arguments;
    va_start(arguments, program);
    pk_auto(pk_command) command = command_of(program, arguments);
    va_end(arguments);
    return pk_command_run(command, text, error);
}

int pk_check(pk_error *error, const char *program, ...)
{
    va_list arguments;
    va_start(arguments, program);
    pk_auto(pk_command) command = command_of(program, arguments);
    va_end(arguments);
    return pk_command_check(command, error);
}

int pk_run_with(char **text, pk_error *error, const pk_command *base, ...)
{
    va_list arguments;
    va_start(arguments, base);
    pk_auto(pk_command) command = command_with(base, arguments);
    va_end(arguments);
    return pk_command_run(command, text, error);
}

int pk_check_with(pk_error *error, const pk_command *base, ...)
{
    va_list arguments;
    va_start(arguments, base);
    pk_auto(pk_command) command = command_with(base, arguments);
    va_end(arguments);
    return pk_command_check(command, error);
}
