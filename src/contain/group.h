/*
 * What the layers above need of a group beyond its public functions.
 */
#ifndef PK_CONTAIN_GROUP_H
#define PK_CONTAIN_GROUP_H

#include "contain/backend.h"

/* 0, or -EPERM in a forked child, whose copy of the handle must not do anything. */
int group_check_owner(const pk_group *group, pk_error *error);

/* Defaults filled in; -EINVAL for a signal number that is none. */
int group_check_stop(const pk_stop_options *options, pk_stop_options *checked, pk_error *error);

/* Makes a group whose members are no processes, on a stage that must outlive it. */
int group_create_staged(const pk_group_options *given, const struct backend *backend, struct stage *stage,
                        pk_group **ret, pk_error *error);

/* A copy, which is judged by who makes a group of it. NULL without memory, and of NULL. */
pk_group_options *group_copy_options(const pk_group_options *options);

void group_init_locks(pk_group *group);
void group_destroy_locks(pk_group *group);

/* Makes one for one run. Unless it is to be `fresh`, its directory may have counted for another before: that is no
 * matter but for evidence. */
int group_create_for_run(const pk_group_options *given, bool fresh, pk_group **ret, pk_error *error);

/* Makes a group that is a part of another: see branch.c. */
int group_create_branch(pk_group *trunk, pk_group **ret, pk_error *error);

/* The group whose limits hold for this one: the trunk of a branch. */
pk_group *group_limiting(pk_group *group);

/* Of the group, or of what it is a part of. Both need the lock. */
bool group_is_suspended(const pk_group *group);
unsigned group_kills(const pk_group *group);

/* Takes over a leader that was born into the group: one more reference. Needs the lock. */
void group_add_leader(pk_group *group, struct leader *leader);

/* Whether the members are to survive the owner. Returns what it was before. Needs the lock. */
bool group_set_spared(pk_group *group, bool spare);

/*
 * Whether that process is a member, or was when it ended: 1 or 0. -ESRCH if it has ended, and it cannot be told any
 * more; another negative errno if it cannot be told at all. The reaper of a tree counts as one of it. Takes the lock.
 */
int group_has_member(pk_group *group, pid_t pid);

/* Whether it is in the list of members: 1, 0 or a negative errno. Needs the lock. */
int group_lists(pk_group *group, pid_t pid);

/* Whether zombies of leaders are kept, because their numbers must not be recycled yet. */
bool group_keeps_zombies(const pk_group *group);

/* Whether evidence is worth its price at the end of a run: where something is limited, or somebody asked. */
bool group_has_evidence(const pk_group *group);

/* What was counted so far; nothing where the mechanism has no counters. Needs the lock. */
int group_read_evidence(pk_group *group, struct evidence *evidence);

#endif
