/*
 * The names of the ways to have controllers.
 */
#include "base/error.h"

#include <processkit/limits.h>

#include <errno.h>
#include <string.h>

static const struct {
    pk_delegation bit;
    const char *name;
} names[] = {
    {PK_DELEGATION_ROOT, "root"},
    {PK_DELEGATION_PRESENT, "present"},
    {PK_DELEGATION_LEAF, "leaf"},
    {PK_DELEGATION_SCOPE, "scope"},
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

const char *pk_delegation_name(pk_delegation bit)
{
    for (size_t i = 0; i < NAMES; i++)
        if (names[i].bit == bit)
            return names[i].name;
    return bit == 0 ? "none" : "unknown";
}

int pk_delegation_parse(const char *name, pk_delegation *bit, pk_error *error)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(names[i].name, name) == 0) {
            *bit = names[i].bit;
            return 0;
        }
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "unknown delegation '%s' (root, present, leaf or scope)", name);
}
