/*
 * SHA-256 (FIPS 180-4), for what must be told apart and not be told.
 */
#ifndef PK_BASE_SHA256_H
#define PK_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64, SHA256_TEXT = 2 * SHA256_SIZE + 1 };

struct sha256 {
    uint32_t state[8];
    uint64_t length; /* of all that was added */
    unsigned char block[SHA256_BLOCK];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
void sha256_end(struct sha256 *hash, unsigned char digest[SHA256_SIZE]);

/* As 64 hexadecimal digits and a NUL. */
void sha256_format(const unsigned char digest[SHA256_SIZE], char text[SHA256_TEXT]);

#endif
