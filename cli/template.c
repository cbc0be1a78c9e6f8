/*
 * Putting words into a template. Whatever a placeholder makes of a word is a part of it.
 */
#include "template.h"

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum placeholder { WORD, WITHOUT_EXTENSION, BASE, DIRECTORY, BASE_WITHOUT_EXTENSION, NUMBER, NONE };

static const char *const names[] = {
    [WORD] = "{}",        [WITHOUT_EXTENSION] = "{.}",       [BASE] = "{/}",
    [DIRECTORY] = "{//}", [BASE_WITHOUT_EXTENSION] = "{/.}", [NUMBER] = "{#}",
};

/* The one that the text begins with. */
static enum placeholder placeholder_at(const char *text)
{
    enum placeholder which = WORD;
    while (which < NONE && strncmp(text, names[which], strlen(names[which])) != 0)
        which++;
    return which;
}

/* ---- Parts of a word -------------------------------------------------------------------------------------------- */

struct part {
    const char *begin;
    size_t length;
};

static struct part text_part(const char *text)
{
    return (struct part){text, strlen(text)};
}

static size_t without_slashes(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '/')
        length--;
    return length;
}

static size_t name_begin(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] != '/')
        length--;
    return length;
}

static struct part base(const char *word)
{
    size_t end = without_slashes(word, strlen(word));
    size_t begin = name_begin(word, end);
    return end == 0 && word[0] == '/' ? text_part("/") : (struct part){word + begin, end - begin};
}

static struct part directory(const char *word)
{
    size_t end = without_slashes(word, strlen(word));
    size_t length = without_slashes(word, name_begin(word, end));
    if (length > 0)
        return (struct part){word, length};
    return text_part(word[0] == '/' ? "/" : ".");
}

/* From the last dot of the name on, unless the name begins or ends with that: .profile has none. */
static struct part without_extension(struct part part)
{
    size_t begin = name_begin(part.begin, part.length);
    size_t dot = part.length;
    while (dot > begin && part.begin[dot - 1] != '.')
        dot--;
    if (dot > begin + 1 && dot < part.length)
        part.length = dot - 1;
    return part;
}

static struct part part_of(enum placeholder which, const char *word)
{
    switch (which) {
    case WITHOUT_EXTENSION:
        return without_extension(text_part(word));
    case BASE:
        return base(word);
    case DIRECTORY:
        return directory(word);
    case BASE_WITHOUT_EXTENSION:
        return without_extension(base(word));
    default:
        return text_part(word);
    }
}

/* ---- Checking --------------------------------------------------------------------------------------------------- */

/* Nothing is before or behind it. */
static bool is_alone(const char *argument, enum placeholder which)
{
    return which < NONE && argument[strlen(names[which])] == '\0';
}

static enum placeholder find(const char **text)
{
    enum placeholder which = NONE;
    while (**text && (which = placeholder_at(*text)) == NONE)
        (*text)++;
    return which;
}

bool template_is_open(const char *argument)
{
    return find(&argument) != NONE;
}

/* The first that only one word could be put into. */
static const char *find_embedded(const char *argument)
{
    if (is_alone(argument, placeholder_at(argument)))
        return NULL;
    enum placeholder which;
    while ((which = find(&argument)) == NUMBER)
        argument += strlen(names[NUMBER]);
    return which < NONE ? names[which] : NULL;
}

int template_make(struct template *template, const char *const *arguments, size_t most_words)
{
    *template = (struct template){.arguments = arguments, .appends = true};
    for (const char *const *argument = arguments; *argument; argument++) {
        const char *embedded = most_words > 1 ? find_embedded(*argument) : NULL;
        if (embedded) {
            say("%s in '%s': several words (--max-args) can only take the place of a whole argument", embedded,
                *argument);
            return -1;
        }
        template->appends &= !template_is_open(*argument);
    }
    return 0;
}

/* ---- Expanding -------------------------------------------------------------------------------------------------- */

struct vector {
    char **items;
    size_t count;
    bool failed; /* memory ran out */
};

/* Takes the text. */
static void add(struct vector *vector, char *text)
{
    char **larger = text ? reallocarray(vector->items, vector->count + 2, sizeof(char *)) : NULL;
    if (!larger) {
        free(text);
        vector->failed = true;
        return;
    }
    vector->items = larger;
    vector->items[vector->count++] = text;
    vector->items[vector->count] = NULL;
}

/* How long it becomes, and what, unless `out` is NULL. */
static size_t fill(const char *argument, const char *word, const char *number, char *out)
{
    size_t length = 0;
    while (*argument) {
        enum placeholder which = placeholder_at(argument);
        struct part part = {argument, 1};
        if (which < NONE)
            part = which == NUMBER ? text_part(number) : part_of(which, word);
        if (out)
            memcpy(out + length, part.begin, part.length);
        length += part.length;
        argument += which < NONE ? strlen(names[which]) : 1;
    }
    return length;
}

static void add_filled(struct vector *vector, const char *argument, const char *word, const char *number)
{
    size_t length = fill(argument, word, number, NULL);
    char *text = malloc(length + 1);
    if (text) {
        fill(argument, word, number, text);
        text[length] = '\0';
    }
    add(vector, text);
}

static void add_argument(struct vector *vector, const char *argument, char *const *words, size_t count,
                         const char *number)
{
    enum placeholder which = placeholder_at(argument);
    if (!is_alone(argument, which) || which == NUMBER) {
        add_filled(vector, argument, count > 0 ? words[0] : "", number);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add_filled(vector, argument, words[i], number);
}

char **template_expand(const struct template *template, char *const *words, size_t count, size_t number)
{
    struct vector vector = {0};
    char digits[24];
    snprintf(digits, sizeof(digits), "%zu", number);
    for (const char *const *argument = template->arguments; *argument; argument++)
        add_argument(&vector, *argument, words, count, digits);
    for (size_t i = 0; template->appends && i < count; i++)
        add(&vector, strdup(words[i]));
    return vector.failed ? template_free(vector.items) : vector.items;
}

char **template_free(char **argv)
{
    for (char **argument = argv; argument && *argument; argument++)
        free(*argument);
    free(argv);
    return NULL;
}
