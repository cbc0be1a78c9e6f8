/*
 * What a process has from its parent, and a child of a spawner would otherwise have from the spawner: as it was when
 * that was started.
 */
#ifndef PK_CONTAIN_HERITAGE_H
#define PK_CONTAIN_HERITAGE_H

#include <processkit/error.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { HERITAGE_LIMITS = 16, HERITAGE_PROCESSORS = 1024 };

struct heritage {
    /* Passed on as they are at the moment. */
    uint64_t limits[HERITAGE_LIMITS][2];
    unsigned long affinity[HERITAGE_PROCESSORS / 8 / sizeof(unsigned long)];
    int nice;
    int io_class, io_level;
    bool knows_affinity, knows_nice, knows_io; /* false: on a machine with very many processors, or by a filter */
    mode_t umask;
    pid_t process_group;

    /* Never passed on: if they have changed, the spawner is no parent in the place of this process. */
    uint64_t users;  /* of user and group ids and supplementary groups: a hash */
    uint64_t rights; /* likewise: capabilities, no_new_privs and seccomp filters */
    pid_t session;
    dev_t root_device;
    ino_t root_inode;
};

/* As it is now, for the calling thread. */
int heritage_take(struct heritage *heritage, pk_error *error);

/* 0; or -EPERM, with an error that says what has changed since. */
int heritage_compare(const struct heritage *then, const struct heritage *now, pk_error *error);

#endif
