/*
 * Finding a cgroup's directory: where cgroup2 is mounted, and where a process is in it.
 *
 * Read anew each time an owner directory is made, not remembered: a service manager may have moved the process.
 */
#include "contain/place.h"

#include "base/error.h"
#include "contain/mountinfo.h"
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* Mount tables of container hosts reach hundreds of KiB; what is larger than this is not a mount table. */
enum { LARGEST_TABLE = 16 << 20 };

static int read_growing(const char *path, char **text)
{
    for (size_t size = 16384; size <= LARGEST_TABLE; size *= 4) {
        char *buffer = malloc(size);
        if (!buffer)
            return -ENOMEM;
        ssize_t length = sys_read_file(AT_FDCWD, path, buffer, size);
        if (length >= 0) {
            *text = buffer;
            return 0;
        }
        free(buffer);
        if (length != -EFBIG)
            return (int)length;
    }
    return -EFBIG;
}

static int explain(int number, pk_error *error)
{
    switch (number) {
    case -ENOENT:
        return error_set(error, number, PK_ERROR_UNSUPPORTED, PK_STEP_FIND_CGROUP, NULL,
                         "cannot find a cgroup: cgroup2 is not mounted (mount it on /sys/fs/cgroup)");
    case -EXDEV:
        return error_set(error, number, PK_ERROR_UNSUPPORTED, PK_STEP_FIND_CGROUP, NULL,
                         "cannot find a cgroup: the cgroup2 mount here does not show the cgroup of this process "
                         "(mount cgroup2 inside this cgroup namespace)");
    default:
        return error_errno(error, number, PK_STEP_FIND_CGROUP, NULL, "cannot find a cgroup");
    }
}

static int find(const char *file, struct place *place, pk_error *error)
{
    char path[PATH_MAX];
    char *text = NULL;

    int r = read_growing(file, &text);
    if (r < 0)
        return error_errno(error, r, PK_STEP_FIND_CGROUP, file, "cannot read %s", file);
    r = mountinfo_own_path(text, path, sizeof(path));
    free(text);
    if (r == -ENOENT)
        return error_set(error, r, PK_ERROR_UNSUPPORTED, PK_STEP_FIND_CGROUP, NULL,
                         "cannot find a cgroup: the cgroup of this process has been deleted");
    if (r < 0)
        return explain(r, error);

    r = read_growing("/proc/thread-self/mountinfo", &text);
    if (r < 0)
        return error_errno(error, r, PK_STEP_FIND_CGROUP, "/proc/thread-self/mountinfo",
                           "cannot read /proc/thread-self/mountinfo");
    r = mountinfo_find_directory(text, path, place->mount, place->own, sizeof(place->own));
    free(text);
    return r < 0 ? explain(r, error) : 0;
}

/* By the thread: below /proc/self a process whose main thread has ended shows no mounts. */
int place_find(struct place *place, pk_error *error)
{
    return find("/proc/thread-self/cgroup", place, error);
}

int place_find_of(pid_t pid, struct place *place, pk_error *error)
{
    char file[32];
    snprintf(file, sizeof(file), "/proc/%d/cgroup", pid);
    return find(file, place, error);
}

bool place_is_refusal(int number)
{
    switch (number) {
    case -ENOENT: /* not mounted, no /proc, or the own cgroup deleted */
    case -EXDEV:  /* not visible */
    case -EACCES: /* not permitted */
    case -EPERM:
    case -EROFS:      /* read-only, as in a stock container */
    case -EOPNOTSUPP: /* a threaded cgroup cannot have ours below it */
    case -ENODEV:
    case -ENOTDIR:
        return true;
    default:
        return false;
    }
}
