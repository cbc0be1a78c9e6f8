/*
 * Messages on stderr.
 */
#include "message.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *line_end = "\n";

void say_at_raw_terminal(bool raw)
{
    line_end = raw && isatty(STDERR_FILENO) ? "\r\n" : "\n";
}

static void (*listener)(const char *message, void *data);
static void *listener_data;

void say_to(void (*take)(const char *message, void *data), void *data)
{
    listener = take;
    listener_data = data;
}

void say(const char *format, ...)
{
    char raw[2048], safe[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof(raw), format, arguments);
    va_end(arguments);
    if (listener) {
        listener(raw, listener_data);
        return;
    }
    fprintf(stderr, "pk: %s%s", pk_format_text(raw, safe, sizeof(safe)), line_end);
}

int say_refused(const char *option, const pk_error *error)
{
    say("%s: %s", option, error->message);
    return -1;
}

int finish_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    say("cannot write to stdout: %s", strerror(errno ? errno : EIO));
    return STATUS_FAILED;
}
