/*
 * Pruning: what becomes of each directory of ours in the hierarchy.
 */
#include "base/error.h"
#include "contain/detached.h"
#include "contain/remains.h"
#include "contain/walk.h"

#include <errno.h>
#include <string.h>

static const char *const action_names[] = {
    [PK_PRUNE_REMOVED] = "removed",
    [PK_PRUNE_WOULD_REMOVE] = "would-remove",
    [PK_PRUNE_SPARED] = "spared",
    [PK_PRUNE_DETACHED] = "detached",
    [PK_PRUNE_GONE] = "gone",
    [PK_PRUNE_ALIVE] = "alive",
    [PK_PRUNE_IN_USE] = "in-use",
    [PK_PRUNE_UNMARKED] = "unmarked",
    [PK_PRUNE_HOLDS_CALLER] = "holds-caller",
    [PK_PRUNE_NOT_PERMITTED] = "not-permitted",
    [PK_PRUNE_FAILED] = "failed",
};

const char *pk_prune_action_name(pk_prune_action action)
{
    return (size_t)action < sizeof(action_names) / sizeof(action_names[0]) ? action_names[action] : "unknown";
}

struct prune {
    pk_prune_options options;
    pk_prune_callback callback;
    void *data;
    pk_prune_report report;
};

static int explain(const struct remains *remains, const char *path, pk_error *error)
{
    int number = remains->found.number;
    if (number == -EBUSY && remains->step == PK_STEP_DRAIN)
        return error_set(error, number, PK_ERROR_TEARDOWN, remains->step, path,
                         "cannot prune %s: members are still there after the hard kill", path);
    return error_errno(error, number, remains->step, path, "cannot prune %s", path);
}

static void found(struct walk *walk, int parent, const char *name, int dir)
{
    struct prune *prune = walk->data;
    struct remains remains = {
        .parent = parent,
        .name = name,
        .dir = dir,
        .dry_run = prune->options.dry_run,
        .patience = prune->options.patience,
    };
    if (detached_name(name))
        remains_clear_detached(&remains);
    else
        remains_clear(&remains);
    remains.found.path = walk->path;
    prune->report.count[remains.found.action]++;
    prune->report.killed += remains.found.killed;
    if (remains.found.action == PK_PRUNE_FAILED && walk->first == 0)
        walk->first = explain(&remains, walk->path, walk->error);
    if (prune->callback)
        prune->callback(&remains.found, prune->data);
}

static int copy_options(const pk_prune_options *given, pk_prune_options *options, pk_error *error)
{
    *options = (pk_prune_options)PK_PRUNE_OPTIONS_INIT;
    if (given && (given->size == 0 || given->size > sizeof(*options)))
        return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                         "invalid prune options: start from PK_PRUNE_OPTIONS_INIT of this version");
    if (given)
        memcpy(options, given, given->size);
    if (options->patience == 0)
        options->patience = PK_SECONDS(5);
    return 0;
}

int pk_prune(const pk_prune_options *options, pk_prune_callback callback, void *data, pk_prune_report *report,
             pk_error *error)
{
    struct prune prune = {.callback = callback, .data = data};
    struct walk walk = {.prefix = "processkit-", .found = found, .data = &prune};
    int r = copy_options(options, &prune.options, error);
    if (r == 0)
        r = walk_below(&walk, prune.options.below, error);
    if (r == -EINVAL)
        return r;
    prune.report.unreadable = walk.unreadable;
    if (report)
        *report = prune.report;
    return r < 0 ? r : walk.first;
}
