/*
 * Choosing a mechanism, and the names of mechanisms and guarantees.
 */
#include "contain/choose.h"

#include "base/error.h"
#include "contain/backend.h"
#include "contain/limits.h"
#include "contain/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Best first. */
static const struct backend *const backends[] = {&backend_cgroup2, &backend_reaper, &backend_process_group};

enum { BACKENDS = sizeof(backends) / sizeof(backends[0]) };

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static const char *const mechanism_names[] = {
    [PK_MECHANISM_AUTO] = "auto",     [PK_MECHANISM_CGROUP2] = "cgroup2",
    [PK_MECHANISM_REAPER] = "reaper", [PK_MECHANISM_PROCESS_GROUP] = "process_group",
    [PK_MECHANISM_SCRIPT] = "script",
};

enum { MECHANISMS = sizeof(mechanism_names) / sizeof(mechanism_names[0]) };

static const struct {
    pk_guarantee bit;
    const char *name;
} guarantee_names[] = {
    {PK_GUARANTEE_CGROUP, "cgroup"}, {PK_GUARANTEE_WHOLE_TREE, "whole-tree"}, {PK_GUARANTEE_OWNER_DEATH, "owner-death"},
    {PK_GUARANTEE_LIMITS, "limits"}, {PK_GUARANTEE_USAGE, "usage"},
};

enum { GUARANTEES = sizeof(guarantee_names) / sizeof(guarantee_names[0]) };

const char *pk_mechanism_name(pk_mechanism mechanism)
{
    return (unsigned)mechanism < MECHANISMS ? mechanism_names[mechanism] : "unknown";
}

const char *pk_guarantee_name(pk_guarantee bit)
{
    for (size_t i = 0; i < GUARANTEES; i++)
        if (guarantee_names[i].bit == bit)
            return guarantee_names[i].name;
    return "unknown";
}

int pk_mechanism_parse(const char *name, pk_mechanism *mechanism, pk_error *error)
{
    for (unsigned i = 0; i <= PK_MECHANISM_PROCESS_GROUP; i++)
        if (strcmp(mechanism_names[i], name) == 0) {
            *mechanism = (pk_mechanism)i;
            return 0;
        }
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "unknown mechanism '%s' (auto, cgroup2, reaper or process_group)", name);
}

int pk_guarantee_parse(const char *name, pk_guarantee *bit, pk_error *error)
{
    for (size_t i = 0; i < GUARANTEES; i++)
        if (strcmp(guarantee_names[i].name, name) == 0) {
            *bit = guarantee_names[i].bit;
            return 0;
        }
    return error_set(error, -EINVAL, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, NULL,
                     "unknown guarantee '%s' (cgroup, whole-tree, owner-death, limits or usage)", name);
}

/* ---- Choosing --------------------------------------------------------------------------------------------------- */

static void format_bits(unsigned bits, char *buffer, size_t size)
{
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < GUARANTEES; i++)
        if (bits & guarantee_names[i].bit && used < size)
            used += (size_t)snprintf(buffer + used, size - used, "%s%s", used ? ", " : "", guarantee_names[i].name);
}

/* A limit that is not applied would be no protection, so without a cgroup it is a refusal, never a fallback. */
static int refuse_fallback(pk_group *group, const pk_error *why, pk_error *error)
{
    if (!limits_any(&group->limits))
        return 0;
    return error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ENABLE_LIMITS, NULL,
                     "cannot enforce limits without a cgroup: %s", why->message);
}

static int check_required(pk_group *group, unsigned required, pk_error *error)
{
    unsigned missing = required & ~pk_group_guarantees(group);
    if (missing == 0)
        return 0;
    const char *refusal = pk_group_refusal(group);
    char names[128];
    format_bits(missing, names, sizeof(names));
    return error_set(error, -EOPNOTSUPP, PK_ERROR_UNSUPPORTED, PK_STEP_REQUIRE, NULL,
                     "cannot guarantee %s: the mechanism is %s%s%s (see pk doctor)", names,
                     pk_mechanism_name(group->backend->mechanism), refusal ? ", because " : "", refusal ? refusal : "");
}

/* One for each mechanism that is better than the one that was taken. */
static int add_refusal(pk_group *group, const char *text)
{
    char *all = NULL;
    int length = asprintf(&all, "%s%s%s", group->refusal ? group->refusal : "", group->refusal ? "; " : "", text);
    if (length < 0)
        return -ENOMEM;
    free(group->refusal);
    group->refusal = all;
    return 0;
}

static int open_backend(pk_group *group, const struct backend *backend, pk_error *error)
{
    group->backend = backend;
    group->guarantees = backend->guarantees;
    return backend->open(group, error);
}

int choose_backend(pk_group *group, pk_mechanism wanted, unsigned required, pk_error *error)
{
    int r = -EOPNOTSUPP;
    for (size_t i = 0; i < BACKENDS; i++) {
        pk_error why = {0};
        if (wanted != PK_MECHANISM_AUTO && backends[i]->mechanism != wanted)
            continue;
        r = open_backend(group, backends[i], &why);
        if (r == 0)
            break;
        bool fall_back = wanted == PK_MECHANISM_AUTO && why.step != PK_STEP_ENABLE_LIMITS &&
                         why.step != PK_STEP_SET_LIMITS && place_is_refusal(r) && i + 1 < BACKENDS;
        if (fall_back && refuse_fallback(group, &why, error) < 0)
            return -EOPNOTSUPP;
        if (!fall_back) {
            if (error)
                *error = why;
            return r;
        }
        if (add_refusal(group, why.message) < 0)
            return error_errno(error, -ENOMEM, PK_STEP_ALLOCATE, NULL, "cannot make a group");
    }
    if (r == 0 && !group->backend->has_limits && limits_any(&group->limits))
        r = error_set(error, -EOPNOTSUPP, PK_ERROR_RESOURCE_LIMIT, PK_STEP_ENABLE_LIMITS, NULL,
                      "cannot enforce limits with the mechanism %s (they need cgroup2)", pk_mechanism_name(wanted));
    if (r == 0)
        r = check_required(group, required, error);
    if (r < 0)
        group->backend->abandon(group);
    return r;
}
