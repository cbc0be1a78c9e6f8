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

#include <stdbool.h>
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

/* Says to the guardian, and by a mark, that the members of an entry are to live on, or no longer. */
void owner_spare_entry(const struct owner_entry *entry, bool spare);

/* Leaves an entry that cannot be removed yet to the guardian: it kills the members unless they are spared, and removes
 * the directory when it has emptied. Without a guardian it stays. */
void owner_hand_over(const struct owner_entry *entry);

/* Whether a guardian watches over this process, as far as is known. */
bool owner_is_guarded(void);

/* Why not, as one line; "" if one does. Returns `buffer`. */
const char *owner_guard_refusal(char *buffer, size_t size);

/* A descriptor that becomes readable when the guardian is lost, or -1. It stays the owner's: a copy of it would tell
 * the guardian that the owner lives, also in a forked child, and when the owner is gone. */
int owner_guard_fd(void);

/* The same to keep: a pidfd. -ESRCH without a guardian. */
int owner_open_guard(void);

/* Replaces a guardian that was lost, and counts that. */
void owner_check_guard(void);
unsigned owner_guard_losses(void);

/* Enables controllers ("memory pids") for the directories of groups, made and to be made. -EOPNOTSUPP, with a text that
 * says which file refused and what would help. */
int owner_enable(const char *const *controllers, size_t count, pk_error *error);

/* The path of an entry, for people. Returns `buffer`. */
const char *owner_format_path(const struct owner_entry *entry, char *buffer, size_t size);

/* Removes the owner directory if it has no entries left. For the end of the process. */
void owner_leave(void);

#endif
