/*
 * Finding a site where limits can be had.
 */
#ifndef PK_CONTAIN_DELEGATION_H
#define PK_CONTAIN_DELEGATION_H

#include "contain/site.h"

#include <stddef.h>

/*
 * Finds a site in which these controllers can be enabled for groups, by one of the ways that are allowed (pk_delegation
 * bits), and sees to it that there is a home in it. One that is there already is preferred. -EOPNOTSUPP when there is
 * none, with the reason of each way.
 */
int delegation_choose(unsigned allowed, const char *const *controllers, size_t count, enum site_kind *site,
                      pk_error *error);

#endif
