/*
 * Saying what went wrong between clone and exec.
 */
#include "base/error.h"
#include "base/utf8.h"
#include "contain/limits.h"
#include "process/spawn.h"
#include "sys/sys.h"

#include <processkit/parse.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char *describe(pk_step step)
{
    switch (step) {
    case PK_STEP_JOIN_CGROUP:
        return "cannot enter its cgroup";
    case PK_STEP_SESSION:
        return "cannot make its session or process group";
    case PK_STEP_TERMINAL:
        return "cannot take its terminal";
    case PK_STEP_NICE:
        return "cannot set its nice value";
    case PK_STEP_IO_PRIORITY:
        return "cannot set its I/O priority";
    case PK_STEP_AFFINITY:
        return "cannot set its processors";
    case PK_STEP_RLIMIT:
        return "cannot set its resource limits";
    case PK_STEP_DESCRIPTORS:
        return "cannot arrange its descriptors";
    case PK_STEP_SETGROUPS:
        return "cannot set its supplementary groups";
    case PK_STEP_SETGID:
        return "cannot set its group";
    case PK_STEP_SETUID:
        return "cannot set its user";
    case PK_STEP_SIGNALS:
        return "cannot reset its signals";
    case PK_STEP_PARENT_DEATH:
        return "cannot arm its parent-death signal";
    default:
        return "cannot prepare it";
    }
}

/* Looks at a path from where the child stood. Its rights were perhaps other than ours: only for choosing words. */
static int look(const struct plan *plan, const char *path, struct stat *status)
{
    int dir;
    int r = plan_open_directory(plan, &dir);
    if (r < 0)
        return r;
    r = sys_fstatat(dir, path, status, 0);
    sys_close_safe(dir);
    return r;
}

/* The kernel says "no such file" also of a script or binary whose interpreter is missing. */
static const char *find_without_interpreter(const struct plan *plan)
{
    struct stat status;
    for (size_t i = 0; plan->candidates[i]; i++)
        if (look(plan, plan->candidates[i], &status) == 0 && S_ISREG(status.st_mode))
            return plan->candidates[i];
    return NULL;
}

/* The directories, as PATH has them: what stands before the name in each candidate. */
static void list_searched(const struct plan *plan, char *text, size_t size)
{
    size_t name = strlen(plan->command->argv[0]), used = 0;
    bool all = true;
    for (size_t i = 0; all && plan->candidates[i] && used < size - 1; i++) {
        size_t length = strlen(plan->candidates[i]) - name, room = size - 1 - used - (i > 0);
        if (i > 0)
            text[used++] = ':';
        length = length > 0 ? length - 1 : 0; /* without the slash */
        all = length <= room;
        length = all ? length : utf8_cut(plan->candidates[i], room);
        memcpy(text + used, plan->candidates[i], length);
        used += length;
    }
    text[used] = '\0';
}

int spawn_explain_missing(const struct plan *plan, int number, pk_error *error)
{
    const char *program = plan->command->argv[0];
    if (!plan->by_name)
        return error_set(error, number, PK_ERROR_NOT_FOUND, PK_STEP_EXEC, program, "cannot run '%s': %s", program,
                         error_text(number));
    error_set(error, number, PK_ERROR_NOT_FOUND, PK_STEP_EXEC, program, "cannot run '%s': not found in %sPATH", program,
              plan->command->search_count > 0 ? "the directories to search, nor in " : "");
    if (error)
        list_searched(plan, error->searched, sizeof(error->searched));
    return number;
}

static int explain_missing(const struct plan *plan, int number, pk_error *error)
{
    const char *found = find_without_interpreter(plan);
    if (!found)
        return spawn_explain_missing(plan, number, error);
    return error_set(error, -ENOEXEC, PK_ERROR_SPAWN, PK_STEP_EXEC, found,
                     "cannot run '%s': its interpreter was not found (look at its first line)", found);
}

int spawn_explain_program(const char *path, int number, pk_error *error)
{
    if (number == -ENOEXEC)
        return error_set(error, number, PK_ERROR_SPAWN, PK_STEP_EXEC, path,
                         "cannot run '%s': it is no program for this machine, and a script needs a first line "
                         "such as #!/bin/sh",
                         path);
    if (number == -ETXTBSY)
        return error_set(error, number, PK_ERROR_SPAWN, PK_STEP_EXEC, path,
                         "cannot run '%s': it is still being written", path);
    error_errno(error, number, PK_STEP_EXEC, path, "cannot run '%s'", path);
    if (error && error->kind != PK_ERROR_PERMISSION)
        error->kind = PK_ERROR_SPAWN;
    return number;
}

static int explain_exec(const struct plan *plan, int number, size_t candidate, pk_error *error)
{
    const char *path = plan->candidates[candidate];
    struct stat status;

    if (number == -ENOENT || number == -ENOTDIR)
        return explain_missing(plan, number, error);
    if (number == -EACCES && look(plan, path, &status) == 0 && S_ISDIR(status.st_mode))
        return error_set(error, number, PK_ERROR_PERMISSION, PK_STEP_EXEC, path, "cannot run '%s': it is a directory",
                         path);
    if (number == -EACCES && look(plan, path, &status) == 0 && !(status.st_mode & 0111))
        return error_set(error, number, PK_ERROR_PERMISSION, PK_STEP_EXEC, path,
                         "cannot run '%s': it is not executable (chmod +x)", path);
    return spawn_explain_program(path, number, error);
}

int spawn_explain_clone(int number, pk_error *error)
{
    if (number != -EAGAIN)
        return error_errno(error, number, PK_STEP_CLONE, NULL, "cannot start a process");
    return error_set(error, number, PK_ERROR_NO_MEMORY, PK_STEP_CLONE, NULL,
                     "cannot start a process: there are too many already (RLIMIT_NPROC of the user, a pids limit above "
                     "the group, or all that the machine can have)");
}

int spawn_explain(const struct plan *plan, pk_step step, int number, size_t candidate, pk_error *error)
{
    const pk_command *command = plan->command;
    if (step == PK_STEP_EXEC)
        return explain_exec(plan, number, candidate, error);
    if (step == PK_STEP_CHDIR) {
        const char *directory = command->directory ? command->directory : "."; /* of a spawner's child: the owner's */
        error_errno(error, number, step, directory, "cannot run '%s' in the directory '%s'", command->argv[0],
                    directory);
    } else {
        error_errno(error, number, step, NULL, "cannot start '%s': %s", command->argv[0], describe(step));
    }
    if (error && error->kind != PK_ERROR_PERMISSION)
        error->kind = PK_ERROR_SPAWN;
    return number;
}

/* ---- Limits of the group ---------------------------------------------------------------------------------------- */

static int explain_pids(const pk_limits *limits, pk_step step, int number, pk_error *error)
{
    return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, step, "pids.max",
                     "cannot start a process: the group has as many as its pids limit of %llu allows (wait until some "
                     "have ended, or raise it)",
                     (unsigned long long)limits->pids_max);
}

static int explain_memory(const struct plan *plan, const pk_limits *limits, pk_step step, int number, pk_error *error)
{
    char size[32];
    return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, step, "memory.max",
                     "cannot run '%s': the group's memory limit of %s leaves no room to start it", plan->argv[0],
                     pk_format_size(limits->memory_max, size, sizeof(size)));
}

static int explain_oom(const pk_limits *limits, pk_step step, int number, pk_error *error)
{
    char size[32];
    return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, step, "memory.max",
                     "cannot start a process: it was killed when the group had used up its memory limit of %s",
                     pk_format_size(limits->memory_max, size, sizeof(size)));
}

int spawn_explain_limit(const struct plan *plan, int cgroup_fd, const pk_limits *limits, pk_step step, int number,
                        pk_error *error)
{
    /* Who entered by a write has found out, and is gone again. */
    if (number == -EAGAIN && limits->pids_max && (step == PK_STEP_JOIN_CGROUP || limits_pids_are_reached(cgroup_fd)))
        return explain_pids(limits, step, number, error);

    if (number == -ECANCELED && limits->memory_max)
        return explain_oom(limits, step, number, error);

    /* Exec has no room for the arguments, whether it says so or that there are too many. */
    bool no_room = number == -ENOMEM || (number == -E2BIG && step == PK_STEP_EXEC);
    if (no_room && limits->memory_max && limits_memory_is_reached(cgroup_fd))
        return explain_memory(plan, limits, step, number, error);
    return 0;
}
