/*
 * Limits for a tree as a whole: memory, processes, processor time, input and output.
 *
 *     pk_group_options options = PK_GROUP_OPTIONS_INIT;
 *     options.limits.memory_max = PK_MEBIBYTES(512);
 *     options.limits.pids_max = 64;
 *     if (pk_group_create(&options, &group, &error) < 0) ...   // error.message says what to do about it
 *
 * They need the cgroup2 mechanism, and controllers that can be enabled for it. A limit that cannot be enforced is
 * refused, never ignored. Limits of each single process (rlimits) are something else: see pk_command_rlimit.
 *
 * How controllers can be had, without being root too, is the subject of pk_delegation.
 */
#ifndef PROCESSKIT_LIMITS_H
#define PROCESSKIT_LIMITS_H

#include <processkit/error.h>
#include <processkit/macros.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PK_BEGIN_DECLS

/* ---- Which limits ----------------------------------------------------------------------------------------------- */

#define PK_UNLIMITED UINT64_MAX

#define PK_KIBIBYTES(n) ((uint64_t)(n) << 10)
#define PK_MEBIBYTES(n) ((uint64_t)(n) << 20)
#define PK_GIBIBYTES(n) ((uint64_t)(n) << 30)

/* What a tree may do with one block device. Zero, in any field, means "not asked for"; one field at least is. */
typedef struct pk_device_limit {
    unsigned major, minor; /* of a whole disk, as pk_device_find gives them */
    uint64_t read_bytes;   /* per second; at least 4096 */
    uint64_t write_bytes;  /* likewise; what is written through the page cache counts on most file systems only */
    uint64_t read_ops;     /* operations per second; 2 to 4294967294 */
    uint64_t write_ops;    /* likewise */
    unsigned
        weight; /* 1 to 10000, against its siblings' on this device, which must be one that weighs: see io_weight */
} pk_device_limit;

#define PK_LIMIT_DEVICES  8
#define PK_CPU_LIST_SIZE  256
#define PK_NODE_LIST_SIZE 64

/* What happens when a tree has used up its memory and nothing more can be reclaimed. */
typedef enum pk_oom {
    PK_OOM_KILL_GROUP, /* the whole tree is killed: half a tree is rarely wanted. The default */
    PK_OOM_KILL_ONE,   /* the kernel kills the process it finds best, and the others go on */
} pk_oom;

/*
 * Zero, in any field, means "not asked for". A plain value: it holds no pointers.
 *
 * Sizes are rounded down to whole pages; limits larger than the machine are taken as they are. Processors and memory
 * nodes that cannot be used here are refused.
 */
typedef struct pk_limits {
    size_t size;          /* PK_LIMITS_INIT sets it */
    uint64_t memory_max;  /* bytes of memory; beyond it the kernel kills, see `oom` */
    uint64_t swap_max;    /* bytes of swap on top; 0: none when memory_max is set. PK_UNLIMITED: as much as there is */
    uint64_t pids_max;    /* processes and threads, at most 4194304; starts beyond it fail with EAGAIN, and
                             pk_group_spawn's with PK_ERROR_RESOURCE_LIMIT */
    double cpu_max;       /* processors, such as 0.5 or 2, averaged over 100 ms (below 0.01: over 1 s); 0.001 to 1e6 */
    uint64_t memory_high; /* bytes of memory, at most memory_max; beyond it members are slowed down, nobody is killed */
    pk_oom oom;           /* with memory_max */
    unsigned cpu_weight;  /* 1 to 10000, against its siblings'; what asks for nothing has 100 */
    unsigned io_weight;   /* likewise, on devices that weigh: by BFQ, or by io.cost; on others it has no effect */
    char cpus[PK_CPU_LIST_SIZE];          /* processors the members may run on, such as "0-3,8" */
    char memory_nodes[PK_NODE_LIST_SIZE]; /* NUMA nodes their memory may come from, such as "0" */
    size_t device_count;
    pk_device_limit devices[PK_LIMIT_DEVICES];
} pk_limits;

#define PK_LIMITS_INIT                                                        \
    {                                                                         \
        sizeof(pk_limits), 0, 0, 0, 0, 0, PK_OOM_KILL_GROUP, 0, 0, "", "", 0, \
        {                                                                     \
            {                                                                 \
                0, 0, 0, 0, 0, 0, 0                                           \
            }                                                                 \
        }                                                                     \
    }

/*
 * The whole disk that a word is about: "8:0", the path of a block device, or any other path, which stands for the disk
 * that its file system is on. A partition stands for its disk, since the kernel limits whole disks. Any thread.
 *
 * -EINVAL: an empty word. -ENODEV: no such device, or a file system that is not on one block device (in memory, on the
 * network, on several disks). Otherwise what looking at the path gave: -ENOENT, -EACCES.
 */
PK_API PK_NODISCARD int pk_device_find(const char *name, unsigned *major, unsigned *minor, pk_error *error);

/* ---- How controllers are had ------------------------------------------------------------------------------------ */

/*
 * A cgroup with processes in it cannot enable controllers for the cgroups below it, unless it is the root of the
 * hierarchy, and whether it may is its parent's to say. So groups with limits stand where that can be had, found in
 * this order. As bits, to allow or to demand some of them: see pk_group_options.
 */
typedef enum pk_delegation {
    PK_DELEGATION_ROOT = 1 << 0,    /* this process is in the root of the hierarchy, and may write there */
    PK_DELEGATION_PRESENT = 1 << 1, /* this process is in a leaf of a cgroup that was delegated to it, and whose
                                       controllers are enabled or can be: groups stand beside the leaf */
    PK_DELEGATION_LEAF = 1 << 2,    /* the own cgroup was delegated (Delegate=yes, a container with a writable cgroup
                                       namespace): this process, which must be alone in it but for its guardian, is
                                       moved to a leaf with that. Only if asked for, since it moves the owner; the
                                       cgroup stays divided, and no process can enter it itself any more */
    PK_DELEGATION_SCOPE = 1 << 3,   /* a transient scope, which the service manager of the user or the system makes on
                                       request, over D-Bus. The owner is not moved; a helper of the library lives in
                                       it, and starts the commands if the owner itself may not start any there */
} pk_delegation;

#define PK_DELEGATION_DEFAULT (PK_DELEGATION_ROOT | PK_DELEGATION_PRESENT | PK_DELEGATION_SCOPE)

/* "root", "present", "leaf", "scope" for one bit; "none" for 0, "unknown" otherwise. Static; any thread. */
PK_API const char *pk_delegation_name(pk_delegation bit);

/* The reverse, for one word. -EINVAL for others. Any thread. */
PK_API PK_NODISCARD int pk_delegation_parse(const char *name, pk_delegation *bit, pk_error *error);

PK_END_DECLS

#endif
