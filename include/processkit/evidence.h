/*
 * Evidence: what the kernel counted of a tree, and which of its limits was hit.
 *
 *     if (result.verdict == PK_VERDICT_OOM_KILLED && result.evidence.oom_cause == PK_OOM_CAUSE_LIMIT)
 *         ... // result.evidence.memory_max was not enough
 *
 * It is read before the cgroup is removed, because it is gone with that. Each part says where it comes from; what is
 * unavailable is zero and means nothing. Without a cgroup all of it is unavailable.
 */
#ifndef PROCESSKIT_EVIDENCE_H
#define PROCESSKIT_EVIDENCE_H

#include <processkit/error.h>
#include <processkit/group.h>
#include <processkit/macros.h>
#include <processkit/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

/* Whose memory limit made the kernel kill. */
typedef enum pk_oom_cause {
    PK_OOM_CAUSE_NONE,   /* nobody was killed for want of memory, as far as can be told */
    PK_OOM_CAUSE_LIMIT,  /* the memory_max of the group itself, whatever else was reached as well */
    PK_OOM_CAUSE_ABOVE,  /* a limit of a cgroup above, or the memory of the machine */
    PK_OOM_CAUSE_MEMBER, /* a limit that a member had set on a cgroup of its own, within the group */
} pk_oom_cause;

/* "none", "limit", "above", "member"; "unknown" otherwise. Static; any thread. */
PK_API const char *pk_oom_cause_name(pk_oom_cause cause);

/* The time in which somebody waited for a resource, and that in which nobody could go on for want of it (PSI). */
typedef struct pk_pressure {
    pk_duration some;
    pk_duration full; /* of processors: needs Linux 5.13 */
} pk_pressure;

typedef struct pk_evidence {
    /* The limits that the figures below stand against, as pk_limits has them: those in force at the end. */
    uint64_t memory_max;
    uint64_t memory_high;
    uint64_t swap_max;
    uint64_t pids_max;
    double cpu_max;

    pk_source memory_source; /* cgroup: needs the memory controller. Likewise below */
    pk_oom_cause oom_cause;
    uint64_t oom_kills; /* of members, for want of memory, whoever's the limit was. The kernel counts the process that a
                           kill of the whole group begins with twice, so do not take it for a number of processes */
    uint64_t memory_max_reached;   /* how often memory had to be taken back since memory_max was reached */
    uint64_t memory_high_exceeded; /* how often members were slowed down since memory_high was exceeded */

    pk_source swap_source; /* needs the memory controller and Linux 6.5 */
    pk_source pids_source; /* needs the pids controller */
    uint64_t swap_peak;    /* bytes */
    uint64_t pids_refused; /* how often a process or thread could not be started because of pids_max. Before Linux
                              6.11 starts in the group's own cgroup are counted, and none in cgroups that members
                              made below; one that a limit above refused counts as well */

    pk_source cpu_source;       /* needs the cpu controller; what limits above or below did does not count */
    pk_source io_source;        /* needs the io controller */
    uint64_t cpu_periods;       /* over which cpu_max is averaged, in which members ran */
    uint64_t cpu_throttled;     /* those in which it was used up */
    pk_duration throttled_time; /* how long members stood still for that, summed up over processors */

    uint64_t io_read; /* bytes, from and to devices; what the page cache had does not count */
    uint64_t io_written;
    uint64_t io_reads; /* operations */
    uint64_t io_writes;

    pk_source pressure_source; /* needs a kernel with PSI, and no controller */
    pk_pressure cpu_pressure;
    pk_pressure memory_pressure;
    pk_pressure io_pressure;
    uint64_t reserved[8];
} pk_evidence;

/*
 * What was counted so far, for all members of the group since it was created, ended ones included. That a part is
 * unavailable is a success; of the private group of a run nothing may be there unless its command asked for it, see
 * pk_command_evidence: the run may have a directory in which others were counted before. Other errors are those of
 * reading files, such as -EMFILE.
 */
PK_API PK_NODISCARD int pk_group_evidence(pk_group *group, pk_evidence *evidence, pk_error *error);

PK_END_DECLS

#endif
