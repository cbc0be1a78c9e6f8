/*
 * Leaving the directory of a group to another.
 */
#ifndef PK_CONTAIN_ENTRY_H
#define PK_CONTAIN_ENTRY_H

#include "contain/owner.h"

/*
 * Leaves it, if it is as a new one but for what it has counted: without members, directories below it, or a freeze.
 * `used` is then what was used in it since it was taken. What is still on its way out is counted for the next one, as
 * it would be for nobody. False: it is as it was, and the caller's.
 */
bool entry_park(struct owner_entry *entry, pk_usage *used);

#endif
