/*
 * Linked into a test in the place of the library's spawn (--wrap=spawn): each command in a cgroup is started by a
 * spawner, which is made for it and stopped after it. What the test says of commands holds for those as well.
 */
#include "process/spawn.h"
#include "spawning.h"

int __real_spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error);
int __wrap_spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error);

int __wrap_spawn(pk_group *group, struct plan *plan, struct leader *leader, pk_error *error)
{
    struct spawner spawner;
    if (group->backend != &backend_cgroup2)
        return __real_spawn(group, plan, leader, error);
    int r = spawner_start(&spawner, error);
    if (r < 0)
        return r;
    spawning_divert(group, &spawner);
    r = __real_spawn(group, plan, leader, error);
    spawning_divert(group, NULL);
    spawning_stop(&spawner);
    return r;
}
