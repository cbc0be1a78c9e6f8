/*
 * Filling a caller's pk_error, and the names of its enumerations.
 */
#include "base/error.h"

#include "base/utf8.h"

#include <processkit/parse.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Long enough for what a message can hold before escapes make it longer. */
enum { RAW_SIZE = PK_ERROR_MESSAGE_SIZE };

static void keep_path(char kept[PK_ERROR_PATH_SIZE], const char *path)
{
    size_t length = strlen(path), most = PK_ERROR_PATH_SIZE - 1;
    length = length > most ? utf8_cut(path, most) : length;
    memcpy(kept, path, length);
    kept[length] = '\0';
}

static void fill(pk_error *error, int number, pk_error_kind kind, pk_step step, const char *path, const char *message)
{
    *error = (pk_error){.number = number, .kind = kind, .step = step};
    if (path)
        keep_path(error->path, path);
    pk_format_text(message, error->message, sizeof(error->message));
}

int error_set(pk_error *error, int number, pk_error_kind kind, pk_step step, const char *path, const char *format, ...)
{
    if (error) {
        char message[RAW_SIZE];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        fill(error, number, kind, step, path, message);
    }
    return number;
}

/* A name that is too long must not push out the reason: it is the name that is cut. */
static void append_reason(char message[RAW_SIZE], int length, const char *reason)
{
    size_t room = RAW_SIZE - RAW_SIZE / 4;
    size_t end = length > 0 ? (size_t)length : 0;
    if (end > room)
        end = room + (size_t)snprintf(message + room, RAW_SIZE - room, "...");
    snprintf(message + end, RAW_SIZE - end, ": %s", reason);
}

int error_errno(pk_error *error, int number, pk_step step, const char *path, const char *format, ...)
{
    if (error) {
        char message[RAW_SIZE];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        append_reason(message, length, error_text(number));
        fill(error, number, error_kind_of(number), step, path, message);
    }
    return number;
}

const char *error_text(int number)
{
    return strerror(-number);
}

pk_error_kind error_kind_of(int number)
{
    switch (number) {
    case -EINVAL:
    case -EDEADLK:
        return PK_ERROR_INVALID;
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return PK_ERROR_PERMISSION;
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
    case -EAGAIN:
    case -ENOSPC:
        return PK_ERROR_NO_MEMORY;
    case -ENOSYS:
    case -EOPNOTSUPP:
        return PK_ERROR_UNSUPPORTED;
    case -ETIMEDOUT:
        return PK_ERROR_TIMEOUT;
    case -ESRCH:
        return PK_ERROR_NOT_FOUND;
    default:
        return PK_ERROR_IO;
    }
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static const char *const kind_names[] = {
    [PK_ERROR_NONE] = "none",
    [PK_ERROR_INVALID] = "invalid",
    [PK_ERROR_NOT_FOUND] = "not-found",
    [PK_ERROR_PERMISSION] = "permission",
    [PK_ERROR_SPAWN] = "spawn",
    [PK_ERROR_RESOURCE_LIMIT] = "resource-limit",
    [PK_ERROR_UNSUPPORTED] = "unsupported",
    [PK_ERROR_TIMEOUT] = "timeout",
    [PK_ERROR_IO] = "io",
    [PK_ERROR_TEARDOWN] = "teardown",
    [PK_ERROR_NO_MEMORY] = "no-memory",
    [PK_ERROR_EXIT] = "exit",
    [PK_ERROR_SIGNALLED] = "signalled",
    [PK_ERROR_IDLE_TIMEOUT] = "idle-timeout",
    [PK_ERROR_CANCELLED] = "cancelled",
    [PK_ERROR_OUTPUT_TOO_LARGE] = "output-too-large",
    [PK_ERROR_STDIN] = "stdin",
    [PK_ERROR_PARSE] = "parse",
    [PK_ERROR_LOST] = "lost",
    [PK_ERROR_NOT_READY] = "not-ready",
    [PK_ERROR_UNEXPECTED] = "unexpected",
};

static const char *const step_names[] = {
    [PK_STEP_NONE] = "none",
    [PK_STEP_ARGUMENTS] = "arguments",
    [PK_STEP_ALLOCATE] = "allocate",
    [PK_STEP_FIND_CGROUP] = "find-cgroup",
    [PK_STEP_MAKE_CGROUP] = "make-cgroup",
    [PK_STEP_OPEN_CGROUP] = "open-cgroup",
    [PK_STEP_ENABLE_LIMITS] = "enable-limits",
    [PK_STEP_SET_LIMITS] = "set-limits",
    [PK_STEP_REQUIRE] = "require",
    [PK_STEP_OPEN_STDIO] = "open-stdio",
    [PK_STEP_CLONE] = "clone",
    [PK_STEP_JOIN_CGROUP] = "join-cgroup",
    [PK_STEP_SESSION] = "session",
    [PK_STEP_UMASK] = "umask",
    [PK_STEP_NICE] = "nice",
    [PK_STEP_IO_PRIORITY] = "io-priority",
    [PK_STEP_AFFINITY] = "affinity",
    [PK_STEP_RLIMIT] = "rlimit",
    [PK_STEP_DESCRIPTORS] = "descriptors",
    [PK_STEP_SETGROUPS] = "setgroups",
    [PK_STEP_SETGID] = "setgid",
    [PK_STEP_SETUID] = "setuid",
    [PK_STEP_CHDIR] = "chdir",
    [PK_STEP_SIGNALS] = "signals",
    [PK_STEP_PARENT_DEATH] = "parent-death",
    [PK_STEP_EXEC] = "exec",
    [PK_STEP_WAIT] = "wait",
    [PK_STEP_ADOPT] = "adopt",
    [PK_STEP_LIST] = "list",
    [PK_STEP_SIGNAL] = "signal",
    [PK_STEP_FREEZE] = "freeze",
    [PK_STEP_KILL] = "kill",
    [PK_STEP_DRAIN] = "drain",
    [PK_STEP_READ_USAGE] = "read-usage",
    [PK_STEP_LOOP] = "loop",
    [PK_STEP_GUARDIAN] = "guardian",
    [PK_STEP_REMOVE] = "remove",
    [PK_STEP_SPAWNER] = "spawner",
    [PK_STEP_TERMINAL] = "terminal",
};

const char *pk_error_kind_name(pk_error_kind kind)
{
    return (size_t)kind < sizeof(kind_names) / sizeof(kind_names[0]) ? kind_names[kind] : "unknown";
}

const char *pk_step_name(pk_step step)
{
    return (size_t)step < sizeof(step_names) / sizeof(step_names[0]) ? step_names[step] : "unknown";
}
