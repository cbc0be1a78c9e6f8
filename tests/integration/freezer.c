/*
 * The freezer of cgroup v1.
 */
#include "freezer.h"

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_to(const struct freezer *freezer, const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", freezer->path, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return written;
}

void freezer_find(struct freezer *freezer)
{
    char line[1024], mount[512], options[256];
    bool found = false;
    FILE *mounts = fopen("/proc/mounts", "re");
    while (mounts && !found && fgets(line, sizeof(line), mounts))
        found = sscanf(line, "%*s %511s cgroup %255s", mount, options) == 2 && strstr(options, "freezer");
    if (mounts)
        fclose(mounts);
    snprintf(freezer->path, sizeof(freezer->path), "%s/pk-test-%d", found ? mount : "", getpid());
    if (!found || mkdir(freezer->path, 0755) < 0)
        skip_test("the freezer of cgroup v1");
}

static bool is_frozen(const struct freezer *freezer)
{
    char path[PATH_MAX], text[32] = "";
    snprintf(path, sizeof(path), "%s/freezer.state", freezer->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    close(fd);
    return strcmp(text, "FROZEN\n") == 0;
}

bool freezer_freeze(const struct freezer *freezer, pid_t pid)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", pid);
    if (!write_to(freezer, "cgroup.procs", number) || !write_to(freezer, "freezer.state", "FROZEN"))
        return false;
    for (int i = 0; i < 2000 && !is_frozen(freezer); i++)
        poll(NULL, 0, 1);
    return is_frozen(freezer);
}

void freezer_thaw(const struct freezer *freezer)
{
    write_to(freezer, "freezer.state", "THAWED");
}

void freezer_remove(const struct freezer *freezer)
{
    for (int i = 0; i < 2000 && rmdir(freezer->path) < 0 && errno == EBUSY; i++)
        poll(NULL, 0, 1);
}
