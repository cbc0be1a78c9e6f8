/*
 * Writing limits to a cgroup, all or nothing.
 */
#include "base/error.h"
#include "base/number-set.h"
#include "contain/limit-plan.h"
#include "contain/limits.h"
#include "sys/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Saying what was refused ------------------------------------------------------------------------------------ */

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int explain(int number, const char *file, const char *text, pk_error *error)
{
    int length = (int)strcspn(text, "\n"), word = (int)strcspn(text, " \n");
    const char *why = error_text(number);
    if (begins_with(file, "io.") && number == -ENODEV)
        return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, file,
                         "cannot limit the device %.*s: it is no whole disk of this machine (see /sys/block)", word,
                         text);
    if (begins_with(file, "io.") && number == -EOPNOTSUPP)
        return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, file,
                         "cannot give the device %.*s a weight: nothing weighs there (its scheduler must be bfq, or "
                         "io.cost enabled for it)",
                         word, text);
    if (number == -ENOENT)
        why = "this kernel has no such file";
    return error_set(error, number, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, file,
                     "cannot set the limit %s to '%.*s': %s", file, length, text, why);
}

/* ---- Processors and memory nodes -------------------------------------------------------------------------------- */

static const struct usable {
    const char *file;
    const char *effective;
    const char *what;
} usables[] = {
    {"cpuset.cpus", "cpuset.cpus.effective", "processor"},
    {"cpuset.mems", "cpuset.mems.effective", "memory node"},
};

enum { CPUS, NODES, USABLES };

static int refuse_missing(const struct usable *usable, int missing, const char *list, pk_error *error)
{
    return error_set(error, -EINVAL, PK_ERROR_RESOURCE_LIMIT, PK_STEP_SET_LIMITS, usable->file,
                     "cannot limit the group to these %ss: %s %d is not to be had here (only %.*s)", usable->what,
                     usable->what, missing, (int)strcspn(list, "\n"), list);
}

/*
 * The kernel takes the numbers of processors that are not there, or not ours, and leaves them out; if none is left, it
 * gives the group all that its parent has.
 */
static int check_usable(int dir, const struct usable *usable, const char *asked, pk_error *error)
{
    struct number_set wanted, had;
    char list[4096];
    ssize_t length = sys_read_file(dir, usable->effective, list, sizeof(list));
    int r = length < 0 ? (int)length : number_set_parse(&had, list);
    if (r == 0)
        r = number_set_parse(&wanted, asked);
    if (r < 0)
        return error_errno(error, r, PK_STEP_SET_LIMITS, usable->effective, "cannot read %s back", usable->effective);
    int missing = number_set_first_missing(&wanted, &had);
    return missing < 0 ? 0 : refuse_missing(usable, missing, list, error);
}

static int check_cpuset(int dir, const pk_limits *limits, pk_error *error)
{
    int r = limits->cpus[0] ? check_usable(dir, &usables[CPUS], limits->cpus, error) : 0;
    if (r == 0 && limits->memory_nodes[0])
        r = check_usable(dir, &usables[NODES], limits->memory_nodes, error);
    return r;
}

/* Numbers beyond what the kernel was built for are refused at once, without saying which. */
static int refuse(int number, int dir, const struct limit_change *change, pk_error *error)
{
    bool out_of_range = number == -EINVAL || number == -ERANGE;
    for (int i = 0; out_of_range && i < USABLES; i++)
        if (strcmp(change->file, usables[i].file) == 0 && check_usable(dir, &usables[i], change->text, error) < 0)
            return -EINVAL;
    return explain(number, change->file, change->text, error);
}

/* While it has members, a group cannot be given back its empty list, which stands for all that its parent has. */
static int put_all_usable(int dir, const char *file)
{
    char path[64], list[4096];
    snprintf(path, sizeof(path), "../%s.effective", file);
    ssize_t length = sys_read_file(dir, path, list, sizeof(list));
    return length < 0 ? (int)length : sys_write_file(dir, file, list);
}

static int put(int dir, const char *file, const char *text)
{
    int r = sys_write_file(dir, file, text);
    return r == -ENOSPC && text[0] == '\n' ? put_all_usable(dir, file) : r;
}

/* ---- All or nothing --------------------------------------------------------------------------------------------- */

/* Whether something that has two files has been taken, or may still be, by the other. */
static bool is_for_the_other(const struct limit_change *change, int r, bool taken)
{
    bool refused = r == -ENOENT || r == -EOPNOTSUPP;
    return refused && (change->part == LIMIT_EITHER || (change->part == LIMIT_OR && taken));
}

static void undo(int dir, const struct limit_plan *plan, size_t done)
{
    while (done-- > 0)
        if (plan->changes[done].undo[0] != '\0')
            put(dir, plan->changes[done].file, plan->changes[done].undo);
}

static int carry_out(int dir, const struct limit_plan *plan, const pk_limits *limits, size_t *done, pk_error *error)
{
    int before = 0;
    for (*done = 0; *done < plan->count; ++*done) {
        const struct limit_change *change = &plan->changes[*done];
        int r = put(dir, change->file, change->text);
        bool excused = is_for_the_other(change, r, before == 0) ||
                       (r == -ENOENT && change->part == LIMIT_ALONE && limit_file_may_be_absent(change->file, limits));
        if (r == -ENOENT && change->part == LIMIT_OR)
            r = before; /* the file that is there says more */
        if (r < 0 && !excused)
            return refuse(r, dir, change, error);
        before = r;
    }
    return check_cpuset(dir, limits, error);
}

int limits_write_new(int dir, const pk_limits *limits, pk_error *error)
{
    struct limit_plan plan;
    size_t done;
    int r = limit_plan_new(&plan, limits);
    if (r < 0)
        return error_errno(error, r, PK_STEP_ALLOCATE, NULL, "cannot set limits");
    r = carry_out(dir, &plan, limits, &done, error);
    limit_plan_free(&plan);
    return r;
}

int limits_replace(int dir, const pk_limits *limits, pk_error *error)
{
    struct limit_plan plan;
    const char *file = NULL;
    size_t done;
    int r = limit_plan_replace(&plan, dir, limits, &file);
    if (r == -ENOENT)
        return explain(r, file, "", error);
    if (r < 0)
        return error_errno(error, r, PK_STEP_SET_LIMITS, file, "cannot read the limit %s", file);
    r = carry_out(dir, &plan, limits, &done, error);
    if (r < 0)
        undo(dir, &plan, done);
    limit_plan_free(&plan);
    return r;
}
