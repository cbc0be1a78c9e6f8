/*
 * Digests that tell whether something is what it was before: against mistakes, not against malice. FNV-1a.
 */
#ifndef PK_CLI_DIGEST_H
#define PK_CLI_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_INIT UINT64_C(0xcbf29ce484222325)

static inline uint64_t digest_add(uint64_t digest, const void *bytes, size_t length)
{
    const unsigned char *next = bytes;
    for (size_t i = 0; i < length; i++)
        digest = (digest ^ next[i]) * UINT64_C(0x100000001b3);
    return digest;
}

/* With its end, so that "a", "bc" is not "ab", "c". */
static inline uint64_t digest_add_number(uint64_t digest, uint64_t number)
{
    return digest_add(digest, &number, sizeof(number));
}

#endif
