/*
 * cgroup.controllers and cgroup.subtree_control.
 */
#include "contain/controllers.h"

#include "base/error.h"
#include "contain/refusal.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CONTROLLERS_SIZE = 256 };

bool controllers_has(const char *list, const char *controller)
{
    size_t length = strlen(controller);
    for (const char *word = list; *word;) {
        size_t n = strcspn(word, " \n");
        if (n == length && strncmp(word, controller, n) == 0)
            return true;
        word += n;
        word += strspn(word, " \n");
    }
    return false;
}

int controllers_read(int dir, char *buffer, size_t size)
{
    ssize_t length = sys_read_file(dir, "cgroup.controllers", buffer, size);
    if (length < 0)
        return (int)length;
    buffer[strcspn(buffer, "\n")] = '\0';
    return 0;
}

static int refuse(pk_error *error, const char *path, const char *wanted, int number)
{
    const char *why;
    switch (number) {
    case -EBUSY:
        why = "a cgroup with processes in it cannot enable them (run in a service or scope of its own with "
              "Delegate=yes, or below a cgroup that has them enabled)";
        break;
    case -EACCES:
    case -EPERM:
    case -EROFS:
        why = "not permitted (ask for a delegated cgroup: Delegate=yes)";
        break;
    default:
        why = error_text(number);
    }
    return refuse_limits(error, path, "cannot enable the controllers '%s' in %s/cgroup.subtree_control: %s", wanted,
                         path, why);
}

/*
 * A cgroup with processes in it cannot enable controllers, unless it is the real root, which alone has no type. The
 * kernel says so for memory, but for pids and cpu alone it takes the order and makes the cgroup "domain threaded", for
 * good: nothing below it can hold processes then, and it is not ours to spoil.
 */
static bool would_be_spoilt(int dir)
{
    char text[64];
    return sys_read_file(dir, "cgroup.type", text, sizeof(text)) > 0 &&
           sys_read_file(dir, "cgroup.procs", text, sizeof(text)) != 0; /* also when they are more than fit */
}

static int explain_read(int number, const char *path, pk_error *error)
{
    return error_errno(error, number, PK_STEP_ENABLE_LIMITS, path, "cannot read the controllers of %s", path);
}

int controllers_check(int dir, const char *path, const char *remedy, const char *const *controllers, size_t count,
                      pk_error *error)
{
    char available[CONTROLLERS_SIZE];
    int r = controllers_read(dir, available, sizeof(available));
    if (r < 0)
        return explain_read(r, path, error);
    for (size_t i = 0; i < count; i++)
        if (!controllers_has(available, controllers[i]))
            return refuse_limits(error, path, "the controller '%s' is not available in %s (%s)", controllers[i], path,
                                 remedy);
    return 0;
}

int controllers_enable(int dir, const char *path, const char *remedy, const char *const *controllers, size_t count,
                       pk_error *error)
{
    char enabled[CONTROLLERS_SIZE], wanted[CONTROLLERS_SIZE] = "";

    int r = controllers_check(dir, path, remedy, controllers, count, error);
    if (r < 0)
        return r;
    ssize_t length = sys_read_file(dir, "cgroup.subtree_control", enabled, sizeof(enabled));
    if (length < 0)
        return explain_read((int)length, path, error);
    for (size_t i = 0; i < count; i++) {
        if (controllers_has(enabled, controllers[i]))
            continue;
        size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof(wanted) - used, "%s+%s", used ? " " : "", controllers[i]);
    }
    if (wanted[0] == '\0')
        return 0;
    int written = would_be_spoilt(dir) ? -EBUSY : sys_write_file(dir, "cgroup.subtree_control", wanted);
    return written < 0 ? refuse(error, path, wanted, written) : 0;
}
