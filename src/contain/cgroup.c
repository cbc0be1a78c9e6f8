/*
 * Operations on one cgroup v2 directory.
 */
#include "contain/cgroup.h"

#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static int parse_number(const char *text, uint64_t *value)
{
    if (strncmp(text, "max", 3) == 0) {
        *value = UINT64_MAX;
        return 0;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || errno != 0 || *text == '-')
        return -ENODATA;
    *value = number;
    return 0;
}

const char *cgroup_find_key(const char *text, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        if (*line == '\n')
            line++;
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return line + length + 1;
    }
    return NULL;
}

int cgroup_parse_key(const char *text, const char *key, uint64_t *value)
{
    const char *found = cgroup_find_key(text, key);
    return found ? parse_number(found, value) : -ENODATA;
}

int cgroup_read_key(int dir, const char *file, const char *key, uint64_t *value)
{
    char text[4096];
    ssize_t length = sys_read_attribute(dir, file, text, sizeof(text));
    return length < 0 ? (int)length : cgroup_parse_key(text, key, value);
}

int cgroup_read_number(int dir, const char *file, uint64_t *value)
{
    char text[64];
    ssize_t length = sys_read_attribute(dir, file, text, sizeof(text));
    return length < 0 ? (int)length : parse_number(text, value);
}

bool cgroup_is_gone(int number)
{
    return number == -ENOENT || number == -ENODEV;
}

int cgroup_is_populated(int dir)
{
    uint64_t populated;
    int r = cgroup_read_key(dir, "cgroup.events", "populated", &populated);
    if (cgroup_is_gone(r))
        return 0;
    return r < 0 ? r : populated != 0;
}

int cgroup_is_frozen(int dir)
{
    uint64_t frozen;
    int r = cgroup_read_key(dir, "cgroup.events", "frozen", &frozen);
    return r < 0 ? r : frozen != 0;
}

/* ---- Listing ---------------------------------------------------------------------------------------------------- */

/* Adds the numbers of `text`, which ends with a whole line. */
static int add_pids(const char *text, struct pids *pids)
{
    for (const char *next = text; *next;) {
        char *end;
        long pid = strtol(next, &end, 10);
        if (end == next)
            break;
        if (pid > 0) { /* 0: a process of another pid namespace */
            int r = pids_add(pids, (pid_t)pid);
            if (r < 0)
                return r;
        }
        next = *end ? end + 1 : end;
    }
    return 0;
}

static int list_one(int dir, struct pids *pids)
{
    int fd = sys_openat(dir, "cgroup.procs", O_RDONLY, 0);
    if (fd < 0)
        return fd;

    char buffer[16384];
    size_t kept = 0; /* of a line that is not complete yet */
    ssize_t n;
    int r = 0;
    while (r == 0 && (n = sys_read(fd, buffer + kept, sizeof(buffer) - 1 - kept)) != 0) {
        if (n == -EINTR)
            continue;
        if (n < 0) {
            r = (int)n;
            break;
        }
        size_t length = kept + (size_t)n;
        const char *newline = memrchr(buffer, '\n', length);
        size_t whole = newline ? (size_t)(newline - buffer) + 1 : 0;
        char rest[32];
        kept = length - whole;
        if (kept >= sizeof(rest)) {
            r = -EINVAL;
            break;
        }
        memcpy(rest, buffer + whole, kept);
        buffer[whole] = '\0';
        r = add_pids(buffer, pids);
        memcpy(buffer, rest, kept);
    }
    sys_close(fd);
    return r == -EOPNOTSUPP ? 0 : r; /* a threaded cgroup: its processes are listed in the domain above it */
}

/* How deep cgroups that members made below ours are followed; the kernel's own default limit on depth is none. */
enum { DEEPEST = 64 };

static bool is_below(const struct sys_entry *entry)
{
    enum { IS_DIRECTORY = 4 };
    return entry->type == IS_DIRECTORY && strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0;
}

/* A link count of 2 says that there is none. */
int cgroup_each(int dir, int depth, int (*visit)(int dir, const char *name, int depth, void *data), void *data)
{
    struct stat status;
    int r = sys_fstat(dir, &status);
    if (r < 0 || status.st_nlink == 2)
        return r;
    if (depth >= DEEPEST)
        return -ELOOP;

    int reading = sys_openat(dir, ".", O_RDONLY | O_DIRECTORY, 0);
    if (reading < 0)
        return reading;
    _Alignas(struct sys_entry) char buffer[4096];
    ssize_t size;
    while (r == 0 && (size = sys_getdents(reading, buffer, sizeof(buffer))) != 0) {
        if (size < 0) {
            r = (int)size;
            break;
        }
        for (char *next = buffer; r == 0 && next < buffer + size; next += ((struct sys_entry *)next)->length) {
            struct sys_entry *entry = (struct sys_entry *)next;
            if (is_below(entry))
                r = visit(dir, entry->name, depth + 1, data);
        }
    }
    sys_close(reading);
    return r;
}

static int list_tree(int dir, int depth, struct pids *pids);

static int visit_to_list(int parent, const char *name, int depth, void *data)
{
    int dir = sys_openat(parent, name, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return cgroup_is_gone(dir) ? 0 : dir;
    int r = list_tree(dir, depth, data);
    sys_close(dir);
    return r;
}

static int list_tree(int dir, int depth, struct pids *pids)
{
    int r = list_one(dir, pids);
    if (r == 0)
        r = cgroup_each(dir, depth, visit_to_list, pids);
    return cgroup_is_gone(r) ? 0 : r;
}

int cgroup_list(int dir, struct pids *pids)
{
    return list_tree(dir, 0, pids);
}

/* ---- Acting ----------------------------------------------------------------------------------------------------- */

int cgroup_kill(int dir)
{
    return sys_write_file(dir, "cgroup.kill", "1");
}

int cgroup_freeze(int dir, bool freeze)
{
    return sys_write_file(dir, "cgroup.freeze", freeze ? "1" : "0");
}

int cgroup_may_write(int dir, const char *file)
{
    int fd = sys_openat(dir, file, O_WRONLY, 0);
    sys_close_safe(fd);
    return fd < 0 ? fd : 0;
}

int cgroup_move(int dir, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", pid);
    return sys_write_file(dir, "cgroup.procs", text);
}

static int remove_tree(int parent, const char *name, int depth);

static int visit_to_remove(int parent, const char *name, int depth, void *data)
{
    (void)data;
    return remove_tree(parent, name, depth);
}

static int remove_tree(int parent, const char *name, int depth)
{
    int r = sys_unlinkat(parent, name, AT_REMOVEDIR);
    if (r == -EBUSY) {
        int dir = sys_openat(parent, name, O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
            return cgroup_is_gone(dir) ? 0 : dir;
        /* Members that live here may want the empty cgroups they made; what is below goes only when all are gone. */
        int populated = cgroup_is_populated(dir);
        r = populated == 0 ? cgroup_each(dir, depth, visit_to_remove, NULL) : populated < 0 ? populated : -EBUSY;
        sys_close(dir);
        if (r == 0)
            r = sys_unlinkat(parent, name, AT_REMOVEDIR);
    }
    return cgroup_is_gone(r) ? 0 : r;
}

int cgroup_remove(int parent, const char *name)
{
    return remove_tree(parent, name, 0);
}
