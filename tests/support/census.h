/*
 * The census: what a test process has before the body of the test and after it.
 */
#ifndef PK_TESTS_CENSUS_H
#define PK_TESTS_CENSUS_H

#include <stddef.h>

struct census_fd {
    int fd;
    char target[128]; /* what /proc/self/fd says */
};

struct census {
    struct census_fd *fds;
    size_t fd_count;
    size_t threads;
};

struct census census_take(void);

/* Prints one line for everything that is there now and was not before, or the other way round, and for every child.
 * Returns how many lines. */
int census_compare(const struct census *before);

void census_free(struct census *census);

#endif
