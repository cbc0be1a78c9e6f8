/*
 * Answers: one function for each verb.
 */
#include "process/answer.h"

#include "base/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Wanting to know -------------------------------------------------------------------------------------------- */

static int judge_nothing(const struct wish *wish, struct answer *answer, pk_error *error)
{
    (void)wish, (void)answer, (void)error;
    return 0;
}

/* ---- Wanting success -------------------------------------------------------------------------------------------- */

static int judge_success(const struct wish *wish, struct answer *answer, pk_error *error)
{
    (void)wish;
    return pk_output_check(answer->output, error);
}

static int judge_whole(const struct answer *answer, pk_error *error)
{
    int r = pk_output_check(answer->output, error);
    return r < 0 ? r : output_check_whole(answer->output, 1, error);
}

static size_t without_newlines(const pk_capture *capture)
{
    size_t length = capture->length;
    while (length > 0 && (capture->bytes[length - 1] == '\n' || capture->bytes[length - 1] == '\r'))
        length--;
    return length;
}

static int judge_text(const struct wish *wish, struct answer *answer, pk_error *error)
{
    (void)wish;
    int r = judge_whole(answer, error);
    if (r < 0)
        return r;
    const pk_capture *capture = pk_output_capture(answer->output, 1);
    size_t length = without_newlines(capture);
    char *copy = malloc(length + 1);
    if (!copy)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot keep the output");
    memcpy(copy, capture->bytes, length);
    copy[length] = '\0';
    answer->text = copy;
    return 0;
}

static int judge_by_parsing(const struct wish *wish, struct answer *answer, pk_error *error)
{
    char why[256] = "";
    int r = judge_whole(answer, error);
    if (r < 0)
        return r;
    const pk_capture *capture = pk_output_capture(answer->output, 1);
    r = wish->parse(capture->bytes, capture->length, why, sizeof(why), wish->data);
    if (r >= 0)
        return r;
    const char *program = output_ended(answer->output)->program;
    return error_set(error, r, PK_ERROR_PARSE, PK_STEP_NONE, program, "cannot make sense of what %s wrote: %s", program,
                     why[0] ? why : error_text(r));
}

/* ---- Wanting an exit status ------------------------------------------------------------------------------------- */

static int judge_exit(const struct wish *wish, struct answer *answer, pk_error *error)
{
    (void)wish;
    int r = ended_judge(output_ended(answer->output), true, error);
    return r < 0 ? r : pk_output_result(answer->output)->exit_code;
}

static int judge_yes_or_no(const struct wish *wish, struct answer *answer, pk_error *error)
{
    (void)wish;
    const struct ended *ended = output_ended(answer->output);
    const pk_result *result = pk_output_result(answer->output);
    bool answered = result->verdict == PK_VERDICT_EXITED && result->exit_code <= 1;
    int r = answered ? ended_judge(ended, true, error) : ended_refuse(ended, error);
    return r < 0 ? r : result->exit_code == 0;
}

/* ---- The table -------------------------------------------------------------------------------------------------- */

static const struct verb verbs[] = {
    [PK_VERB_OUTPUT] = {STDIO_CAPTURED, .judge = judge_nothing},
    [PK_VERB_STATUS] = {STDIO_UNATTENDED, .judge = judge_nothing},
    [PK_VERB_CHECK] = {STDIO_CAPTURED, .retries = true, .judge = judge_success},
    [PK_VERB_RUN] = {STDIO_CAPTURED, .whole = true, .retries = true, .judge = judge_text},
    [PK_VERB_EXIT_CODE] = {STDIO_CAPTURED, .retries = true, .judge = judge_exit},
    [PK_VERB_PROBE] = {STDIO_CAPTURED, .retries = true, .judge = judge_yes_or_no},
};

const struct verb verb_parse = {STDIO_CAPTURED, .whole = true, .retries = true, .judge = judge_by_parsing},
                  verb_first_line = {STDIO_CAPTURED, .whole = true, .judge = judge_nothing},
                  verb_check_uncaptured = {STDIO_UNATTENDED, .retries = true, .judge = judge_success};

const struct verb *verb_of(pk_verb verb)
{
    return verb >= PK_VERB_OUTPUT && verb <= PK_VERB_PROBE ? &verbs[verb] : NULL;
}

/* ---- Asking, taking and judging --------------------------------------------------------------------------------- */

/* Where the command says nothing, stdout is captured. */
int answer_check(const struct wish *wish, const pk_command *command, pk_error *error)
{
    const struct descriptor *descriptor = command ? command_find_descriptor(command, 1) : NULL;
    if (!wish->verb->whole || !descriptor || descriptor->uses || descriptor->kind == DESCRIPTOR_TERMINAL)
        return 0;
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "what %s writes to stdout is wanted, but the command sends it elsewhere",
                     pk_command_program(command));
}

int answer_take(struct answer *answer, pk_process *process, pk_error *error)
{
    answer->output = output_take(process, error);
    return answer->output ? 0 : -ENOMEM;
}

int answer_judge(struct answer *answer, const struct wish *wish, pk_error *error)
{
    return wish->verb->judge(wish, answer, error);
}

void answer_clear(struct answer *answer)
{
    pk_output_free(answer->output);
    free(answer->text);
    *answer = (struct answer){0};
}
