/*
 * The template of pk batch, and the command that it becomes for an item.
 *
 *     {}    the word             {/}   its base name, as basename(1) has it
 *     {.}   without extension    {//}  its directory, as dirname(1) has it
 *     {#}   the item's number    {/.}  its base name without extension
 *
 * Any other text in braces is just that.
 */
#ifndef PK_CLI_TEMPLATE_H
#define PK_CLI_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

struct template
{
    const char *const *arguments; /* the program first; ends with NULL */
    bool appends;                 /* there is no placeholder: the words come last */
};

/* 0, or -1 after a message: of several words, only those that are arguments of their own can be put in. */
int template_make(struct template *template, const char *const *arguments, size_t most_words);

/* Whether there is any placeholder in it. */
bool template_is_open(const char *argument);

/* A vector that ends with NULL; NULL: memory ran out. Items are counted from 1 here. */
char **template_expand(const struct template *template, char *const *words, size_t count, size_t number);

/* Takes NULL; returns NULL. */
char **template_free(char **argv);

#endif
