/*
 * A growing list of pids.
 */
#include "base/pids.h"

#include <errno.h>
#include <stdlib.h>

int pids_add(struct pids *pids, pid_t pid)
{
    if (pids->count == pids->capacity) {
        size_t capacity = pids->capacity ? pids->capacity * 2 : 64;
        pid_t *items = reallocarray(pids->items, capacity, sizeof(*items));
        if (!items)
            return -ENOMEM;
        pids->items = items;
        pids->capacity = capacity;
    }
    pids->items[pids->count++] = pid;
    return 0;
}

void pids_clear(struct pids *pids)
{
    pids->count = 0;
}

static int compare(const void *a, const void *b)
{
    pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;
    return (first > second) - (first < second);
}

void pids_sort(struct pids *pids)
{
    if (pids->count == 0)
        return;
    qsort(pids->items, pids->count, sizeof(*pids->items), compare);
    size_t kept = 1;
    for (size_t i = 1; i < pids->count; i++)
        if (pids->items[i] != pids->items[kept - 1])
            pids->items[kept++] = pids->items[i];
    pids->count = kept;
}

bool pids_contains(const struct pids *pids, pid_t pid)
{
    return pids->count > 0 && bsearch(&pid, pids->items, pids->count, sizeof(*pids->items), compare);
}

void pids_free(struct pids *pids)
{
    free(pids->items);
    *pids = (struct pids){0};
}
