/*
 * Children that were not gone when their group's end had to return: killed ones that take long, or those that were
 * spared on purpose. They are taken away by and by, so that none stays a zombie as long as this process lives.
 */
#ifndef PK_CONTAIN_LATE_CHILD_H
#define PK_CONTAIN_LATE_CHILD_H

#include <processkit/time.h>

#include <stdbool.h>

/* Waits for its end, but not for long. True once it has ended. */
bool late_child_has_ended(int pidfd, pk_duration patience);

/* Takes away one that has ended, and closes the pidfd. */
void late_child_take(int pidfd);

/* Remembers one that has not; the pidfd is ours now. */
void late_child_add(int pidfd);

/* Takes away those that have ended meanwhile. Any thread. */
void late_child_tidy(void);

#endif
