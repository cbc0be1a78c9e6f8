/*
 * A parcel: the plan of a spawn in one piece of shared memory, for a spawner.
 *
 * The structures are those that the child uses anyway, with offsets from the beginning in the place of pointers; the
 * spawner makes them pointers again, at the address where the memory is with it. What the child says about itself, in
 * `birth`, is read by the owner in the same memory.
 *
 * Shared with the helper, which has no C library: types only.
 */
#ifndef PK_PROCESS_PARCEL_H
#define PK_PROCESS_PARCEL_H

#include "process/child.h"

enum { PARCEL_MAGIC = 0x706b5061 };

/* Changed once, from OFFERED, and by one side: an owner that has lost patience can be sure that no child comes later.
 */
enum parcel_state { PARCEL_OFFERED, PARCEL_TAKEN, PARCEL_WITHDRAWN };

struct parcel {
    uint32_t magic;
    uint32_t layout[4]; /* sizes: a helper that was built from other structures cannot read it */
    _Atomic int state;
    _Atomic int pid;  /* of the child: written by the kernel before the child runs; 0: there is none */
    int pidfd;        /* for the spawner's use */
    pid_t pgid;       /* the process group that the child joins; 0: it makes one of its own */
    bool keep_place;  /* the directory it begins in does not matter: it goes to one that begins with a slash */
    uint64_t ignored; /* signals that the child is to ignore: bit n - 1 for signal n */
    struct birth birth;
    struct plan plan;
    struct pk_command command;
};

#define PARCEL_LAYOUT                                                                               \
    {                                                                                               \
        sizeof(struct parcel), sizeof(struct birth), sizeof(struct plan), sizeof(struct pk_command) \
    }

#endif
