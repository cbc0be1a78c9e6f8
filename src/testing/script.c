/*
 * Building scripts. Nothing fails here: the first problem is remembered, and reported when the script is played.
 */
#include "testing/script.h"

#include "base/array.h"
#include "base/error.h"
#include "testing/part.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

pk_script *pk_script_new(void)
{
    return calloc(1, sizeof(pk_script));
}

pk_script *pk_script_free(pk_script *script)
{
    if (!script)
        return NULL;
    for (size_t i = 0; i < script->count; i++)
        free(script->steps[i].bytes);
    free(script->steps);
    free(script);
    return NULL;
}

static PK_PRINTF(3, 4) void remember(pk_script *script, int number, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_remember(&script->problem, number, format, arguments);
    va_end(arguments);
}

int script_check(const pk_script *script, pk_error *error)
{
    if (!script)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a script");
    return problem_check(&script->problem, "script", error);
}

void script_add(pk_script *script, struct step step, const void *bytes, size_t length)
{
    if (!script || script->problem.number)
        return;
    step.bytes = array_grow(&script->steps, script->count, sizeof(step)) ? malloc(length + 1) : NULL;
    if (!step.bytes) {
        remember(script, -ENOMEM, "out of memory");
        return;
    }
    if (length > 0)
        memcpy(step.bytes, bytes, length);
    step.bytes[length] = '\0';
    step.length = length;
    script->steps[script->count++] = step;
}

pk_script *script_copy(const pk_script *script)
{
    pk_script *copy = script ? pk_script_new() : NULL;
    if (!copy)
        return NULL;
    for (size_t i = 0; i < script->count; i++)
        script_add(copy, script->steps[i], script->steps[i].bytes, script->steps[i].length);
    bool whole = copy->problem.number == 0;
    copy->raw = script->raw;
    copy->problem = script->problem;
    return whole ? copy : pk_script_free(copy);
}

const struct step *script_find(const pk_script *script, enum step_kind kind)
{
    for (size_t i = 0; i < script->count; i++)
        if (script->steps[i].kind == kind)
            return &script->steps[i];
    return NULL;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------ */

static void check_fd(pk_script *script, int fd)
{
    if (script && (fd < 0 || fd > 65535))
        remember(script, -EINVAL, "%d is no descriptor from 0 to 65535", fd);
}

static void check_signal(pk_script *script, int signal_number)
{
    if (script && (signal_number < 1 || signal_number > SIGRTMAX))
        remember(script, -EINVAL, "%d is no signal", signal_number);
}

static void check_code(pk_script *script, int code)
{
    if (script && (code < 0 || code > 255))
        remember(script, -EINVAL, "%d is no exit code from 0 to 255", code);
}

static void check_text(pk_script *script, const char *text)
{
    if (script && !text)
        remember(script, -EINVAL, "a text is missing");
}

void pk_script_write(pk_script *script, int fd, const void *bytes, size_t length)
{
    check_fd(script, fd);
    if (length > 0)
        check_text(script, bytes);
    script_add(script, (struct step){.kind = STEP_WRITE, .fd = fd}, bytes, length);
}

void pk_script_print(pk_script *script, const char *text)
{
    check_text(script, text);
    pk_script_write(script, 1, text, text ? strlen(text) : 0);
}

void pk_script_pause(pk_script *script, pk_duration pause)
{
    script_add(script, (struct step){.kind = STEP_PAUSE, .duration = pause}, NULL, 0);
}

void pk_script_expect(pk_script *script, const char *text)
{
    check_text(script, text);
    script_add(script, (struct step){.kind = STEP_EXPECT}, text, text ? strlen(text) : 0);
}

void pk_script_copy(pk_script *script, int fd)
{
    if (fd != -1)
        check_fd(script, fd);
    script_add(script, (struct step){.kind = STEP_COPY, .fd = fd}, NULL, 0);
}

void pk_script_close(pk_script *script, int fd)
{
    check_fd(script, fd);
    script_add(script, (struct step){.kind = STEP_CLOSE, .fd = fd}, NULL, 0);
}

void pk_script_on_signal(pk_script *script, int signal_number, int exit_code)
{
    check_signal(script, signal_number);
    if (exit_code != SIGNAL_IGNORED)
        check_code(script, exit_code);
    if (script && (signal_number == SIGKILL || signal_number == SIGSTOP))
        remember(script, -EINVAL, "nobody can say what signal %d does", signal_number);
    script_add(script, (struct step){.kind = STEP_ON_SIGNAL, .number = signal_number, .answer = exit_code}, NULL, 0);
}

void pk_script_leave(pk_script *script, pk_duration life)
{
    script_add(script, (struct step){.kind = STEP_LEAVE, .duration = life}, NULL, 0);
}

void pk_script_exit(pk_script *script, int code)
{
    check_code(script, code);
    script_add(script, (struct step){.kind = STEP_EXIT, .number = code}, NULL, 0);
}

void pk_script_die(pk_script *script, int signal_number)
{
    check_signal(script, signal_number);
    if (script && part_by_default(signal_number) != PART_DIES)
        remember(script, -EINVAL, "nobody dies of signal %d", signal_number);
    script_add(script, (struct step){.kind = STEP_DIE, .number = signal_number}, NULL, 0);
}

void pk_script_hang(pk_script *script)
{
    script_add(script, (struct step){.kind = STEP_HANG}, NULL, 0);
}

void pk_script_run_out_of_memory(pk_script *script)
{
    script_add(script, (struct step){.kind = STEP_RUN_OUT}, NULL, 0);
}

enum { LAST_ERRNO = 4095 }; /* that the kernel has room for */

void pk_script_fail(pk_script *script, int number, pk_step step)
{
    if (script && (number >= 0 || number < -LAST_ERRNO))
        remember(script, -EINVAL, "%d is no negative errno", number);
    script_add(script, (struct step){.kind = STEP_FAIL, .number = number, .where = step}, NULL, 0);
}
