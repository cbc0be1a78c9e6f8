/*
 * The living members of a group.
 */
#ifndef PK_CONTAIN_MEMBERS_H
#define PK_CONTAIN_MEMBERS_H

#include <processkit/group.h>

#include <stddef.h>

/* Writes at most `capacity`, returns how many there are. Needs the group's lock. */
int members_read(pk_group *group, pk_member *members, size_t capacity);

/* How many there are; 0 also when that cannot be told. Needs the group's lock. */
int members_count(pk_group *group);

/* Waits a bounded time until SIGSTOP has stopped them all: it takes effect when each of them next runs. Needs the lock.
 */
void members_wait_stopped(pk_group *group);

/* "12 (sh), 13 (sleep) and 3 more". Takes the lock. */
void members_format(pk_group *group, char *buffer, size_t size);

#endif
