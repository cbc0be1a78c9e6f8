/*
 * Groups: one containment, one tree of processes.
 *
 * A group is what everything started in it, and everything those start, cannot leave: not by setsid, not by a double
 * fork, not by a race with the kill. Freeing it kills what is left.
 *
 *     pk_auto(pk_group) group = NULL;
 *     if (pk_group_create(NULL, &group, &error) < 0) ...
 *     if (pk_group_spawn(group, command, &process, &error) < 0) ...
 *     pk_group_stop(group, NULL, NULL, &error);        // SIGTERM, two seconds, SIGKILL; returns when all are gone
 *
 * How well that holds depends on the mechanism, and the group says so: see pk_group_guarantees.
 *
 * Threads: a group belongs to one thread at a time; pk_group_kill and pk_group_signal may be called from any thread
 * while it exists.
 */
#ifndef PROCESSKIT_GROUP_H
#define PROCESSKIT_GROUP_H

#include <processkit/error.h>
#include <processkit/limits.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PK_BEGIN_DECLS

typedef struct pk_group pk_group;

/* ---- Mechanisms and guarantees ---------------------------------------------------------------------------------- */

typedef enum pk_mechanism {
    PK_MECHANISM_AUTO,          /* the best that this host gives */
    PK_MECHANISM_CGROUP2,       /* a cgroup v2 directory of its own: Linux 5.4, better from 5.7 and 5.14 */
    PK_MECHANISM_REAPER,        /* a helper process above each command, to which all of its orphans come */
    PK_MECHANISM_PROCESS_GROUP, /* a process group per child: what calls setsid or setpgid escapes */
    PK_MECHANISM_SCRIPT,        /* there are no processes: see script.h. Not to be asked for */
} pk_mechanism;

/* What a group promises, as bits. */
typedef enum pk_guarantee {
    PK_GUARANTEE_CGROUP = 1 << 0,      /* the members are in a cgroup of their own */
    PK_GUARANTEE_WHOLE_TREE = 1 << 1,  /* no descendant can leave, and emptiness is proved */
    PK_GUARANTEE_OWNER_DEATH = 1 << 2, /* the tree dies with the owner, however that ends: see guardian.h */
    PK_GUARANTEE_LIMITS = 1 << 3,      /* memory, pids and cpu limits for the tree are enforced */
    PK_GUARANTEE_USAGE = 1 << 4,       /* CPU time is that of the tree, ended members included */
} pk_guarantee;

/* "cgroup2", "reaper", "process_group", "script", "auto"; "unknown" for anything else. Static; any thread. */
PK_API const char *pk_mechanism_name(pk_mechanism mechanism);

/* "cgroup", "whole-tree", "owner-death", "limits", "usage" for one bit; "unknown" otherwise. Static; any thread. */
PK_API const char *pk_guarantee_name(pk_guarantee bit);

/* The reverse. -EINVAL for other words. Any thread. */
PK_API PK_NODISCARD int pk_mechanism_parse(const char *name, pk_mechanism *mechanism, pk_error *error);
PK_API PK_NODISCARD int pk_guarantee_parse(const char *name, pk_guarantee *bit, pk_error *error);

/* ---- Creating and freeing --------------------------------------------------------------------------------------- */

typedef struct pk_group_options {
    size_t size;            /* PK_GROUP_OPTIONS_INIT sets it */
    pk_mechanism mechanism; /* AUTO takes the best; any other is taken or refused */
    unsigned require;       /* pk_guarantee bits: creation fails rather than give less */
    pk_limits limits;       /* asked for from the start; asking for any implies PK_GUARANTEE_LIMITS */
    unsigned delegations;   /* pk_delegation bits: how controllers may be had; 0: PK_DELEGATION_DEFAULT */
} pk_group_options;

#define PK_GROUP_OPTIONS_INIT                                             \
    {                                                                     \
        sizeof(pk_group_options), PK_MECHANISM_AUTO, 0, PK_LIMITS_INIT, 0 \
    }

/*
 * Creates an empty group. `options` may be NULL for the defaults.
 *
 * With PK_MECHANISM_AUTO a cgroup is preferred. Reapers are used when no cgroup can be had here (not mounted, not
 * permitted, read-only), and process groups when the helper program of the library cannot be run either, or cannot see
 * its members (no /proc, or that of another pid namespace); pk_group_refusal tells why. Every other failure is an error
 * and not a reason to fall back: a full cgroup hierarchy is -EAGAIN, too many open files -EMFILE.
 *
 * -EINVAL: an option or limit is invalid. -EOPNOTSUPP: the mechanism, a required guarantee or a limit is not to be
 * had here; the error says which, why, and what would help. Nothing is left behind after a failure.
 */
PK_API PK_NODISCARD int pk_group_create(const pk_group_options *options, pk_group **group, pk_error *error);

/*
 * Kills every member, waits until the group is proved empty, at most 100 ms, and frees the handle. Members that
 * were spared live on. Takes NULL; returns NULL.
 */
PK_API pk_group *pk_group_free(pk_group *group);

PK_DEFINE_CLEANUP(pk_group);

/*
 * Does now what exit() would do: groups that were not freed are killed, as pk_group_free does, the empty cgroups that
 * wait for the next runs (up to 8, of 3 descriptors each) are given back, and the process's own cgroup directory is
 * removed. For programs that are about to end without exit(): by _exit, exec or a signal. Handles can still be freed,
 * and new groups be made. Any thread.
 */
PK_API void pk_leave(void);

/* The mechanism in use; never AUTO. */
PK_API pk_mechanism pk_group_mechanism(const pk_group *group);

/* The pk_guarantee bits that hold now, and those that were required at creation. A group whose guardian was lost and
 * could not be replaced holds PK_GUARANTEE_OWNER_DEATH no longer. */
PK_API unsigned pk_group_guarantees(const pk_group *group);
PK_API unsigned pk_group_required(const pk_group *group);

/* How the controllers for the group's limits are had; 0 for a group without PK_GUARANTEE_LIMITS. */
PK_API pk_delegation pk_group_delegation(const pk_group *group);

/* Why this group has no better mechanism, or no guardian now, as one line; NULL when it has the best. Lives as long as
 * the group; the next call may change the text. */
PK_API const char *pk_group_refusal(const pk_group *group);

/* The directory of the group's cgroup, for people who want to look; NULL without one. It changes after a kill, and with
 * a spawn into a group with a memory limit that had become empty. Lives until the next call with this group. */
PK_API const char *pk_group_path(pk_group *group);

/* ---- Members ---------------------------------------------------------------------------------------------------- */

#define PK_MEMBER_NAME_SIZE 16

typedef struct pk_member {
    pid_t pid;                      /* as seen from the owner's pid namespace */
    char name[PK_MEMBER_NAME_SIZE]; /* the kernel's short name (comm); "" if it could not be read */
} pk_member;

/*
 * The living members: the whole tree, cgroups made by the children included. Processes that have ended but were not
 * yet waited for do not count. Writes at most `capacity` entries and returns how many there are, which may be more.
 * With process groups: those still in the process group they were started in. Where /proc is missing, or is that of
 * another pid namespace, they have no names, the ended count too, and of process groups only the leaders are known.
 */
PK_API PK_NODISCARD int pk_group_members(pk_group *group, pk_member *members, size_t capacity, pk_error *error);

/* 1 when no member is alive, 0 when one is. */
PK_API PK_NODISCARD int pk_group_is_empty(pk_group *group, pk_error *error);

/* Waits until no member is alive. -ETIMEDOUT when the deadline passed first; nothing is killed then. */
PK_API PK_NODISCARD int pk_group_wait_empty(pk_group *group, pk_time deadline, pk_error *error);

/*
 * Takes a running process, which need not be a child, into the group. What it starts from now on is a member; what
 * it started before is not. `pidfd` proves which process is meant; with -1 one is opened, and then the caller must
 * know that `pid` has not been recycled before the call. With reapers and process groups only this one process is
 * tracked, and it survives an owner that is killed.
 *
 * A process that has ended and was not yet waited for is a success without effect. -ESRCH: no such process any
 * more. -EINVAL: a pid of 0 or less, pid 1, the caller itself, or a kernel thread. -EPERM or -EACCES: not allowed
 * to move it.
 */
PK_API PK_NODISCARD int pk_group_adopt(pk_group *group, pid_t pid, int pidfd, pk_error *error);

/* ---- Signals, suspending, killing ------------------------------------------------------------------------------- */

/*
 * Kills every member with SIGKILL and returns when the group is proved empty. The group can be used again. An empty
 * group is a success. Overrides a suspend. Any thread.
 *
 * -EBUSY: members were left and for 5 s none went (uninterruptible sleep); the error names them, they are still killed
 * once they can be.
 */
PK_API int pk_group_kill(pk_group *group, pk_error *error);

/*
 * Sends a signal to every member. SIGKILL is pk_group_kill. For all others but SIGSTOP and SIGCONT a cgroup is
 * frozen meanwhile, so that no member forks away unsignalled and no pid is recycled. 0 only checks that sending is
 * possible. The first error is returned after all members were tried; a member that ended meanwhile is no error,
 * nor is an empty group. Any thread.
 */
PK_API int pk_group_signal(pk_group *group, int signal_number, pk_error *error);

/*
 * Suspends and resumes the whole tree; both may be repeated. cgroup2 freezes (members do not notice); reapers, process
 * groups, and kernels without cgroup.freeze (before 5.2), use SIGSTOP and SIGCONT. When pk_group_suspend returns,
 * the tree stands still, unless a member is in an uninterruptible sleep: it stops as it comes out of that. Spawning
 * into a suspended group is refused with -EBUSY.
 */
PK_API int pk_group_suspend(pk_group *group, pk_error *error);
PK_API int pk_group_resume(pk_group *group, pk_error *error);

/* ---- Stopping gracefully ---------------------------------------------------------------------------------------- */

#define PK_DEFAULT_GRACE PK_SECONDS(2)

typedef struct pk_stop_options {
    size_t size;       /* PK_STOP_OPTIONS_INIT sets it */
    int signal_number; /* the soft signal; 0: SIGTERM */
    pk_duration grace; /* from the soft signal to the hard kill; 0: hard kill at once */
    bool spare;        /* after the grace, leave survivors running instead of killing them */
    pid_t skip_pgid;   /* members of this process group already have the signal (from the terminal); 0: none; -1: of the
                          caller's own, which has no number where it is one outside of the pid namespace */
} pk_stop_options;

#define PK_STOP_OPTIONS_INIT                                   \
    {                                                          \
        sizeof(pk_stop_options), 0, PK_DEFAULT_GRACE, false, 0 \
    }

typedef struct pk_stop_report {
    int signal_sent;    /* the soft signal, or 0 if none was sent */
    int signal_error;   /* the first error of sending it, as a negative errno, or 0; stopping went on */
    int members_before; /* living members at the beginning */
    int members_after;  /* and at the end */
    bool drained;       /* empty before the grace was over */
    bool escalated;     /* the hard kill was needed */
    bool spared;        /* survivors were left running */
    pk_duration elapsed;
    uint64_t reserved[4];
} pk_stop_report;

/*
 * The ladder: the soft signal to the whole tree, up to `grace` until the tree is empty, then the hard kill. Returns
 * as soon as the group is empty. It escalates when the *tree* is not empty, whatever became of the leader. A
 * suspended group is resumed, and members that were stopped are continued (SIGCONT), or they could not obey. `options`
 * NULL means the defaults, `report` may be NULL. Errors as pk_group_kill.
 */
PK_API int pk_group_stop(pk_group *group, const pk_stop_options *options, pk_stop_report *report, pk_error *error);

/*
 * Leaves the present members running on purpose: neither freeing the group nor the end of the owner kills them. The
 * next spawn or adopt into this group takes that back for all its members.
 */
PK_API void pk_group_spare(pk_group *group);

/* ---- Usage ------------------------------------------------------------------------------------------------------ */

/* Where a figure comes from. */
typedef enum pk_source {
    PK_SOURCE_UNAVAILABLE, /* nothing here can tell: the figure is 0 and means nothing */
    PK_SOURCE_CGROUP,      /* the kernel's account of the tree, ended members included */
    PK_SOURCE_PROC,        /* a sum over the members alive at the moment of asking */
    PK_SOURCE_RUSAGE,      /* the leader and those of its descendants that were waited for */
    PK_SOURCE_REAPER,      /* living members and what was waited for, by them or by the reaper: all but what nobody
                              waited for, since its parent ignored SIGCHLD */
} pk_source;

/* "unavailable", "cgroup", "proc", "rusage", "reaper"; "unknown" otherwise. Static; any thread. */
PK_API const char *pk_source_name(pk_source source);

typedef struct pk_usage {
    pk_source cpu_source;
    pk_source memory_source;
    pk_source pids_source;
    int members; /* alive now */
    pk_duration cpu_user;
    pk_duration cpu_system;
    uint64_t memory_peak; /* bytes; cgroup: needs the memory controller and Linux 5.19. proc: sum of each one's own
                             peak */
    uint64_t pids_peak;   /* processes and threads at once; needs the pids controller and Linux 6.1 */
    uint64_t reserved[8];
} pk_usage;

/* What the members have used, since the group was created. CPU time from cgroup2 includes members that have ended.
 */
PK_API PK_NODISCARD int pk_group_usage(pk_group *group, pk_usage *usage, pk_error *error);

/*
 * Replaces the limits of a group that may be running: all or nothing, with the old ones restored on failure. A
 * field of zero lifts that limit. Lowering memory_max below what is in use makes the kernel reclaim, and kill if it
 * cannot; so it is lowered last, when nothing else can fail any more.
 *
 * -EOPNOTSUPP: no limits here, see pk_group_create; or a first limit for the memory of a group that has members
 * already: what they use would not count. Ask for a limit, or for PK_GUARANTEE_LIMITS, when the group is created. Or it
 * is the group of one stage of a pipeline, for which hold the limits of pk_process_pipeline_group.
 */
PK_API PK_NODISCARD int pk_group_set_limits(pk_group *group, const pk_limits *limits, pk_error *error);

/* The limits in force, read back from the kernel; zero for "none", and for a weight of 100. Processors and nodes that
 * were lifted while there were members are read back as all there are. */
PK_API PK_NODISCARD int pk_group_get_limits(pk_group *group, pk_limits *limits, pk_error *error);

PK_END_DECLS

#endif
