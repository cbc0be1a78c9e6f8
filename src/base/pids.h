/*
 * A growing list of pids.
 */
#ifndef PK_BASE_PIDS_H
#define PK_BASE_PIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pids {
    pid_t *items;
    size_t count;
    size_t capacity;
};

/* 0 or -ENOMEM. */
int pids_add(struct pids *pids, pid_t pid);

/* Empties the list and keeps its memory. */
void pids_clear(struct pids *pids);

/* Sorts ascending and drops doubles; what pids_contains needs. */
void pids_sort(struct pids *pids);
bool pids_contains(const struct pids *pids, pid_t pid);

void pids_free(struct pids *pids);

#endif
