/*
 * Linked into a test in the place of the library's spawn (--wrap=spawn): each command in a cgroup is started by a
 * spawner, which is made for it and stopped after it. What the test says of commands holds for those as well.
 */
#include "contain/spawner.h"
#include "process/spawn.h"

int __real_spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error);
int __wrap_spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error);

static _Thread_local struct spawner *present;

static int place(pk_group *group, struct placement *placement, pk_error *error)
{
    int r = backend_cgroup2.place(group, placement, error);
    placement->spawner = r < 0 ? NULL : present;
    return r;
}

int __wrap_spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error)
{
    if (group->backend != &backend_cgroup2)
        return __real_spawn(group, plan, leader, error);
    struct backend through = backend_cgroup2;
    struct spawner spawner;
    int r = spawner_start(&spawner, error);
    if (r < 0)
        return r;
    through.place = place;
    present = &spawner;
    group->backend = &through;
    r = __real_spawn(group, plan, leader, error);
    group->backend = &backend_cgroup2;
    spawner_stop(&spawner);
    return r;
}
