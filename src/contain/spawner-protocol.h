/*
 * What owner and spawner say to each other: the owner asks, in messages of one fixed size and version, with descriptors
 * beside them. Each request brings the socket to answer on, so that many threads may ask at once. The end of such a
 * socket is a message too: whoever held it has ended, or has become a program.
 *
 * Shared with the helper, which has no C library: types and pure functions only.
 */
#ifndef PK_CONTAIN_SPAWNER_PROTOCOL_H
#define PK_CONTAIN_SPAWNER_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPAWNER_MAGIC   UINT32_C(0x706b5370)
#define SPAWNER_VERSION 1
#define SPAWNER_NAME    96

enum {
    SPAWNER_MOST_SOURCES = 240, /* descriptors for the child */
    SPAWNER_LEAST_LIMIT = 512,  /* descriptors a spawner can have, if its hard limit allows that */
};

enum spawner_kind {
    SPAWNER_SPAWN = 1, /* start the command in the parcel */
    SPAWNER_GUARD,     /* start a guardian for the directory `name` */
};

enum spawner_flag {
    SPAWNER_INTO = 1 << 0,   /* SPAWN: into the cgroup whose directory comes along */
    SPAWNER_JOIN = 1 << 1,   /* SPAWN: the child enters its cgroup by its cgroup.procs, which comes along */
    SPAWNER_LEGACY = 1 << 2, /* SPAWN: by the old clone */
    SPAWNER_MAKE = 1 << 3,   /* GUARD: the guardian makes the directory */
};

/* Which descriptor is which. */
enum {
    SPAWN_ANSWER,
    SPAWN_PARCEL,
    SPAWN_DIRECTORY, /* to start in */
    SPAWN_FIXED,     /* then the cgroup, if one comes along, and then what the child is to find */
};
enum { GUARD_CONTROL, GUARD_OWNER, GUARD_PARENT, GUARD_FIXED }; /* the answer comes on the control socket */

struct spawner_request {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint32_t flags;
    uint32_t descriptors; /* how many come along */
    uint64_t parcel_size; /* SPAWN */
    char name[SPAWNER_NAME];
    uint64_t reserved;
};

_Static_assert(sizeof(struct spawner_request) == 128, "both sides rely on the size");

/* The call that failed. */
enum spawner_call { SPAWNER_NONE, SPAWNER_RECEIVE, SPAWNER_MAP, SPAWNER_CLONE, SPAWNER_MKDIR, SPAWNER_SETSID };

struct spawner_answer {
    uint32_t magic;
    uint16_t version;
    uint16_t call;
    int32_t number; /* the pid, whose pidfd comes along for a command; or a negative errno */
    uint32_t reserved;
};

_Static_assert(sizeof(struct spawner_answer) == 16, "both sides rely on the size");

/* One plain name, ended by NUL, so that no message leads out of the parent directory. */
static inline bool spawner_name_is_valid(const char *name)
{
    size_t length = 0;
    for (; length < SPAWNER_NAME && name[length] != '\0'; length++)
        if (name[length] == '/')
            return false;
    bool dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
    return length > 0 && length < SPAWNER_NAME && !dots;
}

/* How many descriptors are not the child's. */
static inline uint32_t spawner_fixed(const struct spawner_request *request)
{
    if (request->kind == SPAWNER_GUARD)
        return GUARD_FIXED;
    return SPAWN_FIXED + (request->flags & (SPAWNER_INTO | SPAWNER_JOIN) ? 1 : 0);
}

static inline bool spawner_flags_are_valid(const struct spawner_request *request)
{
    uint32_t flags = request->flags;
    if (request->kind == SPAWNER_GUARD)
        return (flags & ~(uint32_t)SPAWNER_MAKE) == 0;
    if (flags & ~(uint32_t)(SPAWNER_INTO | SPAWNER_JOIN | SPAWNER_LEGACY))
        return false;
    return !(flags & SPAWNER_INTO) || !(flags & (SPAWNER_JOIN | SPAWNER_LEGACY));
}

/* Whether `size` bytes that were received are a request. Whether all its descriptors came is another question. */
static inline bool spawner_request_is_valid(const struct spawner_request *request, size_t size)
{
    if (size != sizeof(*request) || request->magic != SPAWNER_MAGIC || request->version != SPAWNER_VERSION ||
        (request->kind != SPAWNER_SPAWN && request->kind != SPAWNER_GUARD) || !spawner_flags_are_valid(request))
        return false;
    uint32_t fixed = spawner_fixed(request);
    if (request->kind == SPAWNER_GUARD)
        return request->descriptors == fixed && spawner_name_is_valid(request->name);
    return request->descriptors >= fixed && request->descriptors <= fixed + SPAWNER_MOST_SOURCES;
}

static inline bool spawner_answer_is_valid(const struct spawner_answer *answer, size_t size)
{
    return size == sizeof(*answer) && answer->magic == SPAWNER_MAGIC && answer->version == SPAWNER_VERSION &&
           answer->number != 0;
}

#endif
