/*
 * A home: one owner directory in one site, its guardian, and the directories of groups in it.
 *
 * The directory is made with the first group and removed at the end of the process. It holds no process itself; it is
 * locked (flock), so that others can tell a living owner from a dead one without guessing, and marked with the owner's
 * pid and start time. All functions need the owner's lock.
 */
#ifndef PK_CONTAIN_HOME_H
#define PK_CONTAIN_HOME_H

#include "contain/guardian-link.h"
#include "contain/idle.h"
#include "contain/limits.h"
#include "contain/owner.h"
#include "contain/site.h"

struct home {
    uint64_t generation; /* changes with each owner directory */
    unsigned entries;    /* given out so far */
    int dir;             /* -1: not made */
    char name[64];
    struct site site;
    struct guardian_link guardian;
    bool has_controllers; /* some are enabled for the directories of groups, or were */
    struct idle idle;
};

#define HOME_INIT                                                      \
    {                                                                  \
        .dir = -1, .site = {.dir = -1}, .guardian = GUARDIAN_LINK_INIT \
    }

/* Sees to it that there is an owner directory, in a site of this kind, and replaces a guardian that was lost. The
 * guardians are those of all homes. */
int home_ensure(struct home *home, enum site_kind kind, const struct guardians *guardians, pk_error *error);

/* Enables controllers in a home that is there, for the directories of groups; and, the first time, those that
 * PK_GUARANTEE_LIMITS stands for as well, where they can be had: what members used before a controller was enabled
 * would never count for a limit that comes later. */
int home_enable(struct home *home, const char *const *controllers, size_t count, pk_error *error);

/* Gives up one that is of no use; without effect if it has entries. */
void home_give_up(struct home *home);

/* A new directory for a group. -ENOENT: the owner directory was deleted under us. */
int home_make_entry(struct home *home, struct owner_entry *entry);

/* The same in one of those; the outer one is who the guardian knows. */
int home_make_entry_in(struct home *home, const struct owner_entry *outer, unsigned number, struct owner_entry *entry);

/* Whether an entry is still in it: one of an earlier generation was deleted together with its owner directory. */
bool home_has(const struct home *home, const struct owner_entry *entry);

/* After the owner directory was deleted by somebody else. */
void home_lose(struct home *home);

/* Says something about an entry to the guardian. */
void home_tell(struct home *home, const struct owner_entry *entry, enum guardian_kind kind);

/* Removes the owner directory if it has no entries left. For the end of the process. */
void home_leave(struct home *home);

/* In a forked child: everything is the parent's. */
void home_let_go(struct home *home);

#endif
