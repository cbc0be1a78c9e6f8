/*
 * What a group is inside, and what a mechanism has to be able to do.
 *
 * A mechanism is one const table in one file. Everything else works through the table and never asks which one it has.
 */
#ifndef PK_CONTAIN_BACKEND_H
#define PK_CONTAIN_BACKEND_H

#include "base/pids.h"
#include "contain/evidence.h"
#include "contain/leader.h"
#include "contain/owner.h"
#include "contain/tracked.h"

#include <processkit/group.h>

#include <pthread.h>

struct spawner;
struct stage;

/* How the next child gets into the group. */
struct placement {
    int cgroup_fd; /* a directory to be born into, or -1 */
    bool own_pgid; /* leads a process group of its own */
    bool reaper;   /* below a reaper of its own */
    bool apart;    /* in a copy of the owner's memory, not in that itself */
    uint64_t most; /* processes, which the kernel does not look at when one enters by a write; 0: any number */

    /* What it is limited by, with cgroup_fd: the directory that counts for it. */
    const pk_limits *limits;
    int counted_fd;

    /* What makes it in our place; NULL: we do. It stays until `unplace`. */
    struct spawner *spawner;
};

/* All functions are called with the group's lock held and return a negative errno on failure. */
struct backend {
    pk_mechanism mechanism;
    unsigned guarantees;
    bool has_limits;
    bool needs_guardian; /* for what it promises when the owner dies */
    bool keeps_zombies;  /* of leaders: their numbers must not be recycled yet */

    /* Prepares an empty group, limits included. Leaves nothing behind on failure. */
    int (*open)(pk_group *group, pk_error *error);

    /* Releases what the group holds; it can still be used. -EBUSY if it has members. Cheaper than is_empty, and as good
     * a proof. `keep_usage`: what they used, and evidence, is to be asked for later. */
    int (*close)(pk_group *group, bool keep_usage);

    /* Releases the handle's part in any case; what is not empty is left as it is. */
    void (*abandon)(pk_group *group);

    /*
     * Where the next child is to be born; the place cannot go away until `unplace`, which follows each success. A place
     * that turned out to be `spoiled`, deleted or killed, is not given again.
     */
    int (*place)(pk_group *group, struct placement *placement, pk_error *error);
    void (*unplace)(pk_group *group, bool spoiled);

    /* A child was born there. */
    void (*born)(pk_group *group, struct leader *leader);

    /* The members are to survive the owner, or no longer. May be NULL: nothing ends them with it. */
    void (*spare)(pk_group *group, bool spare);

    int (*adopt)(pk_group *group, pid_t pid, int pidfd);

    /* Adds the members. Processes that have ended may be among them. */
    int (*list)(pk_group *group, struct pids *pids);

    /* Whether that process is among them, or was when it ended: 1 or 0; -ESRCH if there is none any more. May be NULL:
     * then the list tells. */
    int (*has)(pk_group *group, pid_t pid);

    /* The same for people, at most `capacity` of them; how many there are. NULL: those of the list that are alive. */
    int (*describe)(pk_group *group, pk_member *members, size_t capacity);

    /* 1 when no member is alive. */
    int (*is_empty)(pk_group *group);

    /* A new descriptor that gets `events` when is_empty may have changed, or a negative errno if there is no such
     * thing. With POLLPRI, and late; or with POLLIN, at once, and then each look needs a new one. */
    int (*open_events)(pk_group *group);
    short events;

    /* The hard kill. 1 if it has to be repeated until the group is empty, because it goes from member to member. */
    int (*kill)(pk_group *group);

    /* Any signal but SIGKILL, to all but the process group `skip_pgid`. */
    int (*signal)(pk_group *group, int signal_number, pid_t skip_pgid);

    int (*suspend)(pk_group *group);
    int (*resume)(pk_group *group);

    int (*usage)(pk_group *group, pk_usage *usage);

    /* May be NULL: there is none. */
    int (*evidence)(pk_group *group, struct evidence *evidence);

    int (*set_limits)(pk_group *group, const pk_limits *limits, pk_error *error);
    int (*get_limits)(pk_group *group, pk_limits *limits, pk_error *error);
};

extern const struct backend backend_cgroup2;
extern const struct backend backend_reaper;
extern const struct backend backend_process_group;

/* One cgroup directory of a group: the newest takes new members; older ones were killed and are waited for. */
struct cgroup_dir {
    struct cgroup_dir *next;
    struct owner_entry entry;
    bool placed; /* a child is being born into it */
    bool killed; /* poisoned for CLONE_INTO_CGROUP: takes no new members */
    bool swept;  /* cgroup.kill failed: members are killed one by one, frozen meanwhile */
    bool used;   /* somebody was born into it, or came */
};

struct group_locks {
    pthread_mutex_t birth;
    pthread_mutex_t lock;
};

struct pk_group {
    const struct backend *backend;
    uint64_t epoch; /* of the process that made it: a forked child's copy is inert */
    unsigned required;
    unsigned guarantees;
    pk_limits limits;
    unsigned delegations; /* that are allowed */
    enum site_kind site;
    pk_delegation delegation; /* that is used: 0 without limits */
    char *refusal;            /* where guardians matter: room for a message */
    char path[512];

    /* Held while a child is being born, and while the group is frozen, or given limits: a child born into a frozen
     * group would never return from vfork, and its parent with it. Taken before `lock`. */
    pthread_mutex_t *birth;
    pthread_mutex_t *lock;        /* everything below */
    struct group_locks own_locks; /* those; of a branch they are its trunk's */
    pk_group *trunk;              /* that it is a branch of, which outlives it; NULL: it is none */
    unsigned branches;            /* made of it so far */
    bool suspended;
    bool spared;
    unsigned kills; /* so far: tells a spawn that the group was killed while it was busy */
    struct leader *leaders;
    pk_group *next; /* in the list of live groups */
    pk_group **link;

    struct stage *stage; /* where leaders are played: src/process/runner.h; NULL: they are processes */

    struct cgroup_dir *dirs;
    struct spawner *spawner; /* that makes the child that is being born */
    pk_usage past;           /* of directories that were removed */
    struct evidence past_evidence;
    bool wants_evidence; /* at the end of a run, though it has no limits */
    bool may_reuse;      /* a directory that has counted before is as good */
    bool controllers;
    struct tracked *tracked;
    struct tracked *reserve; /* for the child that is being born */
};

#endif
