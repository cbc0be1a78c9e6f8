/*
 * The owner directory: the one directory a process has in the cgroup hierarchy, with one directory per group in it.
 *
 * It is made with the first group and removed at the end of the process. It holds no process itself; it is locked
 * (flock), so that others can tell a living owner from a dead one without guessing, and marked with the owner's pid and
 * start time. All functions may be called from any thread.
 */
#ifndef PK_CONTAIN_OWNER_H
#define PK_CONTAIN_OWNER_H

#include <processkit/error.h>

#include <stddef.h>
#include <stdint.h>

#define OWNER_NAME_SIZE 24

/* A group's directory. */
struct owner_entry {
    int fd;              /* the directory; the caller closes it */
    uint64_t generation; /* of the owner directory it is in */
    char name[OWNER_NAME_SIZE];
};

/* Makes a new directory for a group, and the owner directory if there is none (any more). */
int owner_make_entry(struct owner_entry *entry, pk_error *error);

/* Removes it. -EBUSY while it has members. Does not close it. */
int owner_remove_entry(const struct owner_entry *entry);

/* Enables controllers ("memory pids") for the directories of groups, made and to be made. -EOPNOTSUPP, with a text that
 * says which file refused and what would help. */
int owner_enable(const char *const *controllers, size_t count, pk_error *error);

/* The path of an entry, for people. Returns `buffer`. */
const char *owner_format_path(const struct owner_entry *entry, char *buffer, size_t size);

/* Removes the owner directory if it has no entries left. For the end of the process. */
void owner_leave(void);

#endif
