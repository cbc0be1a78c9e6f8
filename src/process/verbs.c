/*
 * Verbs: a start, a wait, and what the caller wants to know of the end.
 */
#include "base/error.h"
#include "process/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- To the end ------------------------------------------------------------------------------------------------- */

static int run_to_end(const pk_command *command, enum process_stdio stdio, pk_process **ret, pk_error *error)
{
    pk_process *process;
    int r = process_start(command, stdio, &process, error);
    if (r < 0)
        return r;
    r = pk_process_wait(process, PK_FOREVER, NULL, error);
    if (r == 0)
        *ret = process;
    else if (r != -ECANCELED) /* a callback of the command has freed it */
        pk_process_free(process);
    return r;
}

int pk_command_status(const pk_command *command, pk_result *result, pk_error *error)
{
    pk_process *process;
    int r = run_to_end(command, STDIO_UNATTENDED, &process, error);
    if (r < 0)
        return r;
    if (result)
        *result = *pk_process_result(process);
    pk_process_free(process);
    return 0;
}

int pk_command_output(const pk_command *command, pk_output **ret, pk_error *error)
{
    pk_process *process;
    int r = run_to_end(command, STDIO_CAPTURED, &process, error);
    if (r < 0)
        return r;
    pk_output *output = output_take(process, error);
    pk_process_free(process);
    if (!output)
        return -ENOMEM;
    *ret = output;
    return 0;
}

/* ---- Wanting success -------------------------------------------------------------------------------------------- */

int pk_command_check(const pk_command *command, pk_error *error)
{
    pk_auto(pk_output) output = NULL;
    int r = pk_command_output(command, &output, error);
    return r < 0 ? r : pk_output_check(output, error);
}

/* Asked before anything is started. Where the command says nothing, stdout is captured. */
static int check_stdout(const pk_command *command, pk_error *error)
{
    const struct descriptor *descriptor = command ? command_find_descriptor(command, 1) : NULL;
    if (!descriptor || descriptor->uses || descriptor->kind == DESCRIPTOR_TERMINAL)
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "what %s writes to stdout is wanted, but the command sends it elsewhere",
                     pk_command_program(command));
}

/* All of stdout of a run that was a success. */
static int get_whole(const pk_command *command, pk_output **output, pk_error *error)
{
    int r = check_stdout(command, error);
    if (r == 0)
        r = pk_command_output(command, output, error);
    if (r == 0)
        r = pk_output_check(*output, error);
    return r < 0 ? r : ended_check_whole(output_ended(*output), 1, error);
}

static size_t without_newlines(const pk_capture *capture)
{
    size_t length = capture->length;
    while (length > 0 && (capture->bytes[length - 1] == '\n' || capture->bytes[length - 1] == '\r'))
        length--;
    return length;
}

int pk_command_run(const pk_command *command, char **text, pk_error *error)
{
    pk_auto(pk_output) output = NULL;
    int r = get_whole(command, &output, error);
    if (r < 0)
        return r;
    const pk_capture *capture = pk_output_capture(output, 1);
    size_t length = without_newlines(capture);
    char *copy = malloc(length + 1);
    if (!copy)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot keep the output");
    memcpy(copy, capture->bytes, length);
    copy[length] = '\0';
    *text = copy;
    return 0;
}

int pk_command_parse(const pk_command *command, pk_parse_callback parse, void *data, pk_error *error)
{
    char why[256] = "";
    pk_auto(pk_output) output = NULL;
    int r = get_whole(command, &output, error);
    if (r < 0)
        return r;
    const pk_capture *capture = pk_output_capture(output, 1);
    r = parse(capture->bytes, capture->length, why, sizeof(why), data);
    if (r >= 0)
        return r;
    return error_set(error, r, PK_ERROR_PARSE, PK_STEP_NONE, pk_command_program(command),
                     "cannot make sense of what %s wrote: %s", pk_command_program(command),
                     why[0] ? why : error_text(r));
}

/* ---- Wanting an exit status ------------------------------------------------------------------------------------- */

int pk_command_exit_code(const pk_command *command, pk_error *error)
{
    pk_auto(pk_output) output = NULL;
    int r = pk_command_output(command, &output, error);
    if (r == 0)
        r = ended_judge(output_ended(output), true, error);
    return r < 0 ? r : pk_output_result(output)->exit_code;
}

int pk_command_probe(const pk_command *command, pk_error *error)
{
    pk_auto(pk_output) output = NULL;
    int r = pk_command_output(command, &output, error);
    if (r < 0)
        return r;
    const pk_result *result = pk_output_result(output);
    bool answered = result->verdict == PK_VERDICT_EXITED && result->exit_code <= 1;
    r = answered ? ended_judge(output_ended(output), true, error) : ended_refuse(output_ended(output), error);
    return r < 0 ? r : result->exit_code == 0;
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
    int r = check_stdout(command, error);
    if (r == 0)
        r = process_start(command, STDIO_CAPTURED, &process, error);
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
