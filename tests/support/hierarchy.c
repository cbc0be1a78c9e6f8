/*
 * Finding, delegating and sweeping cgroup v2 directories.
 */
#include "hierarchy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REMOVE_PATIENCE_MS = 2000 };

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

static bool read_own_line(char own[PATH_MAX])
{
    char line[PATH_MAX + 8];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = '\0';
        found = strncmp(line, "0::", 3) == 0 && strlen(line + 3) < PATH_MAX;
        if (found)
            strcpy(own, line + 3);
    }
    fclose(file);
    return found;
}

/* A mount may show only a part of the hierarchy: its root is in the fourth field of a mountinfo line. */
static bool read_mount(char root[PATH_MAX], char mount[PATH_MAX])
{
    char line[3 * PATH_MAX];
    bool found = false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof(line), file)) {
        found = strstr(line, " - cgroup2 ") && sscanf(line, "%*d %*d %*s %4095s %4095s", root, mount) == 2;
    }
    fclose(file);
    return found;
}

bool hierarchy_own(char path[PATH_MAX])
{
    char own[PATH_MAX], root[PATH_MAX], mount[PATH_MAX];
    if (!read_own_line(own) || !read_mount(root, mount))
        return false;
    size_t hidden = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(own, root, hidden) != 0)
        return false;
    const char *below = strcmp(own + hidden, "/") == 0 ? "" : own + hidden;
    return snprintf(path, PATH_MAX, "%s%s", mount, below) < PATH_MAX;
}

bool hierarchy_is_writable(const char *path)
{
    return access(path, W_OK | X_OK) == 0;
}

bool hierarchy_has_controllers(const char *path)
{
    char file[PATH_MAX + 32], line[512] = "";
    snprintf(file, sizeof(file), "%s/cgroup.controllers", path);
    FILE *controllers = fopen(file, "re");
    if (!controllers)
        return false;
    if (!fgets(line, sizeof(line), controllers))
        line[0] = '\0';
    fclose(controllers);
    return strstr(line, "memory") && strstr(line, "pids") && (strstr(line, "cpu ") || strstr(line, "cpu\n"));
}

/* ---- Delegating ------------------------------------------------------------------------------------------------- */

static bool write_text(const char *directory, const char *name, const char *text)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

/* With controllers, where there are some to give. */
bool hierarchy_delegate(const char *place, uid_t user, char path[PATH_MAX])
{
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};
    char file[PATH_MAX + 32];
    if (snprintf(path, PATH_MAX, "%s/tests-%d", place, getpid()) >= PATH_MAX)
        return false;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return false;
    if (hierarchy_has_controllers(place))
        write_text(place, "cgroup.subtree_control", "+memory +pids +cpu");
    bool given = chown(path, user, (gid_t)-1) == 0;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(file, sizeof(file), "%s/%s", path, files[i]);
        given = chown(file, user, (gid_t)-1) == 0 && given;
    }
    if (!given)
        hierarchy_remove(path);
    return given;
}

bool hierarchy_enable(const char *path, const char *controller)
{
    char text[64];
    snprintf(text, sizeof(text), "+%s", controller);
    return write_text(path, "cgroup.subtree_control", text);
}

bool hierarchy_enter(const char *path)
{
    return write_text(path, "cgroup.procs", "0");
}

/* ---- Removing --------------------------------------------------------------------------------------------------- */

static void remove_below(const char *path)
{
    char child[PATH_MAX];
    DIR *directory = opendir(path);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (snprintf(child, sizeof(child), "%s/%s", path, entry->d_name) < (int)sizeof(child))
            hierarchy_remove(child);
    }
    closedir(directory);
}

/* A cgroup stays busy for a moment after its last member is gone, and nothing tells when that moment is over. */
void hierarchy_remove(const char *path)
{
    write_text(path, "cgroup.kill", "1");
    for (int waited = 0; waited < REMOVE_PATIENCE_MS; waited++) {
        remove_below(path);
        if (rmdir(path) == 0 || errno == ENOENT)
            return;
        poll(NULL, 0, 1);
    }
    fprintf(stderr, "cannot remove the cgroup %s: %s\n", path, strerror(errno));
}

void hierarchy_sweep(const char *place, const char *prefix, struct report *leaks)
{
    char path[PATH_MAX];
    DIR *directory = opendir(place);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        if (leaks)
            report_add(leaks, "LEAK: the cgroup %s was left behind\n", entry->d_name);
        if (snprintf(path, sizeof(path), "%s/%s", place, entry->d_name) < (int)sizeof(path))
            hierarchy_remove(path);
    }
    closedir(directory);
}
