/*
 * The live groups of this process, so that its normal end can kill what its owner did not free.
 */
#ifndef PK_CONTAIN_REGISTRY_H
#define PK_CONTAIN_REGISTRY_H

#include <processkit/group.h>

void registry_add(pk_group *group);
void registry_remove(pk_group *group);

#endif
