/*
 * Choosing a mechanism.
 */
#ifndef PK_CONTAIN_CHOOSE_H
#define PK_CONTAIN_CHOOSE_H

#include <processkit/group.h>

/*
 * Opens the group with the mechanism asked for, or with the best that can be had. A better one that could not be had is
 * remembered in the group; only "cannot be had here" makes it go on to the next, any other failure is returned.
 */
int choose_backend(pk_group *group, pk_mechanism wanted, unsigned required, pk_error *error);

#endif
