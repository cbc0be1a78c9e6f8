/*
 * The plans of a file.
 */
#include "service-file.h"

#include <stdlib.h>
#include <string.h>

void service_plans_free(struct service_plans *plans)
{
    for (size_t i = 0; i < plans->count; i++)
        service_plan_free(plans->items[i]);
    free(plans->items);
    *plans = (struct service_plans){0};
}

struct service_plan *service_plans_find(const struct service_plans *plans, const char *name)
{
    for (size_t i = 0; i < plans->count; i++)
        if (plans->items[i] && strcmp(plans->items[i]->name, name) == 0)
            return plans->items[i];
    return NULL;
}

/* ---- Shown ------------------------------------------------------------------------------------------------------- */

static bool is_variable(const char *line)
{
    return strncmp(line, "environment.", 12) == 0 || strncmp(line, "env-file.", 9) == 0;
}

/* That of the service, or one that asks. */
static bool is_command(const char *line, const char *end)
{
    static const char word[] = "command";
    const char *begin = end - (sizeof(word) - 1);
    return begin >= line && strncmp(begin, word, sizeof(word) - 1) == 0 && (begin == line || begin[-1] == '.');
}

/* Settings are texts in quotes, with an escape before any that is a part of one. */
static const char *end_of_text(const char *text)
{
    for (text++; *text && *text != '"'; text++)
        if (*text == '\\')
            text++;
    return *text ? text + 1 : text;
}

static void show_line(const char *line, FILE *out)
{
    char safe[1024];
    char *copy = strdup(line);
    char *values = copy ? strstr(copy, " = ") : NULL;
    if (values && is_variable(copy)) {
        *values = '\0';
    } else if (values && is_command(copy, values)) {
        char *rest = copy + (end_of_text(values + 3) - copy);
        unsigned arguments = 0;
        for (const char *next = rest; *next; next = end_of_text(next + 1))
            arguments++;
        *rest = '\0';
        fprintf(out, "  %s, %u argument%s\n", pk_format_text(copy, safe, sizeof(safe)), arguments,
                arguments == 1 ? "" : "s");
        free(copy);
        return;
    }
    if (copy)
        fprintf(out, "  %s\n", pk_format_text(copy, safe, sizeof(safe)));
    free(copy);
}

void service_plans_show(const struct service_plans *plans, FILE *out)
{
    for (size_t i = 0; i < plans->count; i++) {
        char *text = strdup(plans->items[i]->settings), *rest = text;
        fprintf(out, "%s:\n", plans->items[i]->name);
        for (char *line; (line = strsep(&rest, "\n")) && *line;)
            show_line(line, out);
        free(text);
    }
}
