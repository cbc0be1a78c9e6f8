/*
 * Reading variables.
 */
#include "env-file.h"

#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int read_variable(const char *where, const char *text, variable_set set, void *data)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        say("%s: NAME=VALUE is expected, with a name that is not empty", where);
        return -1;
    }
    char *name = strndup(text, (size_t)(equals - text));
    if (!name) {
        say("out of memory");
        return -1;
    }
    int r = set(name, equals + 1, data);
    free(name);
    return r;
}

static int read_lines(const char *path, FILE *file, variable_set set, void *data)
{
    char *line = NULL, where[512];
    size_t capacity = 0;
    ssize_t length;
    int r = 0;
    for (unsigned number = 1; r == 0 && (length = getline(&line, &capacity, file)) >= 0; number++) {
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        snprintf(where, sizeof(where), "%s, line %u", path, number);
        if (strlen(line) != (size_t)length) {
            say("%s: there is a NUL byte in it", where);
            r = -1;
        } else if (line[0] != '\0' && line[0] != '#') {
            r = read_variable(where, line, set, data);
        }
    }
    if (r == 0 && ferror(file)) {
        say("cannot read %s: %s", path, strerror(errno));
        r = -1;
    }
    free(line);
    return r;
}

int read_env_file(const char *path, variable_set set, void *data)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        say("cannot open %s: %s", path, strerror(errno));
        return -1;
    }
    int r = read_lines(path, file, set, data);
    fclose(file);
    return r;
}
