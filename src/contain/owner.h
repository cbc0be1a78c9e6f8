/*
 * The owner: what this process has in the cgroup hierarchy. One home for groups without limits, and one for those with
 * limits wherever these can be had; in each home one directory per group.
 *
 * All functions may be called from any thread.
 */
#ifndef PK_CONTAIN_OWNER_H
#define PK_CONTAIN_OWNER_H

#include "contain/site.h"

#include <processkit/group.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OWNER_NAME_SIZE 24

struct spawner;

/* A group's directory. */
struct owner_entry {
    int fd;              /* the directory; the caller closes it */
    enum site_kind site; /* of the home it is in */
    uint64_t generation; /* of the owner directory it is in */
    char name[OWNER_NAME_SIZE];

    /* Of one that was left to other groups: its files, kept open, and what was used in it before. -1 and 0 otherwise.
     */
    int events;
    int stat;
    pk_usage base;
};

/* Makes a new directory for a group, and the home if there is none (any more). */
int owner_make_entry(enum site_kind site, struct owner_entry *entry, pk_error *error);

/* Makes one in another, which has the number `number` there. */
int owner_make_entry_in(const struct owner_entry *outer, unsigned number, struct owner_entry *entry, pk_error *error);

/* One that was left empty by another group instead. False: there is none. */
bool owner_take_idle(enum site_kind site, struct owner_entry *entry);

/* Whether one would be kept at all. */
bool owner_keeps_entries(const struct owner_entry *entry);

/* Keeps one that is empty for another group, with its descriptors. False: it is to be removed. */
bool owner_park_entry(const struct owner_entry *entry);

/* Removes those that were kept. Whether there were any. */
bool owner_tidy(void);

/* Closes what it has open. */
void owner_close_entry(const struct owner_entry *entry);

/* Removes it. -EBUSY while it has members. Does not close it. */
int owner_remove_entry(const struct owner_entry *entry);

/* Who starts processes in an entry: NULL if this process itself, which should rather not if they are to be `apart` from
 * its memory. It stays until owner_quit, which takes NULL too. */
struct spawner *owner_enter(const struct owner_entry *entry, bool apart);

/* Whether there is somebody who would. */
bool owner_has_outpost(enum site_kind site);
void owner_quit(struct spawner *spawner);

/* Says to the guardian, and by a mark, that the members of an entry are to live on, or no longer. */
void owner_spare_entry(const struct owner_entry *entry, bool spare);

/* Leaves an entry that cannot be removed yet to the guardian: it kills the members unless they are spared, and removes
 * the directory when it has emptied. Without a guardian it stays. */
void owner_hand_over(const struct owner_entry *entry);

/* Whether a guardian watches over this home, as far as is known. */
bool owner_is_guarded(enum site_kind site);

/* Why not, as one line; "" if one does. Returns `buffer`. */
const char *owner_guard_refusal(enum site_kind site, char *buffer, size_t size);

/* A descriptor that becomes readable when the guardian is lost, or -1. It stays the owner's: a copy of it would tell
 * the guardian that the owner lives, also in a forked child, and when the owner is gone. */
int owner_guard_fd(enum site_kind site);

/* The same to keep: a pidfd. -ESRCH without a guardian. */
int owner_open_guard(enum site_kind site);

/* Replaces a guardian that was lost, and counts that. */
void owner_check_guard(enum site_kind site);
unsigned owner_guard_losses(enum site_kind site);

/* Whether there is one. */
bool owner_has_home(enum site_kind site);

/* Makes the home if there is none, and enables controllers ("memory", "pids") for the directories of groups in it, made
 * and to be made. -EOPNOTSUPP, with a text that says which file refused and what would help; then a home that was made
 * for it is gone again. */
int owner_enable(enum site_kind site, const char *const *controllers, size_t count, pk_error *error);

/* The controllers that can be enabled in a home, separated by spaces. */
int owner_read_controllers(enum site_kind site, char *buffer, size_t size);

/* The own cgroup, if it could be used as SITE_LEAF. Looks, and moves nothing. The caller closes it. */
int owner_look_at_leaf(struct site *site, pk_error *error);

/* Gives up a home that has no entries. */
void owner_give_up(enum site_kind site);

/* The path of an entry, for people. Returns `buffer`. */
const char *owner_format_path(const struct owner_entry *entry, char *buffer, size_t size);

/* Removes the homes that have no entries left. For the end of the process. */
void owner_leave(void);

#endif
