/*
 * What owner and reaper say to each other: messages of one fixed size and version, over a socket that keeps them apart.
 * The end of the socket is a message too: to the reaper that the owner is gone, to the owner that the reaper is.
 *
 * Shared with the helper, which has no C library: types and pure functions only.
 */
#ifndef PK_CONTAIN_REAPER_PROTOCOL_H
#define PK_CONTAIN_REAPER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REAPER_MAGIC   UINT32_C(0x706b5265)
#define REAPER_VERSION 1

enum reaper_kind {
    /* From the owner. */
    REAPER_KILL = 1, /* end everything, and prove it */
    REAPER_SPARE,    /* number 1: the tree may outlive the owner; 0: no longer */
    REAPER_QUERY,    /* answer with REAPER_USAGE */

    /* From the reaper. */
    REAPER_LEADER, /* the leader has ended: status, and its own usage with those it waited for */
    REAPER_USAGE,  /* of everything that was reaped so far */
    REAPER_EMPTY,  /* its own wait said that no child is left: the tree is gone. Usage as above; then it ends */
};

struct reaper_message {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    int32_t number; /* SPARE: 0 or 1; LEADER: the status as wait(2) gives it */
    uint32_t reserved;
    uint64_t cpu_user; /* nanoseconds */
    uint64_t cpu_system;
    uint64_t memory_peak; /* bytes: the largest of one process */
    uint64_t reserved_too[3];
};

_Static_assert(sizeof(struct reaper_message) == 64, "both sides rely on the size");

static inline bool reaper_message_is_valid(const struct reaper_message *message, size_t size, bool from_owner)
{
    if (size != sizeof(*message) || message->magic != REAPER_MAGIC || message->version != REAPER_VERSION)
        return false;
    if (from_owner)
        return message->kind >= REAPER_KILL && message->kind <= REAPER_QUERY;
    return message->kind >= REAPER_LEADER && message->kind <= REAPER_EMPTY;
}

#endif
