/*
 * TOML: bytes to a tree, in which everything knows where it was written.
 */
#ifndef PK_CLI_TOML_H
#define PK_CLI_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Both from 1. Columns are characters, a tab being one. */
struct toml_place {
    unsigned line, column;
};

enum toml_kind { TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOLEAN, TOML_TIME };

struct toml_node {
    enum toml_kind kind;
    struct toml_place place;
    char *key; /* of what is in a table; NULL in an array, and of the root */
    struct toml_place key_place;
    bool told; /* that something is wrong with it: for who reads the tree */

    char *text;              /* STRING, without NUL bytes in it */
    int64_t integer;         /* INTEGER */
    double real;             /* FLOAT */
    bool truth;              /* BOOLEAN */
    struct toml_node *items; /* TABLE, ARRAY: in the order in which they were written */
    size_t count;
};

/* What is wrong, and where. */
struct toml_fault {
    struct toml_place place;
    char text[256];
};

/* More is refused, as is what is nested more deeply than any use there is for it. */
#define TOML_MOST_BYTES ((size_t)8 << 20)

/* The root, a table; NULL, and the first thing that is wrong. `bytes` may have anything in them. */
struct toml_node *toml_read(const char *bytes, size_t length, struct toml_fault *fault);

/* Takes NULL; returns NULL. */
struct toml_node *toml_free(struct toml_node *root);

/* The entry of a table with that key; NULL: there is none, or no table. */
struct toml_node *toml_find(const struct toml_node *table, const char *key);

/* "a table", "an array" and so on. */
const char *toml_kind_name(enum toml_kind kind);

#ifdef __cplusplus
}
#endif

#endif
