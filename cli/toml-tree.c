/*
 * Trees of TOML, once they are read.
 */
#include "toml.h"

#include <stdlib.h>
#include <string.h>

/* As deep as toml_read lets it be. */
static void release(struct toml_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        release(&node->items[i]);
    free(node->items);
    free(node->text);
    free(node->key);
}

struct toml_node *toml_free(struct toml_node *root)
{
    if (root)
        release(root);
    free(root);
    return NULL;
}

struct toml_node *toml_find(const struct toml_node *table, const char *key)
{
    if (table && table->kind == TOML_TABLE)
        for (size_t i = 0; i < table->count; i++)
            if (strcmp(table->items[i].key, key) == 0)
                return &table->items[i];
    return NULL;
}

const char *toml_kind_name(enum toml_kind kind)
{
    static const char *const names[] = {
        [TOML_TABLE] = "a table",
        [TOML_ARRAY] = "an array",
        [TOML_STRING] = "a string",
        [TOML_INTEGER] = "a whole number",
        [TOML_FLOAT] = "a number with a fraction",
        [TOML_BOOLEAN] = "true or false",
        [TOML_TIME] = "a date or a time",
    };
    return names[kind];
}
