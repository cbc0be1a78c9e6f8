/*
 * Remembering a problem until somebody can be told.
 */
#include "base/problem.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>

void problem_remember(struct problem *problem, int number, const char *format, va_list arguments)
{
    if (problem->number)
        return;
    vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    problem->number = number;
}

int problem_check(const struct problem *problem, const char *what, pk_error *error)
{
    if (problem->number == 0)
        return 0;
    return error_set(error, problem->number, problem->number == -ENOMEM ? PK_ERROR_NO_MEMORY : PK_ERROR_INVALID,
                     PK_STEP_ARGUMENTS, NULL, "invalid %s: %s", what, problem->text);
}
