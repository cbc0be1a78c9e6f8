/*
 * The file of a cassette.
 */
#include "base/error.h"
#include "sys/sys.h"
#include "testing/cassette.h"

#include <processkit/parse.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

static int read_rest(int fd, size_t most, struct room *text, size_t *length)
{
    enum { PART = 64 * 1024 };
    *length = 0;
    for (;;) {
        int r = room_reserve(text, *length + PART, SIZE_MAX);
        if (r < 0)
            return r;
        ssize_t n = sys_read(fd, text->bytes + *length, PART);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        *length += (size_t)n;
        if (*length > most)
            return -EFBIG;
    }
}

/* It is looked at before it is read: a pipe or a device may have no end. */
static int read_file(int fd, size_t most, struct room *text, size_t *length)
{
    struct stat status;
    int r = sys_fstat(fd, &status);
    if (r < 0)
        return r;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    return (uint64_t)status.st_size > most ? -EFBIG : read_rest(fd, most, text, length);
}

int cassette_load(const char *path, size_t most, struct room *text, size_t *length, pk_error *error)
{
    char size[32];
    int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
    if (fd < 0)
        return error_errno(error, fd, PK_STEP_OPEN_STDIO, path, "cannot play %s", path);
    int r = read_file(fd, most, text, length);
    sys_close(fd);
    if (r == -EFBIG)
        return error_set(error, r, PK_ERROR_OUTPUT_TOO_LARGE, PK_STEP_ARGUMENTS, path,
                         "cannot play %s: it has more than %s (see pk_cassette_options)", path,
                         pk_format_size(most, size, sizeof(size)));
    if (r == -EINVAL)
        return error_set(error, r, PK_ERROR_INVALID, PK_STEP_ARGUMENTS, path, "cannot play %s: it is no regular file",
                         path);
    return r < 0 ? error_errno(error, r, PK_STEP_OPEN_STDIO, path, "cannot play %s", path) : 0;
}

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* What stands there may be replaced. */
static int check_place(int dir, const char *name, const char *path, pk_error *error)
{
    struct stat status;
    int r = sys_fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW);
    if (r == -ENOENT || (r == 0 && S_ISREG(status.st_mode)))
        return 0;
    if (r < 0)
        return error_errno(error, r, PK_STEP_OPEN_STDIO, path, "cannot save %s", path);
    bool link = S_ISLNK(status.st_mode);
    return error_set(error, link ? -ELOOP : -EINVAL, PK_ERROR_INVALID, PK_STEP_OPEN_STDIO, path,
                     "cannot save %s: %s stands there (remove it)", path,
                     link ? "a symbolic link" : "something that is no regular file");
}

/* Of a name that nobody has. */
static int make_beside(int dir, const char *name, char *made, size_t size)
{
    enum { MOST_TRIES = 16 };
    int fd = -EEXIST;
    for (int i = 0; fd == -EEXIST && i < MOST_TRIES; i++) {
        snprintf(made, size, ".%.200s.%x-%x", name, (unsigned)sys_getpid(), (unsigned)sys_now());
        fd = sys_openat(dir, made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY, 0600);
    }
    return fd;
}

static int replace(int dir, const char *name, const char *text, size_t length)
{
    char made[256];
    int fd = make_beside(dir, name, made, sizeof(made));
    if (fd < 0)
        return fd;
    int r = sys_write_all(fd, text, length);
    if (r == 0)
        r = sys_fsync(fd);
    sys_close(fd);
    if (r == 0)
        r = sys_renameat(dir, made, name);
    if (r < 0)
        sys_unlinkat(dir, made, 0);
    return r;
}

/* The directory is held, so that name and new file are in the same one whatever becomes of its path. */
static int open_directory(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!slash)
        return sys_openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0);
    struct piece directory;
    int r = piece_copy(&directory, path, slash == path ? 1 : (size_t)(slash - path));
    if (r < 0)
        return r;
    int fd = sys_openat(AT_FDCWD, directory.bytes, O_PATH | O_DIRECTORY, 0);
    free(directory.bytes);
    return fd;
}

int cassette_store(const char *path, const char *text, size_t length, pk_error *error)
{
    const char *name;
    int dir = open_directory(path, &name);
    if (dir < 0)
        return error_errno(error, dir, PK_STEP_OPEN_STDIO, path, "cannot save %s", path);
    int r = check_place(dir, name, path, error);
    if (r == 0) {
        r = replace(dir, name, text, length);
        if (r < 0)
            error_errno(error, r, PK_STEP_OPEN_STDIO, path, "cannot save %s", path);
    }
    sys_close(dir);
    return r;
}
