/*
 * The freezer of cgroup v1, which lets not even SIGKILL through: the nearest to a disk that does not answer.
 */
#ifndef PK_TESTS_FREEZER_H
#define PK_TESTS_FREEZER_H

#include <stdbool.h>
#include <sys/types.h>

struct freezer {
    char path[640];
};

/* Ends the test as skipped where there is none. */
void freezer_find(struct freezer *freezer);

/* Whether it stands still now. */
bool freezer_freeze(const struct freezer *freezer, pid_t pid);

/* Before anything may fail: nobody else could end what is in it. */
void freezer_thaw(const struct freezer *freezer);

/* When what was in it is gone. */
void freezer_remove(const struct freezer *freezer);

#endif
