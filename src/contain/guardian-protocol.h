/*
 * What owner and guardian say to each other: the owner speaks, in messages of one fixed size and version, over a
 * socket that keeps them apart; the guardian never answers. The end of the socket is a message too: the owner is gone.
 *
 * Shared with the helper, which has no C library: types and pure functions only.
 */
#ifndef PK_CONTAIN_GUARDIAN_PROTOCOL_H
#define PK_CONTAIN_GUARDIAN_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARDIAN_MAGIC   UINT32_C(0x706b6744)
#define GUARDIAN_VERSION 1
#define GUARDIAN_NAME    24

enum guardian_kind {
    GUARDIAN_SPARE = 1, /* leave the members of this directory running when the owner ends */
    GUARDIAN_UNSPARE,   /* no longer */
    GUARDIAN_TAKE,      /* the owner is done with this directory: kill what is in it, unless spared, and remove it */
};

struct guardian_message {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    char name[GUARDIAN_NAME]; /* of a directory in the owner's directory; the rest of the field is zero */
};

_Static_assert(sizeof(struct guardian_message) == 32, "both sides rely on the size");

/* "g" and a number: nothing else is a name, so that no message can lead out of the owner's directory. */
static inline bool guardian_name_is_valid(const char *name)
{
    size_t length = 1;
    if (name[0] != 'g')
        return false;
    while (length < GUARDIAN_NAME && name[length] >= '0' && name[length] <= '9')
        length++;
    if (length == 1 || length == GUARDIAN_NAME)
        return false;
    for (size_t i = length; i < GUARDIAN_NAME; i++)
        if (name[i] != '\0')
            return false;
    return true;
}

/* Whether `size` bytes that were received are a message. */
static inline bool guardian_message_is_valid(const struct guardian_message *message, size_t size)
{
    return size == sizeof(*message) && message->magic == GUARDIAN_MAGIC && message->version == GUARDIAN_VERSION &&
           message->kind >= GUARDIAN_SPARE && message->kind <= GUARDIAN_TAKE && guardian_name_is_valid(message->name);
}

#endif
