/*
 * Files of services: TOML in, plans out.
 */
#ifndef PK_CLI_SERVICE_FILE_H
#define PK_CLI_SERVICE_FILE_H

#include "service-plan.h"

#include <stdio.h>

struct service_plans {
    struct service_plan **items; /* in the order of the file */
    size_t count;
};

/*
 * Reads a file, or what would be in one: `name` is what messages call it, and relative paths begin in `directory`. 0,
 * or -1 after a line on stderr for each mistake, twenty at most. A file without a service is one.
 */
int service_file_read(const char *path, struct service_plans *plans);
int service_file_parse(const char *name, const char *directory, const char *bytes, size_t length,
                       struct service_plans *plans);

/* Frees what is left of the plans: who has taken one puts NULL in its place. */
void service_plans_free(struct service_plans *plans);

/* NULL: there is none of that name. */
struct service_plan *service_plans_find(const struct service_plans *plans, const char *name);

/* What is said of each service, defaults included, without arguments and values of variables: they may be secrets. */
void service_plans_show(const struct service_plans *plans, FILE *out);

#endif
