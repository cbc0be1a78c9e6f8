/*
 * Parsing of /proc/self/mountinfo and /proc/self/cgroup.
 */
#include "contain/mountinfo.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int mountinfo_own_path(const char *cgroup_text, char *path, size_t size)
{
    static const char deleted[] = " (deleted)";
    const char *line = cgroup_text;

    while (line && strncmp(line, "0::", 3) != 0) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    const char *start = line ? line + 3 : "/";
    size_t length = strcspn(start, "\n");
    if (length == 0 || start[0] != '/')
        return -EINVAL;
    if (length >= size)
        return -ENAMETOOLONG;
    if (length > strlen(deleted) && strncmp(start + length - strlen(deleted), deleted, strlen(deleted)) == 0)
        return -ENOENT;
    memcpy(path, start, length);
    path[length] = '\0';
    return 0;
}

static bool is_octal(const char *text)
{
    return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' && text[2] >= '0' && text[2] <= '7';
}

/* Copies one field, undoing the kernel's \040 escapes for space, tab, newline and backslash. */
static int copy_field(const char *field, size_t length, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        char c = field[i];
        if (c == '\\' && length - i > 3 && is_octal(field + i + 1)) {
            c = (char)((field[i + 1] - '0') << 6 | (field[i + 2] - '0') << 3 | (field[i + 3] - '0'));
            i += 3;
        }
        if (n + 1 >= size)
            return -ENAMETOOLONG;
        out[n++] = c;
    }
    out[n] = '\0';
    return 0;
}

/* The n-th field of a line, from 0; NULL if it has fewer. */
static const char *field_at(const char *line, const char *end, unsigned n, size_t *length)
{
    while (n-- > 0) {
        line = memchr(line, ' ', (size_t)(end - line));
        if (!line)
            return NULL;
        line++;
    }
    const char *space = memchr(line, ' ', (size_t)(end - line));
    *length = (size_t)((space ? space : end) - line);
    return line;
}

/* Whether the type that follows the separator " - " is cgroup2. */
static bool is_cgroup2(const char *line, const char *end)
{
    static const char type[] = " - cgroup2 ";
    return memmem(line, (size_t)(end - line), type, strlen(type)) != NULL;
}

/* The rest of `path` below `root`: "" or "/..."; NULL if it is not below. */
static const char *path_below(const char *path, const char *root)
{
    if (strcmp(root, "/") == 0)
        return strcmp(path, "/") == 0 ? "" : path;
    size_t length = strlen(root);
    if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
        return NULL;
    return path + length;
}

int mountinfo_find_directory(const char *mountinfo_text, const char *own_path, char *mount, char *directory,
                             size_t size)
{
    enum { ROOT = 3, MOUNT_POINT = 4 };
    bool mounted = false;

    /* A process outside its own cgroup namespace sees itself at "/../...", which no mount shows. */
    bool visible = strncmp(own_path, "/..", 3) != 0 || (own_path[3] != '/' && own_path[3] != '\0');

    for (const char *line = mountinfo_text; *line;) {
        const char *end = strchrnul(line, '\n');
        size_t root_length = 0, mount_length = 0;
        const char *root_field = field_at(line, end, ROOT, &root_length);
        const char *mount_field = field_at(line, end, MOUNT_POINT, &mount_length);
        char root[PATH_MAX];
        if (mount_field && is_cgroup2(line, end) && copy_field(root_field, root_length, root, sizeof(root)) == 0 &&
            copy_field(mount_field, mount_length, mount, size) == 0 && root[0] == '/' && mount[0] == '/') {
            const char *rest = visible ? path_below(own_path, root) : NULL;
            if (rest)
                return (size_t)snprintf(directory, size, "%s%s", mount, rest) < size ? 0 : -ENAMETOOLONG;
            mounted = true;
        }
        line = *end ? end + 1 : end;
    }
    return mounted ? -EXDEV : -ENOENT;
}
