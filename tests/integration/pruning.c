/*
 * Pruning in a place of the test's own.
 */
#include "pruning.h"

#include "cast.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

void live_with_one(void *data)
{
    estate_group(data, "hold");
}

void see(const pk_pruned *pruned, void *data)
{
    struct seen *seen = data;
    seen->last = *pruned;
    snprintf(seen->path, sizeof(seen->path), "%s", pruned->path);
}

int prune(const char *below, bool dry_run, struct seen *seen, pk_error *error)
{
    pk_prune_options options = PK_PRUNE_OPTIONS_INIT;
    options.below = below;
    options.dry_run = dry_run;
    *seen = (struct seen){0};
    return pk_prune(&options, see, seen, &seen->report, error);
}

struct seen expect(const struct estate *estate, pk_prune_action action)
{
    struct seen seen;
    pk_error error;
    assert_ok(prune(estate->path, false, &seen, &error), error);
    assert_string_equal(pk_prune_action_name(seen.last.action), pk_prune_action_name(action));
    assert_int_equal(seen.report.count[action], 1);
    return seen;
}

void expect_after(const struct estate *estate, pk_prune_action former, pk_prune_action action)
{
    struct seen seen;
    pk_error error;
    do
        assert_ok(prune(estate->path, false, &seen, &error), error);
    while (seen.last.action == former);
    assert_string_equal(pk_prune_action_name(seen.last.action), pk_prune_action_name(action));
}

int open_directory(const char *path)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return dir;
}

void rewrite_mark(const char *path, void (*change)(struct mark *mark))
{
    struct mark mark;
    char text[MARK_TEXT_SIZE];
    int dir = open_directory(path);
    assert_int_equal(mark_read(dir, &mark), 0);
    change(&mark);
    mark_format(&mark, text);
    assert_int_equal(fsetxattr(dir, "user.processkit.owner", text, strlen(text), 0), 0);
    close(dir);
}

void move_elsewhere(struct mark *mark)
{
    mark->pid_namespace++;
}
