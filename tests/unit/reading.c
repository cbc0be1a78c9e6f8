/*
 * Reading a service file in a test.
 */
#include "reading.h"

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *said;

/* What was said of the file, which is at the beginning of every line. */
static char *without_prefix(const char *text)
{
    static const char prefix[] = "pk: services.toml:";
    size_t size;
    char *lines = NULL;
    FILE *out = open_memstream(&lines, &size);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (strncmp(line, prefix, sizeof(prefix) - 1) != 0 || line[length] != '\n')
            fail_msg("%s", line);
        fprintf(out, "%s%.*s", line == text ? "" : "\n", (int)(length - (sizeof(prefix) - 1)),
                line + sizeof(prefix) - 1);
        line += length + 1;
    }
    fclose(out);
    return lines;
}

const char *read_services(const char *bytes, size_t length, struct service_plans *plans)
{
    size_t size;
    char *text = NULL;
    FILE *before = stderr;
    stderr = open_memstream(&text, &size);
    int r = service_file_parse("services.toml", "/etc", bytes, length, plans);
    fclose(stderr);
    stderr = before;
    assert_int_equal(r, size == 0 ? 0 : -1);
    assert_true(size == 0 || plans->items == NULL);
    free(said);
    said = without_prefix(text);
    free(text);
    return said;
}

void take_services(const char *text, struct service_plans *plans)
{
    const char *lines = read_services(text, strlen(text), plans);
    if (*lines)
        fail_msg("%s", lines);
}
