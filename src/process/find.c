/*
 * Finding the program of a command without starting it: what the child does with exec is done here with a look.
 */
#include "base/error.h"
#include "process/child.h"
#include "process/spawn.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

/* Without the newer call the real user's rights are asked for, which only differ in a set-user-ID program. */
static int may_execute(int dir, const char *path)
{
    int r = sys_may_execute(dir, path);
    return r == -ENOSYS || r == -EPERM ? sys_faccessat(dir, path, X_OK) : r;
}

/* What exec would say, as far as can be told. */
static int examine(int dir, const char *path)
{
    struct stat status;
    int r = sys_fstatat(dir, path, &status, 0);
    if (r < 0)
        return r;
    return S_ISREG(status.st_mode) ? may_execute(dir, path) : -EACCES;
}

static int try_candidates(const struct plan *plan, int dir, size_t *found, pk_error *error)
{
    struct attempts attempts = {-ENOENT, 0};
    for (size_t i = 0; plan->candidates[i]; i++) {
        int r = examine(dir, plan->candidates[i]);
        if (r == 0) {
            *found = i;
            return 0;
        }
        if (!child_goes_on(&attempts, i, r))
            break;
    }
    return spawn_explain(plan, PK_STEP_EXEC, attempts.error, attempts.about, error);
}

static int look_for(const struct plan *plan, size_t *found, pk_error *error)
{
    int dir;
    int r = plan_open_directory(plan, &dir);
    if (r == 0 && plan->command->directory)
        r = may_execute(dir, ".");
    if (r < 0)
        spawn_explain(plan, PK_STEP_CHDIR, r, 0, error);
    else
        r = try_candidates(plan, dir, found, error);
    sys_close_safe(dir);
    return r;
}

/* ---- From the root on ------------------------------------------------------------------------------------------- */

static const char *slash_after(const char *directory)
{
    size_t length = strlen(directory);
    return length > 0 && directory[length - 1] != '/' ? "/" : "";
}

static int locate(const struct plan *plan, const char *candidate, char **ret, pk_error *error)
{
    const char *directory = plan->command->directory;
    if (!directory || candidate[0] == '/')
        directory = "";
    bool is_rooted = candidate[0] == '/' || directory[0] == '/';
    char here[PATH_MAX] = "", *path;
    int r = is_rooted ? 0 : sys_getcwd(here, sizeof(here));
    if (r < 0)
        return error_errno(error, r, PK_STEP_EXEC, candidate, "cannot tell where '%s' is", candidate);
    r = asprintf(&path, "%s%s%s%s%s", here, slash_after(here), directory, slash_after(directory), candidate);
    if (r < 0)
        return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot tell where '%s' is", candidate);
    *ret = path;
    return 0;
}

/* ---- The whole -------------------------------------------------------------------------------------------------- */

int pk_command_find(const pk_command *command, char **path, pk_error *error)
{
    struct plan plan;
    size_t found = 0;
    int r = command_check(command, error);
    if (r == 0)
        r = plan_program(&plan, command, error);
    if (r < 0)
        return r;
    r = look_for(&plan, &found, error);
    if (r == 0)
        r = locate(&plan, plan.candidates[found], path, error);
    plan_free(&plan);
    return r;
}

int pk_find_program(const char *name, char **path, pk_error *error)
{
    pk_auto(pk_command) command = pk_command_new(name, NULL);
    return pk_command_find(command, path, error);
}
