/*
 * Searching for prompts.
 */
#include "io/prompt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Such lines are there for their text only. */
static bool is_nothing(const pk_line *line)
{
    return line->length == 0 && (line->end == PK_LINE_PIECE || line->end == PK_LINE_EOF);
}

bool prompt_take_rest(struct prompt *prompt, pk_line *line)
{
    bool has_rest = prompt->has_rest;
    if (has_rest)
        *line = prompt->line;
    prompt->has_rest = false;
    return has_rest;
}

bool prompt_cut(struct prompt *prompt, pk_line *line)
{
    size_t cut = prompt->passed < line->length ? prompt->passed : line->length;
    line->text += cut;
    line->length -= cut;
    prompt->passed = 0;
    return cut == 0 || !is_nothing(line);
}

int prompt_find(struct prompt *prompt, const pk_line *line, const char *text)
{
    const char *found = memmem(line->text, line->length, text, strlen(text));
    if (!found)
        return 0;
    pk_line rest = *line;
    rest.text = found + strlen(text);
    rest.length = (size_t)(line->text + line->length - rest.text);
    char *copy = malloc(rest.length + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, rest.text, rest.length);
    copy[rest.length] = '\0';
    rest.text = copy;
    free(prompt->rest); /* in which the line may be */
    prompt->rest = copy;
    prompt->line = rest;
    prompt->has_rest = !is_nothing(&rest);
    return 1;
}

bool prompt_find_pending(struct prompt *prompt, const char *bytes, size_t length, const char *text)
{
    size_t from = prompt->passed < length ? prompt->passed : length;
    const char *found = memmem(bytes + from, length - from, text, strlen(text));
    if (!found)
        return false;
    prompt->passed = (size_t)(found - bytes) + strlen(text);
    return true;
}

void prompt_reset(struct prompt *prompt)
{
    free(prompt->rest);
    *prompt = (struct prompt){0};
}
