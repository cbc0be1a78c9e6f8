/*
 * cgroup.controllers and cgroup.subtree_control.
 */
#include "contain/controllers.h"

#include "base/error.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
    return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ENABLE_LIMITS, path,
                     "cannot enforce limits: cannot enable the controllers '%s' in %s/cgroup.subtree_control: %s",
                     wanted, path, why);
}

int controllers_enable(int dir, const char *path, const char *const *controllers, size_t count, pk_error *error)
{
    char available[256], enabled[256], wanted[128] = "";

    ssize_t r = sys_read_file(dir, "cgroup.controllers", available, sizeof(available));
    if (r >= 0)
        r = sys_read_file(dir, "cgroup.subtree_control", enabled, sizeof(enabled));
    if (r < 0)
        return error_errno(error, (int)r, PK_STEP_ENABLE_LIMITS, path, "cannot read the controllers of %s", path);

    for (size_t i = 0; i < count; i++) {
        if (!controllers_has(available, controllers[i]))
            return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ENABLE_LIMITS, path,
                             "cannot enforce limits: the controller '%s' is not available in %s (enable it in the "
                             "cgroups above, or boot with the unified hierarchy)",
                             controllers[i], path);
        if (controllers_has(enabled, controllers[i]))
            continue;
        size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof(wanted) - used, "%s+%s", used ? " " : "", controllers[i]);
    }
    if (wanted[0] == '\0')
        return 0;
    int written = sys_write_file(dir, "cgroup.subtree_control", wanted);
    return written < 0 ? refuse(error, path, wanted, written) : 0;
}
