/*
 * The ladder of ways to have controllers: one after the other, until one can be had.
 */
#include "contain/delegation.h"

#include "base/error.h"
#include "contain/owner.h"
#include "contain/place.h"
#include "contain/refusal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- Names ------------------------------------------------------------------------------------------------------ */

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

/* ---- The ladder ------------------------------------------------------------------------------------------------- */

/* What has been refused so far, as one text. */
struct refusals {
    size_t count;
    size_t used;
    char text[PK_ERROR_MESSAGE_SIZE];
};

static void add_refusal(struct refusals *refusals, enum site_kind site, const char *message)
{
    size_t room = sizeof(refusals->text) - refusals->used;
    int length = snprintf(refusals->text + refusals->used, room, "%s%s: %s", refusals->count ? "; " : "",
                          pk_delegation_name(site_delegation(site)), refusal_reason(message));
    refusals->used += length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
    refusals->count++;
}

static int refuse(const struct refusals *refusals, const pk_error *last, pk_error *error)
{
    if (refusals->count == 1) {
        if (error) {
            *error = *last;
            error->number = -EOPNOTSUPP;
        }
        return -EOPNOTSUPP;
    }
    return refuse_limits(error, NULL, "%s", refusals->text);
}

/* One that is there is tried first: what it took to make it is paid once. */
static size_t put_in_order(unsigned allowed, enum site_kind order[SITES])
{
    size_t count = 0;
    for (int there = 1; there >= 0; there--)
        for (int site = SITE_ROOT; site < SITES; site++)
            if (allowed & site_delegation((enum site_kind)site) && owner_has_home((enum site_kind)site) == there)
                order[count++] = (enum site_kind)site;
    return count;
}

int delegation_choose(unsigned allowed, const char *const *controllers, size_t count, enum site_kind *site,
                      pk_error *error)
{
    enum site_kind order[SITES];
    struct refusals refusals = {0};
    pk_error why = {0};
    size_t sites = put_in_order(allowed, order);

    for (size_t i = 0; i < sites; i++) {
        int r = owner_enable(order[i], controllers, count, &why);
        if (r == 0) {
            *site = order[i];
            return 0;
        }
        if (!place_is_refusal(r)) {
            if (error)
                *error = why;
            return r;
        }
        add_refusal(&refusals, order[i], why.message);
    }
    return refuse(&refusals, &why, error);
}
