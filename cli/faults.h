/*
 * What is wrong with a file: collected while it is read, told in the order in which it was written.
 */
#ifndef PK_CLI_FAULTS_H
#define PK_CLI_FAULTS_H

#include "toml.h"

#include <stddef.h>

enum { MOST_FAULTS = 20 }; /* that are told, one line each */

struct fault {
    struct toml_place place;
    char text[512];
};

struct faults {
    struct fault first[MOST_FAULTS]; /* by place */
    size_t count;                    /* of all */
};

void fault_add(struct faults *faults, struct toml_place place, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));

/* "FILE:LINE:COLUMN: what is wrong" for each, on stderr. */
void faults_tell(const struct faults *faults, const char *file);

#endif
