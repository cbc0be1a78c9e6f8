/*
 * The link to one reaper: what it was told and what it has said so far.
 *
 * A leader that was started by a reaper has one. Reading never waits. All functions need the lock of the group.
 */
#ifndef PK_CONTAIN_REAPER_LINK_H
#define PK_CONTAIN_REAPER_LINK_H

#include "contain/reaper-protocol.h"

#include <processkit/time.h>

#include <stdbool.h>
#include <sys/types.h>

struct reaper_link {
    struct reaper_link *next; /* in the list of all links of this process */
    struct reaper_link **at;

    int control; /* our end of the socket; -1: closed */
    int theirs;  /* its end, until the reaper has it; -1 */
    pid_t pid;   /* the reaper's */
    int pidfd;   /* likewise: it is a child of this process, which has to take it away in the end */
    bool spared;

    bool leader_ended; /* status, leader_user and leader_system hold */
    bool empty;        /* it has proved that nothing is left */
    bool lost;         /* it is gone, and has not */
    int status;
    pk_duration leader_user, leader_system; /* the leader, with what it waited for */
    pk_duration user, system;               /* everything that was reaped */
    unsigned answers;                       /* to queries */
};

/* With both ends of a socket. NULL, and the errno in *number. */
struct reaper_link *reaper_link_new(int *number);

/* The reaper has its end now. */
void reaper_link_begin(struct reaper_link *link, pid_t pid, int pidfd);

/* Lets go of the reaper: unless its tree was spared, it ends that, and then itself. Takes NULL. */
void reaper_link_free(struct reaper_link *link);

/* Reads what it has said by now. */
int reaper_link_read(struct reaper_link *link);

/* Waits until it says something more, but not for long. */
void reaper_link_listen(const struct reaper_link *link, pk_duration patience);

/* -EPIPE if it is gone. */
int reaper_link_tell(struct reaper_link *link, enum reaper_kind kind, int number);

/* False once it is gone, whatever it may have said before. */
bool reaper_link_is_up(const struct reaper_link *link);

/* Makes it go on if somebody has stopped it. */
void reaper_link_wake(const struct reaper_link *link);

/* Asks for the usage, and waits a moment for the answer. Without one the figures stay those of the last message. */
void reaper_link_ask(struct reaper_link *link);

#endif
