/*
 * Everything below a process, as /proc shows it.
 */
#ifndef PK_CONTAIN_DESCENDANTS_H
#define PK_CONTAIN_DESCENDANTS_H

#include "base/pids.h"

/*
 * Adds the living descendants of `root`, parents before children, and not `root` itself. What forks or ends meanwhile
 * may be missed, what gets another parent be there twice. Without such a process there are none.
 */
int descendants_list(pid_t root, struct pids *pids);

/* Likewise with those that have ended and were not waited for. */
int descendants_list_all(pid_t root, struct pids *pids);

#endif
