/*
 * The one form of all refusals of limits.
 */
#include "contain/refusal.h"

#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "cannot enforce limits: "

int refuse_limits(pk_error *error, const char *path, const char *format, ...)
{
    char why[PK_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof(why), format, arguments);
    va_end(arguments);
    return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ENABLE_LIMITS, path, PREFIX "%s", why);
}

const char *refusal_reason(const char *message)
{
    return strncmp(message, PREFIX, strlen(PREFIX)) == 0 ? message + strlen(PREFIX) : message;
}
