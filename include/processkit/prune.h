/*
 * Pruning: ending and removing what dead owners have left behind.
 *
 * Each owner marks its directory in the cgroup hierarchy with who it is. An owner that was killed may leave it, with
 * members that live on. pk_prune finds such directories, whoever made them, and ends them as their owners would have.
 *
 *     pk_prune_report report;
 *     if (pk_prune(NULL, NULL, NULL, &report, &error) < 0) ...
 *     printf("%d removed\n", report.count[PK_PRUNE_REMOVED]);
 */
#ifndef PROCESSKIT_PRUNE_H
#define PROCESSKIT_PRUNE_H

#include <processkit/error.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

/* What became of one directory. Only the first three are about dead owners; all others were left as they are. */
typedef enum pk_prune_action {
    PK_PRUNE_REMOVED,       /* its members were killed, and it was removed */
    PK_PRUNE_WOULD_REMOVE,  /* a dry run: it would be */
    PK_PRUNE_SPARED,        /* groups that the owner spared live on in it; all others were killed and removed */
    PK_PRUNE_DETACHED,      /* it is not an owner's, but of a detached command, and lives on */
    PK_PRUNE_GONE,          /* somebody else removed it meanwhile: its owner, a guardian, another prune */
    PK_PRUNE_ALIVE,         /* its owner is alive */
    PK_PRUNE_IN_USE,        /* its owner cannot be seen from here, and somebody holds the owner's lock */
    PK_PRUNE_UNMARKED,      /* it has no mark that can be read: a foreign one, or its owner is just beginning */
    PK_PRUNE_HOLDS_CALLER,  /* the caller, or a process that the caller descends from, is in it */
    PK_PRUNE_NOT_PERMITTED, /* its owner is dead, but the caller may not remove it */
    PK_PRUNE_FAILED,        /* its owner is dead, but it could not be removed, or that could not be found out */
} pk_prune_action;

/* The word for it: "removed", "would-remove", "spared", "detached", "gone", "alive", "in-use", "unmarked",
 * "holds-caller", "not-permitted", "failed"; "unknown" otherwise. Static; any thread. */
PK_API const char *pk_prune_action_name(pk_prune_action action);

/* One directory. */
typedef struct pk_pruned {
    pk_prune_action action;
    int number;       /* PK_PRUNE_FAILED: the negative errno; otherwise 0 */
    pid_t owner;      /* the owner's pid, as its own pid namespace has it; 0 without a mark */
    int groups;       /* in it when it was found, if its owner is dead */
    int spared;       /* of those: left for the sake of living members */
    int killed;       /* living members that were killed or, in a dry run, would be */
    const char *path; /* lives as long as the call */
    uint64_t reserved[4];
} pk_pruned;

/* Called once for each directory, in the order in which they are found. It must not call pk_prune. */
typedef void (*pk_prune_callback)(const pk_pruned *pruned, void *data);

typedef struct pk_prune_options {
    size_t size;          /* PK_PRUNE_OPTIONS_INIT sets it */
    bool dry_run;         /* changes nothing */
    const char *below;    /* looks only below this directory of a cgroup2 file system; NULL: in all of it */
    pk_duration patience; /* how long to wait for the killed of one owner to be gone; 0: five seconds */
} pk_prune_options;

#define PK_PRUNE_OPTIONS_INIT                    \
    {                                            \
        sizeof(pk_prune_options), false, NULL, 0 \
    }

#define PK_PRUNE_ACTIONS 16

typedef struct pk_prune_report {
    int count[PK_PRUNE_ACTIONS]; /* of directories, by pk_prune_action */
    int killed;                  /* sum over all directories */
    int unreadable;              /* parts of the hierarchy that the caller may not read: not looked into */
    uint64_t reserved[4];
} pk_prune_report;

/*
 * Looks for the directories of owners in the whole cgroup hierarchy that this process can see, and ends those whose
 * owner is dead: every group in them is killed, proved empty and removed, but for those that were spared and have
 * living members; then the directory itself is. Several may do that at the same time, and owners may begin and end
 * meanwhile.
 *
 * Whether an owner is alive is told by the pid and the start time in its mark, and by the lock that it holds: one that
 * became another program has let go of it. Where these mean nothing, as for an
 * owner in another pid namespace, it is told by the lock that every owner holds; a lock that is held proves nothing
 * and leaves the directory alone. Nothing is touched that has no mark, or that holds the caller. What was detached
 * (pk_command_detach) is never killed; its directory is removed once nothing lives in it.
 *
 * All arguments may be NULL. The report is written in any case but -EINVAL. Returns 0 when nothing of the dead is left
 * but what was spared or is not permitted; otherwise the first error, after everything was tried. -EBUSY: killed
 * members were not gone in time (uninterruptible sleep). -ENOENT or -EXDEV: there is no cgroup2 hierarchy to be seen.
 * Any thread.
 */
PK_API int pk_prune(const pk_prune_options *options, pk_prune_callback callback, void *data, pk_prune_report *report,
                    pk_error *error);

PK_END_DECLS

#endif
