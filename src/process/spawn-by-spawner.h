/*
 * A child that a spawner makes in the place of this process.
 */
#ifndef PK_PROCESS_SPAWN_BY_SPAWNER_H
#define PK_PROCESS_SPAWN_BY_SPAWNER_H

#include "contain/spawner.h"
#include "process/child.h"
#include "process/spawn.h"

struct errand {
    struct spawner *spawner;
    struct birth *birth; /* its results are filled in */
    int cgroup_fd;       /* the directory to be born into; -1: the spawner's */

    enum way used;
    int pidfd;
    bool refused; /* result: the kernel made no child. There is no text; any other failure has one */
};

/*
 * Returns when the child has exec'd or ended: its pid. It is a child of this process. On failure there is none; one
 * that a spawner has left behind is ended.
 */
int spawn_by_spawner(struct errand *errand, pk_error *error);

#endif
