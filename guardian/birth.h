/*
 * Making the owner's child from a parcel.
 */
#ifndef PK_GUARDIAN_BIRTH_H
#define PK_GUARDIAN_BIRTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum birth_way { BIRTH_PLAIN, BIRTH_INTO, BIRTH_JOIN };

struct childbirth {
    void *parcel; /* the owner's memory */
    size_t size;
    enum birth_way way;
    bool legacy;
    int cgroup;         /* INTO: the directory; JOIN: its cgroup.procs */
    int directory;      /* to start in */
    int lease;          /* stays open until exec */
    const int *sources; /* what the child is to find, as the parcel counts them */
    size_t source_count;

    int pidfd; /* of the child */
};

enum { NOT_A_PARCEL = -71 /* EPROTO */, WITHDRAWN = -125 /* ECANCELED */ };

/* The child's pid, the errno of the clone, or, before there was any, one of the two above. */
int give_birth(struct childbirth *childbirth);

#endif
