/*
 * What the fuzzers share: the entry point that libFuzzer calls, and a way to say that something is wrong.
 */
#ifndef PK_FUZZ_FUZZ_H
#define PK_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Holds for every input, or the fuzzer has found something. */
#define HOLDS(claim)                                                                   \
    do {                                                                               \
        if (!(claim)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim); \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* The input as a string in memory of just that size, so that reading beyond its end is seen. */
static inline char *string_of(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

#endif
